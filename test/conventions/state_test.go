// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"go/ast"
	"go/token"
	"slices"
)

// A package variable is fine as a constant that the language cannot express:
// an error, a table, a compiled pattern. It is state as soon as something
// assigns to it, takes its address, or its type exists only to be changed.
func stateRule() rule {
	in := func(text string) string { return "package p\n" + text + "\n" }
	return rule{name: "state", check: checkState, examples: []example{
		one("bad: assigned", "a.go", in("var v = 1\nfunc f() { v = 2 }"), "v is assigned"),
		one("bad: counted", "a.go", in("var v int\nfunc f() { v++ }"), "v is assigned"),
		one("bad: an element", "a.go", in("var v = map[int]int{}\nfunc f() { v[1] = 2 }"), "v is assigned"),
		one("bad: a field", "a.go", in("var v struct{ a int }\nfunc f() { v.a = 2 }"), "v is assigned"),
		one("bad: its address", "a.go", in("var v int\nfunc f() { g(&v) }"), "address of v"),
		one("bad: a lock", "a.go", in("import \"sync\"\nvar v sync.Mutex"), "v is made to change"),
		one("bad: a pointer to a lock", "a.go", in("import \"sync\"\nvar v *sync.RWMutex"), "v is made to change"),
		one("bad: an atomic", "a.go", in("import \"sync/atomic\"\nvar v atomic.Int64"), "v is made to change"),
		one("bad: an atomic literal", "a.go", in("import \"sync/atomic\"\nvar v = atomic.Int64{}"), "v is made to change"),
		one("bad: an empty map", "a.go", in("var v = make(map[int]int)"), "v is made to change"),
		{"bad: from another file", []string{"p/a.go", in("var v = 1"), "p/b.go", in("func f() { v = 2 }")}, "v is assigned"},
		{"OK: another package's", []string{"p/a.go", in("var v = 1"), "q/b.go", in("func f() { v = 2 }")}, ""},
		one("OK: an error", "a.go", in("import \"errors\"\nvar ErrX = errors.New(\"x\")"), ""),
		one("OK: a table", "a.go", in("var v = map[int]int{1: 2}\nfunc f() int { return v[1] }"), ""),
		one("OK: computed once", "a.go", in("import \"sync\"\nvar v = sync.OnceValue(f)\nfunc f() int { return 1 }"), ""),
		one("OK: a local of that name", "a.go", in("var v = 1\nfunc f() { v := 2; v = 3; g(&v) }"), ""),
		one("OK: a parameter of that name", "a.go", in("var v = 1\nfunc f(v int) { v = 3 }"), ""),
		one("OK: a test's", "a_test.go", in("var v = 1\nfunc f() { v = 2 }"), ""),
		one("OK: an interface check", "a.go", in("var _ I = (*t)(nil)"), ""),
	}}
}

func checkState(tree []*source) []finding {
	packages := make(map[string][]*source)
	for _, s := range tree {
		if s.file != nil && !s.isTest() && !s.isGenerated() {
			packages[s.dir()] = append(packages[s.dir()], s)
		}
	}
	var found []finding
	for _, files := range packages {
		vars := make(map[string]bool)
		for _, s := range files {
			found = append(found, declaredVars(s, vars)...)
		}
		for _, s := range files {
			found = append(found, changedVars(s, vars)...)
		}
	}
	return found
}

// declaredVars adds the package variables of one file to vars and finds those whose type is for changing.
func declaredVars(s *source, vars map[string]bool) []finding {
	var found []finding
	for _, decl := range s.file.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok || d.Tok != token.VAR {
			continue
		}
		for _, spec := range d.Specs {
			v := spec.(*ast.ValueSpec)
			for _, name := range v.Names {
				vars[name.Name] = name.Name != "_"
			}
			if v.Names[0].Name != "_" && (changeable(s, v.Type) || slices.ContainsFunc(v.Values, madeToChange(s))) {
				found = append(found, finding{s.path, s.line(v.Pos()), v.Names[0].Name + " is made to change: put it into a type"})
			}
		}
	}
	return found
}

// changeable tells whether a type is one of sync's or sync/atomic's.
func changeable(s *source, e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.StarExpr:
		return changeable(s, e.X)
	case *ast.IndexExpr: // atomic.Pointer[T]
		return changeable(s, e.X)
	case *ast.SelectorExpr:
		name, ok := e.X.(*ast.Ident)
		return ok && match("sync/...", s.imports()[name.Name])
	}
	return false
}

// madeToChange tells of a variable's first value whether it is an empty container or a lock.
func madeToChange(s *source) func(ast.Expr) bool {
	return func(e ast.Expr) bool {
		if u, ok := e.(*ast.UnaryExpr); ok {
			e = u.X
		}
		switch e := e.(type) {
		case *ast.CompositeLit:
			return changeable(s, e.Type)
		case *ast.CallExpr:
			name, ok := e.Fun.(*ast.Ident)
			return ok && (name.Name == "make" || name.Name == "new")
		}
		return false
	}
}

// changedVars finds where one file assigns to package variables or takes their address.
func changedVars(s *source, vars map[string]bool) []finding {
	var found []finding
	changed := func(e ast.Expr, how string, indirect bool) {
		if name := variable(e, indirect); name != nil && vars[name.Name] && atPackageLevel(s, name) {
			found = append(found, finding{s.path, s.line(e.Pos()), how + ": packages keep no state, put it into a type"})
		}
	}
	outermost(s, func(n ast.Node, _ []ast.Node) {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				return
			}
			for _, left := range n.Lhs {
				if name := variable(left, true); name != nil {
					changed(left, name.Name+" is assigned", true)
				}
			}
		case *ast.IncDecStmt:
			if name := variable(n.X, true); name != nil {
				changed(n.X, name.Name+" is assigned", true)
			}
		case *ast.UnaryExpr:
			if name := variable(n.X, false); name != nil && n.Op == token.AND {
				changed(n.X, "address of "+name.Name+" taken", false)
			}
		}
	})
	return found
}

// variable is the variable that e is, or (indirect) an element or a field of.
func variable(e ast.Expr, indirect bool) *ast.Ident {
	switch x := e.(type) {
	case *ast.Ident:
		return x
	case *ast.IndexExpr:
		if indirect {
			return variable(x.X, true)
		}
	case *ast.SelectorExpr:
		if indirect {
			return variable(x.X, true)
		}
	}
	return nil
}

// atPackageLevel tells whether name is no local variable: declared at the top
// of this file, or not in this file at all.
func atPackageLevel(s *source, name *ast.Ident) bool {
	return name.Obj == nil || s.file.Scope.Lookup(name.Name) == name.Obj
}
