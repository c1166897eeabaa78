// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rule is one thing that holds for the whole tree.
type rule struct {
	name     string
	check    func(tree []*source) []finding
	examples []example
}

// finding is one place that breaks a rule, and what to do there.
type finding struct {
	path string
	line int
	text string
}

func (f finding) String() string { return fmt.Sprintf("%s:%d: %s", f.path, f.line, f.text) }

// example is a small tree that a rule refuses, or lets through.
type example struct {
	name  string
	files []string // path, text, path, text, ...
	want  string   // part of the only finding's text; "": there is none
}

// one is an example of a single file.
func one(name, path, text, want string) example {
	return example{name: name, files: []string{path, text}, want: want}
}

// rules are all there are. They are values, built anew for each test.
func rules() []rule {
	return []rule{
		importRule(), licenceRule(), packageDocRule(), exportedDocRule(), initRule(), exitRule(),
		sleepRule(), stateRule(), sizeRule(), pathRule(), targetRule(), dependencyRule(),
	}
}

// perFile makes a check of trees from a check of single files.
func perFile(check func(*source) []finding) func([]*source) []finding {
	return func(tree []*source) []finding {
		var found []finding
		for _, s := range tree {
			found = append(found, check(s)...)
		}
		return found
	}
}

// excuse is the comment that lets one line break one rule, see the package's documentation.
var excuse = regexp.MustCompile(`(?://|/\*|#) conventions: ([a-z-]+):(.*)$`)

// apply runs the rule and takes away what is excused; a useless excuse is a finding itself.
func (r rule) apply(tree []*source) []finding {
	found := r.check(tree)
	for _, s := range tree {
		if s.inTestdata() {
			continue
		}
		for i, line := range s.lines() {
			m := excuse.FindStringSubmatch(line)
			if m == nil || m[1] != r.name {
				continue
			}
			found = excused(found, finding{path: s.path, line: i + 1}, m[2])
		}
	}
	slices.SortStableFunc(found, func(a, b finding) int {
		if c := strings.Compare(a.path, b.path); c != 0 {
			return c
		}
		return a.line - b.line
	})
	return found
}

// excused removes the findings of one line, or adds one about the excuse.
func excused(found []finding, at finding, reason string) []finding {
	if strings.Trim(reason, " */") == "" {
		at.text = "the excuse gives no reason"
		return append(found, at)
	}
	rest := slices.DeleteFunc(slices.Clone(found), func(f finding) bool { return f.path == at.path && f.line == at.line })
	if len(rest) == len(found) {
		at.text = "the excuse excuses nothing: remove it"
		return append(found, at)
	}
	return rest
}

// TestTree holds the repository to every rule.
func TestTree(t *testing.T) {
	tree := readTree(t)
	for _, want := range []string{"go.mod", "Makefile", "bpf.mk", ".ci/run", "bpf/types.h", "test/conventions/rule_test.go"} {
		if !slices.ContainsFunc(tree, func(s *source) bool { return s.path == want }) {
			t.Errorf("%s is not in the tree that was read", want)
		}
	}
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			for _, f := range r.apply(tree) {
				t.Errorf("%s", f)
			}
		})
	}
}

// TestRules shows of every rule that it can fail, and that it does not fail always.
func TestRules(t *testing.T) {
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			bad := 0
			for _, e := range r.examples {
				if e.want != "" {
					bad++
				}
				t.Run(e.name, func(t *testing.T) { e.run(t, r) })
			}
			if bad == 0 || bad == len(r.examples) {
				t.Errorf("of %d examples %d are bad: at least one must be, and one must not", len(r.examples), bad)
			}
		})
	}
}

func (e example) run(t *testing.T, r rule) {
	found := r.apply(sources(t, e.files...))
	switch {
	case e.want == "" && len(found) > 0:
		t.Errorf("refused: %v", found)
	case e.want != "" && len(found) != 1:
		t.Errorf("%d findings, want 1: %v", len(found), found)
	case e.want != "" && !strings.Contains(found[0].text, e.want):
		t.Errorf("finding %q lacks %q", found[0].text, e.want)
	}
}

// sources builds a tree from pairs of path and text.
func sources(t *testing.T, files ...string) []*source {
	t.Helper()
	var tree []*source
	for pair := range slices.Chunk(files, 2) {
		s, err := newSource(pair[0], []byte(pair[1]))
		if err != nil {
			t.Fatalf("example: %v", err)
		}
		tree = append(tree, s)
	}
	return tree
}

// allowed writes an excuse, in two pieces so that it is none here.
func allowed(name, reason string) string { return "// conventions" + ": " + name + ":" + reason }

// TestExcuse shows what a line may say to break a rule.
func TestExcuse(t *testing.T) {
	sleeping := func(comment string) []string {
		return []string{"a_test.go", "package a\nimport \"time\"\nfunc f() {\n\ttime.Sleep(1) " + comment + "\n}\n"}
	}
	tests := []example{
		{"OK", sleeping(allowed("sleep", " there is nothing to wait for")), ""},
		{"bad: no reason", []string{"a_test.go", "package a " + allowed("sleep", " ")}, "gives no reason"},
		{"bad: for another rule", sleeping(allowed("init", " whatever")), "wait for"},
		{"bad: nothing to excuse", []string{"a_test.go", "package a " + allowed("sleep", " whatever")}, "excuses nothing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, sleepRule()) })
	}
}
