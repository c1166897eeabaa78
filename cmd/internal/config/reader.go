// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// spare is how many values more than two for each byte a reading may meet.
// Without aliases there are far fewer; aliases of lists of aliases multiply.
const spare = 1 << 17

// maxAliases bounds a chain of aliases of aliases, which can be a circle.
const maxAliases = 8

// reader walks the YAML tree along the schema, fills in values and collects
// findings. It stops at nothing.
type reader struct {
	file     string
	lines    []string
	anchors  map[string]ast.Node
	budget   int // values that may still be met
	findings Findings
	// keys collects the schema's keys by kind of object, as they are met; a
	// test compares them with the documentation.
	keys map[string][]string
}

// read takes a value out of a node; it reports what is wrong itself.
type read func(ast.Node)

// field is a key of an object in the schema. Fields are read in the schema's
// order, so that defaults are known before what they are defaults for.
type field struct {
	name     string
	required bool
	read     read
}

func must(name string, f read) field { return field{name, true, f} }
func may(name string, f read) field  { return field{name, false, f} }

// report adds a finding where the node begins.
func (r *reader) report(n ast.Node, format string, args ...any) {
	r.reportAt(first(n).GetToken(), format, args...)
}

func (r *reader) reportAt(t *token.Token, format string, args ...any) {
	line, column := 1, 1
	if t != nil && t.Position != nil {
		line = min(max(t.Position.Line, 1), len(r.lines))
		column = max(t.Position.Column, 1)
	}
	r.findings = append(r.findings, Finding{
		File: r.file, Line: line, Column: column,
		Message: fmt.Sprintf(format, args...), Excerpt: r.lines[line-1],
	})
}

// resolve looks through anchors and aliases. It returns nil after reporting
// what cannot be looked through.
func (r *reader) resolve(n ast.Node) ast.Node {
	if r.budget--; r.budget < 0 {
		if r.budget == -1 {
			r.report(n, "the file grows too large through its aliases; write it out")
		}
		return nil
	}
	for range maxAliases {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			target, ok := r.anchors[v.Value.String()]
			if !ok {
				r.report(v, "alias *%s has no anchor &%s", v.Value, v.Value)
				return nil
			}
			n = target
		case *ast.TagNode:
			r.report(v, "tags (%s) are not used here; write the plain value", v.Start.Value)
			return nil
		default:
			return n
		}
	}
	r.report(n, "aliases refer to each other in a circle")
	return nil
}

// peek is resolve without findings: to choose how to read a node.
func (r *reader) peek(n ast.Node) ast.Node {
	before := len(r.findings)
	n = r.resolve(n)
	r.findings = r.findings[:before]
	return n
}

// collectAnchors remembers what each &name stands for.
func (r *reader) collectAnchors(n ast.Node) {
	ast.Walk(visitor(func(n ast.Node) {
		a, ok := n.(*ast.AnchorNode)
		if !ok {
			return
		}
		if _, twice := r.anchors[a.Name.String()]; twice {
			r.report(a, "anchor &%s is defined twice; an alias could mean either", a.Name)
		}
		r.anchors[a.Name.String()] = a.Value
	}), n)
}

type visitor func(ast.Node)

func (v visitor) Visit(n ast.Node) ast.Visitor {
	v(n)
	return v
}

// line of a node, for findings that refer to another place.
func line(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 1
}
