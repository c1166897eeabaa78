// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"time"

	"github.com/xlb-project/xlb/lb"
)

// Source is what is exported; the daemon is one.
type Source interface {
	// Counters reads the engine.
	Counters(context.Context) (lb.Counters, error)
	// Snapshot is what the daemon knows by itself. It must not wait.
	Snapshot() Snapshot
	// Ready is nil while the node forwards as it was told to; else it says
	// what is missing.
	Ready() error
}

// Snapshot is what the daemon knows by itself.
type Snapshot struct {
	Version    string
	Engine     string // "xdp", ...
	Interfaces []Interface
	Checks     []Check
	Reload     Reload
	Reconcile  Reconcile
	// Foreign counts virtual servers that belong to somebody else.
	Foreign int
	// Overrides counts the operator's edits that are in force over the file.
	Overrides int
}

// Interface is one that is configured.
type Interface struct {
	Name     string
	Mode     string // "native", "generic"; "" while it is not attached
	Attached bool
}

// Check is the state of a real server's check.
type Check struct {
	VirtualServer  string
	RealServer     string
	Up             bool
	Passed, Failed uint64
	Took           time.Duration // the last one
}

// Reload is about readings of the configuration file.
type Reload struct {
	OK      bool      // the last one
	Success time.Time // of the last good one
}

// Reconcile is about bringing the engine to what is wanted.
type Reconcile struct {
	Failing int       // virtual servers, and whatever else, that are not as they should be
	Success time.Time // when all was last as it should be
	Repairs uint64    // differences found in the kernel that nobody had asked for
}
