// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Finding is one thing that is wrong in the file.
type Finding struct {
	File         string
	Line, Column int // from 1; column in characters
	Message      string
	Excerpt      string // the line, without its end
}

// String is the finding as a compiler prints it, with the line and a caret.
func (f Finding) String() string {
	gutter := fmt.Sprintf("%5d | ", f.Line)
	blank := strings.Repeat(" ", len(gutter)-2) + "| "
	return fmt.Sprintf("%s:%d:%d: %s\n%s%s\n%s%s^", f.File, f.Line, f.Column, f.Message,
		gutter, f.Excerpt, blank, indent(f.Excerpt, f.Column-1))
}

// indent is white space as wide as the first n characters of line: tabs stay
// tabs, so that the caret stands where it should.
func indent(line string, n int) string {
	var b strings.Builder
	for _, c := range line {
		if n--; n < 0 {
			break
		}
		if c == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// Findings are all that is wrong in a file, in its order. Never empty when
// used as an error.
type Findings []Finding

// Error is all findings, one after the other.
func (fs Findings) Error() string {
	text := make([]string, len(fs))
	for i, f := range fs {
		text[i] = f.String()
	}
	return strings.Join(text, "\n")
}

// Summary is the first finding in one line, and how many more there are: for
// a log, where Error is too long.
func (fs Findings) Summary() string {
	if len(fs) == 0 {
		return "no findings"
	}
	f := fs[0]
	s := fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
	if more := len(fs) - 1; more > 0 {
		s += fmt.Sprintf(" (and %d more: xlbd -t -f %s)", more, f.File)
	}
	return s
}

// sorted orders by place and drops repetitions, which come of aliases.
func (fs Findings) sorted() Findings {
	slices.SortStableFunc(fs, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(fs)
}
