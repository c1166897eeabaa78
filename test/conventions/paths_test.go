// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"regexp"
	"strings"
)

// outside is a path in somebody's home or workplace. It means nothing to
// whoever reads the repository elsewhere, and tells about who wrote it.
var outside = regexp.MustCompile(`(?:^|[^\w./~$})-])(/(?:work|root|home|Users)/[\w.-]+)`)

func pathRule() rule {
	at := func(dir string) string { return "/" + dir + "/" }
	return rule{name: "paths", check: perFile(checkPaths), examples: []example{
		one("bad: prose", "docs/a.md", "See "+at("work")+"notes.md.\n", at("work")),
		one("bad: at the start", "a.sh", at("root")+"go/bin/x\n", at("root")),
		one("bad: quoted", "a.go", "package p\nconst a = \""+at("home")+"me/x\"\n", at("home")),
		one("bad: in an object", "bpf/a.o", "\x00\x00"+at("work")+"bpf/lb.c\x00", at("work")),
		one("OK: a system's path", "docs/a.md", "/etc/xlb/xlb.yaml /sys/fs/bpf /run/xlb/lock /tmp\n", ""),
		one("OK: an address", "docs/a.md", "https://example.org"+at("work")+"x\n", ""),
		one("OK: within the repository", "docs/a.md", "test"+at("work")+"x ./a"+at("root")+"b\n", ""),
	}}
}

func checkPaths(s *source) []finding {
	var found []finding
	for i, line := range strings.Split(string(s.text), "\n") {
		if m := outside.FindStringSubmatch(line); m != nil {
			found = append(found, finding{s.path, i + 1, m[1] + " is a path outside the repository"})
		}
	}
	return found
}
