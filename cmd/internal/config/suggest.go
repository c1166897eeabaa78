// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"
	"strings"
)

// didYouMean is `; did you mean "x"?` for the name that is closest to what was
// written, or a list of all when none is close.
func didYouMean(written string, names []string) string {
	best, distance := "", len(written)/3+1
	for _, name := range names {
		if d := levenshtein(strings.ToLower(written), name); d <= distance && (best == "" || d < distance) {
			best, distance = name, d
		}
	}
	if best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	sorted := slices.Sorted(slices.Values(names))
	return "; known here: " + strings.Join(sorted, ", ")
}

// levenshtein counts the insertions, deletions and substitutions between a and b.
func levenshtein(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, x := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j, y := range to {
			substituted := diagonal
			if x != y {
				substituted++
			}
			diagonal = row[j+1]
			row[j+1] = min(substituted, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(to)]
}
