// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
)

func packageDocRule() rule {
	return rule{name: "package-doc", check: checkPackageDocs, examples: []example{
		one("OK: package", "lb/a.go", "// SPDX\n\n// Package lb thinks.\npackage lb\n", ""),
		one("OK: command", "cmd/xlbd/main.go", "// Command xlbd is the daemon.\npackage main\n", ""),
		one("OK: command by name", "cmd/xlbd/main.go", "// Xlbd is the daemon.\npackage main\n", ""),
		one("bad: none", "lb/a.go", "// SPDX\n\npackage lb\n", "has no documentation"),
		one("bad: only the licence", "lb/a.go", "// "+licenceMark+apache+"\npackage lb\n", "empty line"),
		one("bad: another name", "lb/a.go", "// Package xlb thinks.\npackage lb\n", "Package lb "),
		one("bad: command without a name", "cmd/xlbd/main.go", "// The daemon.\npackage main\n", "Command xlbd "),
		one("bad: only a test has it", "lb/a_test.go", "// Package lb thinks.\npackage lb\n", "has no documentation"),
		{"OK: one of two files has it",
			[]string{"lb/a.go", "// Package lb thinks.\npackage lb\n", "lb/b.go", "package lb\n"}, ""},
		{"bad: two files have it", []string{"lb/a.go", "// Package lb thinks.\npackage lb\n",
			"lb/b.go", "// Package lb does.\npackage lb\n"}, "twice"},
		one("OK: a tool's input", "lb/testdata/a.go", "package lb\n", ""),
	}}
}

func checkPackageDocs(tree []*source) []finding {
	var found []finding
	documented := make(map[string]*source) // directories, and the file that documents the package
	var all []*source                      // one file for each directory with Go in it
	for _, s := range tree {
		if s.file == nil {
			continue
		}
		if !slices.ContainsFunc(all, func(o *source) bool { return o.dir() == s.dir() }) {
			all = append(all, s)
		}
		if s.isTest() || s.isGenerated() || s.file.Doc == nil {
			continue
		}
		if first := documented[s.dir()]; first != nil {
			found = append(found, finding{s.path, 1, "the package is documented twice, also in " + first.path})
		}
		documented[s.dir()] = s
		found = append(found, checkPackageDoc(s)...)
	}
	for _, s := range all {
		if documented[s.dir()] == nil {
			found = append(found, finding{s.path, 1, "package " + s.dir() + " has no documentation: write a doc.go"})
		}
	}
	return found
}

func checkPackageDoc(s *source) []finding {
	text, name := s.file.Doc.Text(), s.file.Name.Name
	starts := []string{"Package " + name + " "}
	if name == "main" {
		command := path.Base(s.dir())
		starts = []string{"Command " + command + " ", strings.ToUpper(command[:1]) + command[1:] + " "}
	}
	at := s.line(s.file.Doc.Pos())
	if strings.Contains(text, licenceMark) {
		return []finding{{s.path, at, "the licence line is the package's documentation: put an empty line below it"}}
	}
	if !slices.ContainsFunc(starts, func(start string) bool { return strings.HasPrefix(text, start) }) {
		return []finding{{s.path, at, fmt.Sprintf("the package's documentation must start with %q", starts[0])}}
	}
	return nil
}

func exportedDocRule() rule {
	in := func(text string) string { return "package p\n" + text + "\n" }
	return rule{name: "exported-doc", check: perFile(checkExportedDocs), examples: []example{
		one("bad: function", "a.go", in("func F() {}"), "F has no"),
		one("bad: type", "a.go", in("type T struct{}"), "T has no"),
		one("bad: method", "a.go", in("// T is\ntype T struct{}\nfunc (*T) M() {}"), "T.M has no"),
		one("bad: method of a generic type", "a.go", in("// T is\ntype T[K any] struct{}\nfunc (t T[K]) M() {}"), "T.M has no"),
		one("bad: constant", "a.go", in("const C = 1"), "C has no"),
		one("bad: variable in an undocumented group", "a.go", in("var (\n\tV = 1\n)"), "V has no"),
		one("bad: only a directive", "a.go", in("//go:noinline\nfunc F() {}"), "F has no"),
		one("OK: all documented", "a.go", in("// F does\nfunc F() {}\n// T is\ntype T int\n// M is\nfunc (T) M() {}"), ""),
		one("OK: a group", "a.go", in("// Values of T.\nconst (\n\tA = 1\n\tB = 2\n)"), ""),
		one("OK: at the end of the line", "a.go", in("const (\n\tA = 1 // first\n)"), ""),
		one("OK: what is not exported", "a.go", in("func f() {}\ntype t int\nfunc (t) M() {}"), ""),
		one("OK: tests", "a_test.go", in("func TestF() {}"), ""),
	}}
}

func checkExportedDocs(s *source) []finding {
	if s.file == nil || s.isTest() || s.isGenerated() {
		return nil
	}
	var found []finding
	for _, decl := range s.file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if name := exportedFunc(d); name != "" && d.Doc.Text() == "" {
				found = append(found, undocumented(s, d.Pos(), name))
			}
		case *ast.GenDecl:
			found = append(found, checkGroup(s, d)...)
		}
	}
	return found
}

// checkGroup looks at a declaration of types, constants or variables. A comment
// on the group does for constants and variables, not for types.
func checkGroup(s *source, d *ast.GenDecl) []finding {
	var found []finding
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			alone := !d.Lparen.IsValid() && d.Doc.Text() != ""
			if spec.Name.IsExported() && spec.Doc.Text() == "" && spec.Comment.Text() == "" && !alone {
				found = append(found, undocumented(s, spec.Pos(), spec.Name.Name))
			}
		case *ast.ValueSpec:
			if d.Doc.Text() != "" || spec.Doc.Text() != "" || spec.Comment.Text() != "" {
				continue
			}
			if i := slices.IndexFunc(spec.Names, (*ast.Ident).IsExported); i >= 0 {
				found = append(found, undocumented(s, spec.Pos(), spec.Names[i].Name))
			}
		}
	}
	return found
}

// exportedFunc is the name of a function, or of a type and its method, if
// others can call it; else "".
func exportedFunc(d *ast.FuncDecl) string {
	if !d.Name.IsExported() {
		return ""
	}
	if d.Recv == nil {
		return d.Name.Name
	}
	receiver := receiverType(d.Recv.List[0].Type)
	if receiver == nil || !receiver.IsExported() {
		return ""
	}
	return receiver.Name + "." + d.Name.Name
}

func receiverType(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiverType(e.X)
	case *ast.IndexExpr:
		return receiverType(e.X)
	case *ast.IndexListExpr:
		return receiverType(e.X)
	case *ast.Ident:
		return e
	}
	return nil
}

func undocumented(s *source, at token.Pos, name string) finding {
	return finding{s.path, s.line(at), name + " has no documentation"}
}
