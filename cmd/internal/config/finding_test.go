// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"
	"strings"
	"testing"
)

func TestFindingString(t *testing.T) {
	tests := []struct {
		name string
		in   Finding
		want string
	}{
		{"OK first column", Finding{"a.yaml", 1, 1, "bad", "x: 1"}, "a.yaml:1:1: bad\n    1 | x: 1\n      | ^"},
		{"OK tab before it", Finding{"a.yaml", 12, 3, "bad", "\tx: 1"}, "a.yaml:12:3: bad\n   12 | \tx: 1\n      | \t ^"},
		{"OK wide characters", Finding{"a.yaml", 2, 3, "bad", "öä: 1"}, "a.yaml:2:3: bad\n    2 | öä: 1\n      |   ^"},
		{"OK behind the end", Finding{"a.yaml", 3, 9, "bad", "x:"}, "a.yaml:3:9: bad\n    3 | x:\n      |   ^"},
		{"OK long number", Finding{"a.yaml", 1234567, 1, "bad", "x"}, "a.yaml:1234567:1: bad\n1234567 | x\n        | ^"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.in.String(); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	one := Finding{File: "a.yaml", Line: 1, Column: 2, Message: "bad"}
	if got := (Findings{one}).Summary(); got != "a.yaml:1:2: bad" {
		t.Error(got)
	}
	got := Findings{one, one, one}.Summary()
	if !strings.Contains(got, "and 2 more: xlbd -t -f a.yaml") || strings.Contains(got, "\n") {
		t.Error(got)
	}
	if got := (Findings{}).Summary(); got != "no findings" {
		t.Error(got)
	}
}

func TestSorted(t *testing.T) {
	in := Findings{{Line: 2, Column: 1}, {Line: 1, Column: 5}, {Line: 2, Column: 1}, {Line: 1, Column: 2}}
	want := Findings{{Line: 1, Column: 2}, {Line: 1, Column: 5}, {Line: 2, Column: 1}}
	if got := in.sorted(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestDidYouMean(t *testing.T) {
	names := []string{"interval", "timeout", "type", "rise"}
	tests := []struct{ written, want string }{
		{"intervall", `; did you mean "interval"?`},
		{"TIMEOUT", `; did you mean "timeout"?`},
		{"tpye", `; did you mean "type"?`},
		{"x", "; known here: interval, rise, timeout, type"},
		{"", "; known here: interval, rise, timeout, type"},
	}
	for _, test := range tests {
		if got := didYouMean(test.written, names); got != test.want {
			t.Errorf("%q: got %s, want %s", test.written, got, test.want)
		}
	}
}

func TestShortDuration(t *testing.T) {
	tests := map[string]string{"744h": "744h", "90m": "1h30m", "1m": "1m", "100ms": "100ms", "0s": "0s", "10s": "10s"}
	for in, want := range tests {
		d, err := parseDuration(in)
		if got := short(d); err != nil || got != want {
			t.Errorf("%s: got %s, want %s (%v)", in, got, want, err)
		}
	}
}
