// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"fmt"
	"go/ast"
	"strings"
)

// layer says what a package may import of this module. Patterns are packages
// below the module; "x/..." is x and all below it.
type layer struct {
	pkg string
	may []string
}

// layers is the picture in docs/architecture.md, the first match counting.
// What a package's tests may import besides is in testHelpers.
func layers() []layer {
	return []layer{
		{"bpf", nil},
		{"maps/...", []string{"maps/...", "bpf"}},
		{"loader/...", []string{"loader/...", "maps/...", "bpf"}},
		{"lb/xdp/...", []string{"lb", "lb/slots", "lb/xdp/...", "loader/...", "maps/...", "bpf"}},
		{"lb/ipvs/...", []string{"lb", "lb/slots", "lb/ipvs/..."}},
		{"lb/...", []string{"lb", "lb/slots"}},
		{"health/...", []string{"health/..."}},
		{"vrrp/...", []string{"vrrp/..."}},
		{"cmd/...", []string{"cmd/...", "lb", "lb/slots", "lb/xdp/...", "lb/ipvs/...", "health/...", "vrrp/...",
			"loader/...", "maps/...", "bpf"}},
		{"test/...", []string{"..."}},
	}
}

// testHelpers is what tests may import and nothing else may, outside test/.
func testHelpers() []string { return []string{"test/...", "lb/lbtest"} }

// fence keeps a module of somebody else's, or of Go's library, where it belongs.
type fence struct {
	target  string   // a path; "x/..." is x and all below it
	within  []string // packages that may import it
	tests   bool     // and every test may
	instead string   // what to do elsewhere
}

func fences() []fence {
	underCmd := []string{"cmd/..."}
	inTests := []string{"test/...", "lb/lbtest"}
	return []fence{
		{"github.com/cilium/ebpf/...", []string{"bpf", "maps/...", "loader/...", "lb/xdp/...", "test/..."}, false,
			"use maps or loader"},
		{"github.com/cloudflare/ipvs/...", []string{"lb/ipvs/..."}, false, "use lb/ipvs"},
		{"github.com/prometheus/...", underCmd, false, "return counters; cmd/internal/metrics exports them"},
		{"github.com/goccy/go-yaml/...", underCmd, false, "take a model; cmd/internal/config reads files"},
		{"github.com/urfave/cli/...", underCmd, false, "take an options struct"},
		{"github.com/gopacket/gopacket/...", inTests, true, "it judges packets from outside, so only in tests"},
		{"github.com/google/go-cmp/...", inTests, true, "it panics by design, so only in tests"},
		{"github.com/rogpeppe/go-internal/...", inTests, true, "only in tests"},
		{"pgregory.net/rapid/...", inTests, true, "only in tests"},
		{"testing/...", inTests, true, "it adds flags to the program, so only in tests"},
		{"math/rand", nil, false, "use math/rand/v2"},
		{"io/ioutil", nil, false, "use io and os"},
		{"log", nil, false, "use log/slog"},
		{"C", nil, false, "the programs are static; no cgo"},
		{"github.com/google/gopacket/...", nil, false, "it is dead; use github.com/gopacket/gopacket"},
		{"github.com/pkg/errors", nil, false, "use fmt.Errorf with %w"},
		{"golang.org/x/exp/...", nil, false, "what is good there has moved to Go's library"},
	}
}

// impure is what lb's core must not import: it decides, engines act.
func impure() []string {
	return []string{"net", "net/http/...", "os/...", "syscall", "golang.org/x/sys/...", "github.com/vishvananda/..."}
}

func importRule() rule {
	return rule{name: "imports", check: perFile(checkImports), examples: importExamples()}
}

func checkImports(s *source) []finding {
	if s.file == nil {
		return nil
	}
	var found []finding
	for _, spec := range s.file.Imports {
		if text := refuseImport(s, importPath(spec)); text != "" {
			found = append(found, finding{s.path, s.line(spec.Pos()), text})
		}
	}
	return found
}

// refuseImport says why the file may not import target, or "".
func refuseImport(s *source, target string) string {
	if own, ok := strings.CutPrefix(target, module+"/"); ok {
		return refuseOwn(s, own)
	}
	if (s.dir() == "lb" || s.dir() == "lb/slots") && !s.isTest() && matchAny(impure(), target) {
		return fmt.Sprintf("%s is free of I/O and imports no %s; an engine does that", s.dir(), target)
	}
	for _, f := range fences() {
		if inside := matchAny(f.within, s.dir()) || f.tests && s.isTest(); match(f.target, target) && !inside {
			return fmt.Sprintf("%s must not import %s: %s", s.dir(), target, f.instead)
		}
	}
	return ""
}

func refuseOwn(s *source, target string) string {
	if s.isTest() && (matchAny(testHelpers(), target) || s.dir() == target) {
		return ""
	}
	for _, l := range layers() {
		if !match(l.pkg, s.dir()) {
			continue
		}
		if matchAny(l.may, target) {
			return ""
		}
		return fmt.Sprintf("%s must not import %s; of this module it may import: %s", s.dir(), target, strings.Join(l.may, " "))
	}
	return fmt.Sprintf("%s has no place in the layers of test/conventions", s.dir())
}

