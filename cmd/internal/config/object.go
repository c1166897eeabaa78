// SPDX-License-Identifier: Apache-2.0

package config

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// object reads a mapping: every key at most once, none that the schema does
// not have, all that it requires. what names the object in findings. Nothing
// at all is an empty object or list: that is what is left when all lines below
// a key are commented out.
func (r *reader) object(n ast.Node, what string, fields ...field) {
	names := fieldNames(fields)
	r.keys[what] = names
	if n = r.resolve(n); n == nil {
		return
	}
	values, ok := r.pairs(n, what, names)
	if !ok {
		return
	}
	for _, f := range fields {
		value, present := values[f.name]
		switch {
		case present:
			f.read(value)
		case f.required:
			r.report(n, "%s needs the key %q", what, f.name)
		}
	}
}

// pairs are the values of a mapping by key, without unknown and repeated ones.
func (r *reader) pairs(n ast.Node, what string, names []string) (map[string]ast.Node, bool) {
	mapping, ok := n.(*ast.MappingNode)
	if !ok {
		if _, null := n.(*ast.NullNode); !null {
			r.report(n, "%s is written as \"key: value\" pairs, this is %s", what, kind(n))
			return nil, false
		}
		return nil, true
	}
	values := make(map[string]ast.Node, len(mapping.Values))
	lines := make(map[string]int, len(mapping.Values))
	for _, pair := range mapping.Values {
		name, ok := r.key(pair.Key, what, names)
		if !ok {
			continue
		}
		if before, twice := lines[name]; twice {
			r.report(pair.Key, "key %q is given twice, first in line %d", name, before)
			continue
		}
		lines[name] = line(pair.Key)
		values[name] = pair.Value
	}
	return values, true
}

// key is the text of a mapping's key if the schema knows it.
func (r *reader) key(n ast.MapKeyNode, what string, names []string) (string, bool) {
	if n.IsMergeKey() {
		r.report(n, "merge keys (<<) are not used here; give the whole value an anchor instead")
		return "", false
	}
	name := n.String()
	if s, ok := n.(*ast.StringNode); ok {
		name = s.Value
	}
	for _, known := range names {
		if name == known {
			return name, true
		}
	}
	hint, known := keepalived(name)
	if !known {
		hint = didYouMean(name, names)
	}
	r.report(n, "unknown key %s in %s%s", quote(name), what, hint)
	return "", false
}

// list reads a sequence, each entry by the same function.
func (r *reader) list(what string, each func(ast.Node)) read {
	return func(n ast.Node) {
		if n = r.resolve(n); n == nil {
			return
		}
		if _, null := n.(*ast.NullNode); null {
			return
		}
		sequence, ok := n.(*ast.SequenceNode)
		if !ok {
			r.report(n, "%s is a list (lines that begin with \"- \", or [a, b]), this is %s", what, kind(n))
			return
		}
		for _, entry := range sequence.Values {
			each(entry)
		}
	}
}

func fieldNames(fields []field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

// first is where an object begins: its first key, not that key's colon.
func first(n ast.Node) ast.Node {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && !m.IsFlowStyle {
		return m.Values[0].Key
	}
	return n
}

// kind says in words what a node is.
func kind(n ast.Node) string {
	switch n := n.(type) {
	case *ast.MappingNode:
		return "\"key: value\" pairs"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "the number " + n.String()
	case *ast.StringNode:
		return "the text " + quote(n.Value)
	default:
		return "a " + strings.ToLower(n.Type().String())
	}
}
