// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"strings"
)

// didYouMean is `: did you mean "x"?` for the name closest to what was
// written, or the list of all where none is close.
func didYouMean(written string, names []string) string {
	best, least := "", max(3, len(written)/2+1)
	for _, name := range names {
		// With as many edits as letters, any word becomes any other.
		if d := editDistance(strings.ToLower(written), name); d < min(least, len(name)) {
			best, least = name, d
		}
	}
	if best == "" {
		return ": write one of " + strings.Join(names, ", ")
	}
	return fmt.Sprintf(": did you mean %q?", best)
}

// editDistance counts insertions, deletions and substitutions (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substituted := diagonal
			if a[i] != b[j] {
				substituted++
			}
			diagonal = row[j+1]
			row[j+1] = min(substituted, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