// match tells whether a pattern covers a path.
func match(pattern, path string) bool {
	if pattern == "..." {
		return true
	}
	root, below := strings.CutSuffix(pattern, "/...")
	return path == root || below && strings.HasPrefix(path, root+"/")
}

func matchAny(patterns []string, path string) bool {
	for _, p := range patterns {
		if match(p, path) {
			return true
		}
	}
	return false
}

func importExamples() []example {
	own := func(name, path, target, want string) example {
		return one(name, path, "package p\nimport \""+module+"/"+target+"\"\n", want)
	}
	other := func(name, path, target, want string) example {
		return one(name, path, "package p\nimport x \""+target+"\"\n", want)
	}
	const no = "must not import"
	return []example{
		own("bad: lb imports maps", "lb/diff.go", "maps", no),
		own("bad: lb imports an engine", "lb/diff.go", "lb/xdp", no),
		own("bad: lb imports health", "lb/diff.go", "health", no),
		own("bad: lb's test imports the loader", "lb/diff_test.go", "loader", no),
		own("bad: health imports lb", "health/tcp.go", "lb", no),
		own("bad: health imports vrrp", "health/tcp.go", "vrrp", no),
		own("bad: vrrp imports bpf", "vrrp/addr/addr.go", "bpf", no),
		own("bad: maps imports loader", "maps/conn.go", "loader", no),
		own("bad: bpf imports maps", "bpf/doc.go", "maps", no),
		own("bad: an engine imports the other", "lb/xdp/apply.go", "lb/ipvs", no),
		own("bad: loader imports lb", "loader/attach.go", "lb", no),
		own("bad: loader imports cmd", "loader/attach.go", "cmd/internal/config", no),
		own("bad: a main imports a test package", "cmd/xlbd/main.go", "test/netns", no),
		own("bad: a main imports the fake", "cmd/xlbd/main.go", "lb/lbtest", no),
		own("bad: an unknown folder", "util/strings.go", "lb", "no place"),
		own("OK: an engine imports lb", "lb/xdp/apply.go", "lb", ""),
		own("OK: an engine imports loader", "lb/xdp/apply.go", "loader", ""),
		own("OK: lb's test imports the fake", "lb/diff_test.go", "lb/lbtest", ""),
		own("OK: an external test imports its package", "health/tcp_test.go", "health", ""),
		own("OK: a test imports test helpers", "loader/attach_test.go", "test/netns", ""),
		own("OK: the demo imports everything", "test/demo/main.go", "lb/xdp", ""),
		other("bad: lb does I/O", "lb/diff.go", "os", "free of I/O"),
		other("bad: slots know the network", "lb/slots/rr.go", "net", "free of I/O"),
		other("OK: addresses are no I/O", "lb/diff.go", "net/netip", ""),
		other("bad: ebpf in a main", "cmd/xlbd/main.go", "github.com/cilium/ebpf/link", no),
		other("OK: ebpf in maps", "maps/conn.go", "github.com/cilium/ebpf", ""),
		other("OK: ebpf in a helper of tests", "test/netns/netns.go", "github.com/cilium/ebpf", ""),
		other("bad: ipvs in lb/xdp", "lb/xdp/apply.go", "github.com/cloudflare/ipvs", no),
		other("bad: prometheus outside cmd", "health/tcp.go", "github.com/prometheus/client_golang/prometheus", no),
		other("bad: yaml outside cmd", "lb/model.go", "github.com/goccy/go-yaml", no),
		other("OK: yaml in cmd", "cmd/internal/config/read.go", "github.com/goccy/go-yaml", ""),
		other("bad: cli in a package", "loader/attach.go", "github.com/urfave/cli/v2", no),
		other("bad: gopacket in the product", "maps/conn.go", "github.com/gopacket/gopacket", no),
		other("OK: rapid in a test", "lb/diff_test.go", "pgregory.net/rapid", ""),
		other("bad: testing in the product", "lb/diff.go", "testing", no),
		other("bad: the old math/rand", "lb/slots/rr_test.go", "math/rand", "math/rand/v2"),
		other("OK: the new math/rand", "lb/slots/rr_test.go", "math/rand/v2", ""),
		other("bad: log", "cmd/xlbd/main.go", "log", "log/slog"),
		other("OK: slog", "cmd/xlbd/main.go", "log/slog", ""),
		other("bad: cgo", "maps/conn.go", "C", "cgo"),
	}
}

// outermost calls visit for each node of the file with the nodes around it.
func outermost(s *source, visit func(n ast.Node, around []ast.Node)) {
	if s.file == nil {
		return
	}
	ast.PreorderStack(s.file, nil, func(n ast.Node, around []ast.Node) bool {
		visit(n, around)
		return true
	})
}
