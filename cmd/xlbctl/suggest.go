// SPDX-License-Identifier: Apache-2.0

package main

import "strings"

// didYouMean is `; did you mean "x"?` for the name that is closest to what was
// typed, or nothing when none is close.
func didYouMean(typed string, names []string) string {
	best, distance := "", len(typed)/3+1
	for _, name := range names {
		if d := edits(strings.ToLower(typed), name); d <= distance && (best == "" || d < distance) {
			best, distance = name, d
		}
	}
	if best == "" {
		return ""
	}
	return `; did you mean "` + best + `"?`
}

// edits counts the insertions, deletions and substitutions of bytes that make
// b of a (Levenshtein).
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
