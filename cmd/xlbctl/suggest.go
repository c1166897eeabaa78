// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/xlb-project/xlb/lb"

// didYouMean ends an error about an unknown word: with the nearest known one,
// if any is near.
func didYouMean(typed string, names []string) string {
	if best, ok := lb.Nearest(typed, names); ok {
		return `; did you mean "` + best + `"?`
	}
	return ""
}
