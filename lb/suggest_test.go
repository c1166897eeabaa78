// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"testing"

	"pgregory.net/rapid"
)

func TestEditDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"lisen", "listen", 1},
		{"adress", "address", 1}, {"größe", "grösse", 2}, {"ab", "ba", 2},
	}
	for _, test := range tests {
		if got := editDistance(test.a, test.b); got != test.want {
			t.Errorf("%q to %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

// TestEditDistanceIsAMetric: zero for equal texts only, the same both ways, and
// no detour is shorter.
func TestEditDistanceIsAMetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.RuneFrom([]rune("abö")), 0, 6, -1)
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		ab, ba := editDistance(a, b), editDistance(b, a)
		switch {
		case ab != ba:
			t.Fatalf("%q to %q is %d, back %d", a, b, ab, ba)
		case (ab == 0) != (a == b):
			t.Fatalf("%q to %q is %d", a, b, ab)
		case ab > editDistance(a, c)+editDistance(c, b):
			t.Fatalf("%q to %q is shorter by way of %q", a, b, c)
		}
	})
}

func TestNearest(t *testing.T) {
	names := []string{"interval", "timeout", "rr"}
	for written, want := range map[string]string{"intervall": "interval", "TIMEOUT": "timeout", "r": "rr", "xy": "", "": ""} {
		if got, ok := Nearest(written, names); got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", written, got, ok, want)
		}
	}
}
