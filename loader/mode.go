// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"fmt"
	"strings"
)

// Mode is how XDP runs on an interface.
type Mode uint8

// The modes.
const (
	Auto    Mode = iota // native, else generic with a warning
	Native              // in the driver, before the kernel allocates anything
	Generic             // in the stack, for drivers without XDP; much slower

	offloaded // on the device; seen with others' programs only
)

// String is the word that ParseMode takes.
func (m Mode) String() string {
	switch m {
	case Auto:
		return "auto"
	case Native:
		return "native"
	case Generic:
		return "generic"
	case offloaded:
		return "offloaded"
	}
	return fmt.Sprintf("mode %d", uint8(m))
}

// ParseMode reads "auto", "native" or "generic".
func ParseMode(s string) (Mode, error) {
	modes := []Mode{Auto, Native, Generic}
	names := make([]string, len(modes))
	for i, m := range modes {
		if s == m.String() {
			return m, nil
		}
		names[i] = m.String()
	}
	return 0, fmt.Errorf("XDP mode %q: want %s", s, strings.Join(names, ", "))
}
