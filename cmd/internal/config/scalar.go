// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// text reads a string and parses it.
func text[T any](r *reader, dst *T, parse func(string) (T, error)) read {
	return func(n ast.Node) {
		if v, ok := scalar(r, n, parse); ok {
			*dst = v
		}
	}
}

// scalar is a string node's parsed value, or false after a finding.
func scalar[T any](r *reader, n ast.Node, parse func(string) (T, error)) (T, bool) {
	var none T
	if n = r.resolve(n); n == nil {
		return none, false
	}
	var s string
	switch n := n.(type) {
	case *ast.StringNode:
		s = n.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		r.report(n, "text is wanted here, this is %s; if it is meant as text, put it in quotes", kind(n))
		return none, false
	default:
		r.report(n, "text is wanted here, this is %s", kind(n))
		return none, false
	}
	v, err := parse(s)
	if err != nil {
		r.report(n, "%v", err)
		return none, false
	}
	return v, true
}

// number reads an integer within bounds.
func (r *reader) number(dst *int, least, most int) read {
	return func(n ast.Node) {
		if n = r.resolve(n); n == nil {
			return
		}
		whole, ok := n.(*ast.IntegerNode)
		if !ok {
			r.report(n, "a whole number from %d to %d is wanted here, this is %s", least, most, kind(n))
			return
		}
		v, err := strconv.ParseInt(fmt.Sprint(whole.Value), 10, 64)
		if err != nil || v < int64(least) || v > int64(most) {
			r.report(n, "%s is out of range, which is %d to %d", whole, least, most)
			return
		}
		*dst = int(v)
	}
}

// duration reads a time with its unit, within bounds.
func (r *reader) duration(dst *time.Duration, least, most time.Duration) read {
	return func(n ast.Node) {
		if n = r.resolve(n); n == nil {
			return
		}
		switch n.(type) {
		case *ast.IntegerNode, *ast.FloatNode:
			r.report(n, "a time needs its unit: %ss, %sms, %sm or %sh", n, n, n, n)
			return
		}
		v, ok := scalar(r, n, parseDuration)
		if ok && (v < least || v > most) {
			r.report(n, "%s is out of range, which is %s to %s", n, short(least), short(most))
			return
		}
		if ok {
			*dst = v
		}
	}
}

// boolean reads true or false, and none of YAML 1.1's other words for it.
func (r *reader) boolean(dst *bool) read {
	return func(n ast.Node) {
		if n = r.resolve(n); n == nil {
			return
		}
		v, ok := n.(*ast.BoolNode)
		if !ok {
			r.report(n, "true or false is wanted here, this is %s", kind(n))
			return
		}
		*dst = v.Value
	}
}

// oneOf parses one of several words.
func oneOf[T ~string](what string, words ...T) func(string) (T, error) {
	names := make([]string, len(words))
	for i, w := range words {
		names[i] = string(w)
	}
	return func(s string) (T, error) {
		for _, w := range words {
			if s == string(w) {
				return w, nil
			}
		}
		return "", fmt.Errorf("unknown %s %s%s", what, quote(s), didYouMean(s, names))
	}
}

// join lists words in a sentence.
func join[T ~string](words []T) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(w))
	}
	return b.String()
}

// quote is the text in quotes, cut where it would flood the terminal.
func quote(s string) string {
	const limit = 60
	if runes := []rune(s); len(runes) > limit {
		s = string(runes[:limit]) + "..."
	}
	return strconv.Quote(s)
}
