// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"bytes"
	"fmt"
	"strings"
)

// Diff returns "" when the frames are equal byte for byte, else a text for a failure message: what differs in each layer ("-" is
// want, "+" is got), what is wrong with got by itself, and where the first differing byte is.
func Diff(want, got []byte) string {
	if bytes.Equal(want, got) {
		return ""
	}
	var b strings.Builder
	w, g := Dissect(want), Dissect(got)
	for i := range max(len(w.Sections), len(g.Sections)) {
		diffSection(&b, sectionAt(w, i), sectionAt(g, i))
	}
	for _, p := range g.Problems {
		fmt.Fprintf(&b, "! %v\n", p)
	}
	at := firstDifference(want, got)
	fmt.Fprintf(&b, "first difference at byte %d (%s): -%s +%s; lengths -%d +%d\n",
		at, sectionOf(g, at), around(want, at), around(got, at), len(want), len(got))
	return b.String()
}

func sectionAt(d *Dissection, i int) *Section {
	if i < len(d.Sections) {
		return &d.Sections[i]
	}
	return nil
}

// diffSection writes what differs between two sections at the same place; one of them may be missing.
func diffSection(b *strings.Builder, want, got *Section) {
	if want == nil || got == nil || want.Name != got.Name {
		if want != nil {
			fmt.Fprintf(b, "- %v\n", *want)
		}
		if got != nil {
			fmt.Fprintf(b, "+ %v\n", *got)
		}
		return
	}
	for _, f := range want.Fields {
		if v, ok := got.field(f.Name); !ok {
			fmt.Fprintf(b, "%s.%s: -%s\n", want.Name, f.Name, f.Value)
		} else if v != f.Value {
			fmt.Fprintf(b, "%s.%s: -%s +%s\n", want.Name, f.Name, f.Value, v)
		}
	}
	for _, f := range got.Fields {
		if _, ok := want.field(f.Name); !ok {
			fmt.Fprintf(b, "%s.%s: +%s\n", got.Name, f.Name, f.Value)
		}
	}
}

func firstDifference(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// sectionOf returns the name of the section of d that byte at belongs to.
func sectionOf(d *Dissection, at int) string {
	name := "before any layer"
	for _, s := range d.Sections {
		if s.Offset <= at {
			name = s.Name
		}
	}
	return name
}

// around returns up to 8 bytes of frame from at on, "end" when there are none.
func around(frame []byte, at int) string {
	if at >= len(frame) {
		return "end"
	}
	return fmt.Sprintf("[% x]", frame[at:min(len(frame), at+8)])
}
