// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
)

// Finding is one thing that is wrong with a state. As an error it is an
// [ErrInvalid], and what Kind says.
type Finding struct {
	Service ServiceKey     // zero: about the state as a whole
	Real    netip.AddrPort // zero: about the virtual server
	Kind    error          // ErrDuplicate, ErrUnsupported, ErrLimit, ErrUnreachable or ErrInvalid
	What    string         // what is wrong, as a clause: "weight -1 is negative"
	Fix     string         // what to do next: often a command
}

// Error says where, what and what to do.
func (f Finding) Error() string {
	var b strings.Builder
	if f.Service != (ServiceKey{}) {
		b.WriteString("virtual server " + f.Service.String() + ": ")
	}
	if f.Real.IsValid() {
		b.WriteString("real server " + f.Real.String() + ": ")
	}
	b.WriteString(f.What)
	if f.Fix != "" {
		b.WriteString("; " + f.Fix)
	}
	return b.String()
}

// Is makes every finding an [ErrInvalid].
func (f Finding) Is(target error) bool { return target == ErrInvalid }

// Unwrap is the finding's kind.
func (f Finding) Unwrap() error { return f.Kind }

// Findings are all that is wrong, as one error.
type Findings []Finding

// Error has a line for each finding.
func (fs Findings) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.Is and errors.As look at each finding.
func (fs Findings) Unwrap() []error {
	errs := make([]error, len(fs))
	for i, f := range fs {
		errs[i] = f
	}
	return errs
}

// Err is nil when there are no findings, else all of them as an error.
func (fs Findings) Err() error {
	if len(fs) == 0 {
		return nil
	}
	return fs
}

// Of are the findings about one virtual server and its real servers; with the
// zero key those about the state as a whole.
func (fs Findings) Of(key ServiceKey) Findings {
	return slices.DeleteFunc(slices.Clone(fs), func(f Finding) bool { return f.Service != key })
}

// FindingsIn are the findings that an error of [Validate] holds; none for any
// other error.
func FindingsIn(err error) Findings {
	var fs Findings
	if errors.As(err, &fs) {
		return fs
	}
	var f Finding
	if errors.As(err, &f) {
		return Findings{f}
	}
	return nil
}
