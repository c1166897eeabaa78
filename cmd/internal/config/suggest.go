// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xlb-project/xlb/lb"
)

// didYouMean is the end of a finding about an unknown name: the nearest known
// one, or where nothing is near, all of them.
func didYouMean(written string, names []string) string {
	if best, ok := lb.Nearest(written, names); ok {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return "; known here: " + strings.Join(slices.Sorted(slices.Values(names)), ", ")
}
