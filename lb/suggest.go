// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"strings"
)

// Nearest is the name that was probably meant by what was written: the one
// with the fewest letters changed (Levenshtein), if that is at most a third of
// them and one more. Case does not count.
func Nearest(written string, names []string) (string, bool) {
	best, least := "", len(written)/3+2
	for _, name := range names {
		// With as many edits as letters, any word becomes any other.
		if d := editDistance(strings.ToLower(written), name); d < min(least, len(name)) {
			best, least = name, d
		}
	}
	return best, best != ""
}

// didYouMean ends an error about a word that is none of names.
func didYouMean(written string, names []string) string {
	if best, ok := Nearest(written, names); ok {
		return fmt.Sprintf(": did you mean %q?", best)
	}
	return ": write one of " + strings.Join(names, ", ")
}

// editDistance counts the letters to insert, delete or replace to turn a into b.
func editDistance(a, b string) int {
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
			row[j+1] = min(substituted, row[j]+1, diagonal+1)
		}
	}
	return row[len(to)]
}
