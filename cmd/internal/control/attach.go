// SPDX-License-Identifier: Apache-2.0

package control

// Mode is how XDP is attached to an interface.
type Mode string

// The modes of attaching.
const (
	ModeAuto    Mode = "auto"    // native, else generic with a warning
	ModeNative  Mode = "native"  // in the driver, or not at all
	ModeGeneric Mode = "generic" // in the stack: works everywhere, slower
)

// AttachRequest names an interface to attach to.
type AttachRequest struct {
	Interface string `json:"interface"`
	Mode      Mode   `json:"mode"` // empty: auto
}

// AttachResult says what came of it.
type AttachResult struct {
	Interface Interface `json:"interface"`
	// Already: it was attached in that mode before.
	Already bool `json:"already,omitempty"`
	// Reason is why native mode was not to be had, in the kernel's words.
	Reason string `json:"reason,omitempty"`
	// Findings of the preflight, worst first.
	Findings []Finding `json:"findings"`
}

// DetachRequest names an interface to detach from.
type DetachRequest struct {
	Interface string `json:"interface,omitempty"`
	// All interfaces, and then programs, maps and pins: connections are
	// forgotten. Interface is empty.
	All bool `json:"all,omitempty"`
}

// DetachResult says what is gone.
type DetachResult struct {
	Interfaces []string `json:"interfaces"`
	// Removed: programs, maps and pins are gone too.
	Removed bool `json:"removed,omitempty"`
}

// Severity is how bad a finding is.
type Severity string

// The severities, worst first.
const (
	SeverityError   Severity = "error"   // does not work
	SeverityWarning Severity = "warning" // works, but slower or not always
	SeverityInfo    Severity = "info"    // worth knowing
)

// Finding is one thing that is wrong or worth knowing.
type Finding struct {
	Severity  Severity `json:"severity"`
	Interface string   `json:"interface,omitempty"`
	Message   string   `json:"message"`
	// Fix is the command that mends it, ready to paste.
	Fix string `json:"fix,omitempty"`
}
