// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// module is the module's path; what is imported below it is ours.
const module = "github.com/xlb-project/xlb"

// source is one file of the tree, with its syntax where it is Go.
type source struct {
	path string // slash-separated, from the root of the repository
	text []byte
	fset *token.FileSet
	file *ast.File // nil unless Go
}

// newSource parses text if the path is that of a Go file.
func newSource(name string, text []byte) (*source, error) {
	s := &source{path: name, text: text, fset: token.NewFileSet()}
	if path.Ext(name) != ".go" || s.inTestdata() {
		return s, nil
	}
	var err error
	s.file, err = parser.ParseFile(s.fset, name, text, parser.ParseComments)
	return s, err
}

// dir is the directory, which within the module names the package.
func (s *source) dir() string { return path.Dir(s.path) }

// isTest tells whether only "go test" compiles the file.
func (s *source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// inTestdata tells whether the file is some test's input, whatever its name.
func (s *source) inTestdata() bool { return strings.Contains("/"+s.path, "/testdata/") }

// isGenerated tells whether a tool wrote the file, by the mark that all of
// them use (https://go.dev/s/generatedcode).
func (s *source) isGenerated() bool {
	if s.file != nil {
		return ast.IsGenerated(s.file)
	}
	return path.Ext(s.path) == ".o"
}

// isScript tells whether the file starts with a shell's name.
func (s *source) isScript() bool {
	first, _, _ := bytes.Cut(s.text, []byte("\n"))
	return bytes.HasPrefix(first, []byte("#!")) && bytes.HasSuffix(bytes.TrimSpace(first), []byte("sh"))
}

// lines splits the text; a final newline makes no line of its own.
func (s *source) lines() []string {
	return strings.Split(strings.TrimSuffix(string(s.text), "\n"), "\n")
}

// line is the number of the line that pos is in.
func (s *source) line(pos token.Pos) int { return s.fset.Position(pos).Line }

// imports lists what the file imports: path by the name that the file uses.
func (s *source) imports() map[string]string {
	names := make(map[string]string)
	for _, spec := range s.file.Imports {
		target := importPath(spec)
		name := path.Base(target)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = target
	}
	return names
}

// importPath is the path that an import declaration names.
func importPath(spec *ast.ImportSpec) string {
	target, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return target
}

// callee is "path.Name" of a function of another package that call calls, or "".
func (s *source) callee(call *ast.CallExpr) string {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	name, ok := selector.X.(*ast.Ident)
	if !ok || name.Obj != nil { // a variable of that name hides the package
		return ""
	}
	target, ok := s.imports()[name.Name]
	if !ok {
		return ""
	}
	return target + "." + selector.Sel.Name
}

// readTree reads the repository: every file but git's own and what make built.
func readTree(t *testing.T) []*source {
	t.Helper()
	root := moduleRoot(t)
	var tree []*source
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		if relative == ".git" || relative == "bin" {
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		s, err := readSource(name, relative)
		if err != nil {
			return err
		}
		tree = append(tree, s)
		return nil
	})
	if err != nil {
		t.Fatalf("reading the tree: %v", err)
	}
	return tree
}

func readSource(name, relative string) (*source, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	s, err := newSource(relative, text)
	if err != nil {
		return nil, fmt.Errorf("parsing %s: %w", relative, err)
	}
	return s, nil
}

// moduleRoot is the nearest directory above that holds go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod in this directory or any above it: run the test inside the repository")
		}
		dir = parent
	}
}
