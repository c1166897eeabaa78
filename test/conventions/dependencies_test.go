// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"regexp"
	"slices"
	"strings"
)

// dependencyPage has a row for each module that go.mod asks for itself, and for each tool.
const dependencyPage = "docs/dependencies.md"

var (
	// A row's first cell is a path in backticks.
	dependencyRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")
	// The kinds of lines in a go.mod that name a path, and what follows a version.
	modRequire = regexp.MustCompile(`^(?:require )?(\S+\.\S+/?\S*) v\S+( // indirect)?$`)
	modTool    = regexp.MustCompile(`^(?:tool )?(\S+\.\S+/\S+)$`)
)

func dependencyRule() rule {
	const mod = "module m\n\ngo 1.26\n\nrequire (\n\ta.org/x v1.0.0\n\tb.org/y v1.0.0 // indirect\n)\n\ntool c.org/z/cmd/t\n"
	page := func(paths ...string) string {
		return "| `" + strings.Join(paths, "` | why |\n| `") + "` | why |\n"
	}
	files := func(text string) []string { return []string{"go.mod", mod, dependencyPage, text} }
	return rule{name: "dependencies", check: checkDependencies, examples: []example{
		{"OK", files(page("a.org/x", "c.org/z/cmd/t")), ""},
		{"OK: an indirect one may be named", files(page("a.org/x", "b.org/y", "c.org/z/cmd/t")), ""},
		{"bad: a module without a reason", files(page("c.org/z/cmd/t")), "a.org/x"},
		{"bad: a tool without a reason", files(page("a.org/x")), "c.org/z/cmd/t"},
		{"bad: a reason without a module", files(page("a.org/x", "c.org/z/cmd/t", "d.org/w")), "d.org/w"},
		{"OK: the linter's own module file", append(files(page("a.org/x", "c.org/z/cmd/t", "l.org/lint")),
			".ci/lint.mod", "module l\n\ntool l.org/lint\n\nrequire e.org/e v1.0.0 // indirect\n"), ""},
	}}
}

func checkDependencies(tree []*source) []finding {
	var wanted, known, explained []string
	for _, s := range tree {
		switch s.path {
		case "go.mod", ".ci/lint.mod":
			direct, indirect := modPaths(s)
			wanted = append(wanted, direct...)
			known = append(known, indirect...)
		case dependencyPage:
			for _, m := range dependencyRow.FindAllStringSubmatch(string(s.text), -1) {
				explained = append(explained, m[1])
			}
		}
	}
	var found []finding
	for _, path := range wanted {
		if !slices.Contains(explained, path) {
			found = append(found, finding{dependencyPage, 1, "says nothing of " + path + ": why it, and not another?"})
		}
	}
	for _, path := range explained {
		if !slices.Contains(wanted, path) && !slices.Contains(known, path) {
			found = append(found, finding{dependencyPage, 1, path + " is not in go.mod any more: remove it"})
		}
	}
	return found
}

// modPaths lists what a module file asks for itself, tools included, and what only others ask for.
func modPaths(s *source) (direct, indirect []string) {
	for _, line := range s.lines() {
		line = strings.TrimSpace(line)
		if m := modRequire.FindStringSubmatch(line); m != nil {
			if m[2] == "" {
				direct = append(direct, m[1])
			} else {
				indirect = append(indirect, m[1])
			}
		} else if m := modTool.FindStringSubmatch(line); m != nil && !strings.HasPrefix(line, "module ") {
			direct = append(direct, m[1])
		}
	}
	return direct, indirect
}
