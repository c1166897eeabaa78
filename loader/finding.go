// SPDX-License-Identifier: Apache-2.0

package loader

import "fmt"

// Severity is how bad a finding is.
type Severity uint8

// The severities, worst first.
const (
	Error   Severity = iota // does not work
	Warning                 // works, but slower or not always
	Info                    // worth knowing
)

// String is "error", "warning" or "info".
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	case Info:
		return "info"
	}
	return fmt.Sprintf("severity %d", uint8(s))
}

// Finding is one thing about an interface, or the machine, that is wrong or
// worth knowing.
type Finding struct {
	Severity Severity
	What     string // the fact
	Why      string // what comes of it
	Fix      string // the command that mends it, ready to paste; may be empty
}

// String is the whole finding on one line.
func (f Finding) String() string {
	s := f.What + ": " + f.Why
	if f.Fix != "" {
		s += " (" + f.Fix + ")"
	}
	return s
}
