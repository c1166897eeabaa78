// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"go/ast"
	"slices"
	"strings"
)

func initRule() rule {
	return rule{name: "init", check: perFile(checkInit), examples: []example{
		one("bad", "a.go", "package p\nfunc init() {}\n", "init"),
		one("bad: in a test", "a_test.go", "package p\nfunc init() {}\n", "init"),
		one("OK: a method", "a.go", "package p\ntype t int\nfunc (t) init() {}\n", ""),
		one("OK: a variable", "a.go", "package p\nfunc f() { init := 1; _ = init }\n", ""),
	}}
}

func checkInit(s *source) []finding {
	if s.file == nil || s.isGenerated() {
		return nil
	}
	var found []finding
	for _, decl := range s.file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			found = append(found, finding{s.path, s.line(f.Pos()), "no init(): it runs in every program that imports this"})
		}
	}
	return found
}

func exitRule() rule {
	call := func(pkg, imported, statement string) string {
		return "package " + pkg + "\nimport " + imported + "\nfunc f() { " + statement + " }\n"
	}
	const logs = `l "log"`
	return rule{name: "exit", check: perFile(checkExit), examples: []example{
		one("bad: os.Exit in a package", "a.go", call("p", `"os"`, "os.Exit(1)"), "os.Exit"),
		one("bad: log.Fatal under another name", "a.go", call("p", logs, `l.Fatalf("x")`), "log.Fatalf"),
		one("bad: log.Panic", "a.go", call("p", logs, `l.Panic("x")`), "log.Panic"),
		one("bad: deep in a main", "cmd/xlbd/run.go", call("main", `"os"`, "os.Exit(1)"), "os.Exit"),
		one("OK: in func main", "cmd/xlbd/main.go", "package main\nimport \"os\"\nfunc main() { os.Exit(1) }\n", ""),
		one("OK: in TestMain", "a_test.go",
			"package p\nimport (\n\"os\"\n\"testing\"\n)\nfunc TestMain(m *testing.M) { os.Exit(m.Run()) }\n", ""),
		one("OK: a variable called os", "a.go", call("p", `"os"`, "os := t{}; os.Exit(1)"), ""),
		one("OK: os.Open", "a.go", call("p", `"os"`, `os.Open("x")`), ""),
	}}
}

func checkExit(s *source) []finding {
	var found []finding
	outermost(s, func(n ast.Node, around []ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return
		}
		callee := s.callee(call)
		ends := callee == "os.Exit" || strings.HasPrefix(callee, "log.Fatal") || strings.HasPrefix(callee, "log.Panic")
		if ends && !mayExit(s, around) {
			found = append(found, finding{s.path, s.line(n.Pos()), callee + ": return an error; only func main ends the process"})
		}
	})
	return found
}

// mayExit tells whether the innermost declared function is main's main, or one
// that runs tests in main's place and so is given the *testing.M.
func mayExit(s *source, around []ast.Node) bool {
	for _, n := range slices.Backward(around) {
		f, ok := n.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if s.file.Name.Name == "main" && f.Recv == nil && f.Name.Name == "main" {
			return true
		}
		return slices.ContainsFunc(f.Type.Params.List, isTestingM)
	}
	return false
}

func isTestingM(field *ast.Field) bool {
	star, ok := field.Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	selector, ok := star.X.(*ast.SelectorExpr)
	return ok && selector.Sel.Name == "M"
}

func sleepRule() rule {
	const imports = "package p\nimport (\n\"time\"\n\"testing/synctest\"\n)\n"
	const sleeps = "package p\nimport \"time\"\nfunc f() { time.Sleep(1) }\n"
	const loops = "package p\nimport \"time\"\nfunc f() { for !g() { time.Sleep(1) } }\n"
	return rule{name: "sleep", check: perFile(checkSleep), examples: []example{
		one("bad: in a test", "lb/a_test.go", sleeps, "wait for"),
		one("bad: in a helper of tests", "test/netns/a.go", sleeps, "wait for"),
		one("bad: a loop in a test", "lb/a_test.go", loops, "wait for"),
		one("OK: between two looks of a helper", "test/netns/a.go", loops, ""),
		one("bad: under another name", "lb/a_test.go", "package p\nimport t \"time\"\nfunc f() { t.Sleep(1) }\n", "wait for"),
		one("bad: beside a bubble", "lb/a_test.go",
			imports+"func f() { synctest.Test(t, func(t *testing.T) {}); time.Sleep(1) }\n", "wait for"),
		one("OK: a helper of bubbles", "lb/a_test.go", imports+"func f() { time.Sleep(1); synctest.Wait() }\n", ""),
		one("OK: virtual time", "lb/a_test.go",
			imports+"func f() { synctest.Test(t, func(t *testing.T) { time.Sleep(1) }) }\n", ""),
		one("OK: a timer", "lb/a_test.go", "package p\nimport \"time\"\nfunc f() { <-time.After(1) }\n", ""),
		one("OK: excused", "lb/a_test.go",
			"package p\nimport \"time\"\nfunc f() {\n\ttime.Sleep(1) "+allowed("sleep", " the pause itself is measured")+"\n}\n", ""),
	}}
}

// checkSleep refuses time.Sleep in tests. The helpers below test/ that wait for
// a condition may sleep in the loop that looks at it.
func checkSleep(s *source) []finding {
	if !s.isTest() && !match("test/...", s.dir()) {
		return nil
	}
	var found []finding
	outermost(s, func(n ast.Node, around []ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if ok && s.callee(call) == "time.Sleep" && !inBubble(s, around) && (s.isTest() || !inLoop(around)) {
			found = append(found, finding{s.path, s.line(n.Pos()),
				"time.Sleep: wait for a condition with a deadline, or use testing/synctest"})
		}
	})
	return found
}

// inBubble tells whether a call stands where time is virtual: in the argument
// of synctest.Test, or in a function that calls synctest.Wait, which panics
// anywhere else.
func inBubble(s *source, around []ast.Node) bool {
	for _, n := range around {
		switch n := n.(type) {
		case *ast.CallExpr:
			if s.callee(n) == "testing/synctest.Test" {
				return true
			}
		case *ast.FuncDecl:
			if calls(s, n.Body, "testing/synctest.Wait") {
				return true
			}
		}
	}
	return false
}

// calls tells whether a function is called anywhere in body.
func calls(s *source, body ast.Node, callee string) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		found = found || ok && s.callee(call) == callee
		return !found
	})
	return found
}

func inLoop(around []ast.Node) bool {
	return slices.ContainsFunc(around, func(n ast.Node) bool {
		_, ok := n.(*ast.ForStmt)
		return ok
	})
}
