// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"net/netip"
	"time"
)

// Target is something to check. ID is the caller's name for it; it decides
// whether a target of a new list is one that runs already.
type Target[ID comparable] struct {
	ID       ID
	Addr     netip.AddrPort // what to connect to
	Settings Settings
}

// Result is the latest about a target.
type Result struct {
	Up    bool
	Since time.Time // of this verdict
	// Checked is when the last check ended; zero: none has, and Up is an
	// assumption.
	Checked time.Time
	// Took is how long its last attempt took.
	Took time.Duration
	// Err is why the last check failed; nil if it passed.
	Err error
	// Passed and Failed count checks since the target was first set.
	Passed, Failed uint64
}

// Prober makes one attempt. The context carries the timeout.
type Prober interface {
	Probe(ctx context.Context, addr netip.AddrPort) error
}
