// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"context"
	"iter"
)

// Dataplane is an engine: it applies one virtual server at a time, reads back
// what the kernel holds, and counts. It does not validate, order, retry or
// repair; that is done once, by [Reconciler]. One goroutine at a time may call
// the methods that change something; the others may be called at any time.
//
// What an engine cannot do is an [ErrUnsupported], what does not fit an
// [ErrLimit], and everything after Close an [ErrClosed]. lbtest.Run holds every
// engine to this.
type Dataplane interface {
	// Features says what this engine can do.
	Features() Features
	// State reads back virtual servers, gates and timeouts from the kernel.
	State(context.Context) (State, error)
	// Apply makes one virtual server be as c.After says (nil: absent), whatever
	// was there before; c.Before is only for messages. Idempotent. Packets see
	// the old or the new virtual server, never a mixture; after an error, the
	// old one. Connections of a real server that is removed go on; added again,
	// it finds them, and its counts.
	Apply(ctx context.Context, c ServiceChange) error
	// SetGate opens or closes an instance to new connections. Instance 0 is
	// always open: closing it is an [ErrInvalid].
	SetGate(context.Context, Instance, bool) error
	// SetTimeouts sets all timeouts; see [Timeouts.Near] for what reads back.
	SetTimeouts(context.Context, Timeouts) error
	// Counters has an entry for each virtual server of State and each of its
	// real servers.
	Counters(context.Context) (Counters, error)
	// Connections lists connections; with a large table this takes seconds.
	// It ends at the first error, or when the caller breaks off.
	Connections(context.Context, ConnFilter) iter.Seq2[Connection, error]
	// Restore adds connections that another node or engine had, and says how
	// many. Those whose virtual or real server is not here are left out.
	Restore(context.Context, iter.Seq[Connection]) (int, error)
	// Cut ends connections and says how many.
	Cut(context.Context, ConnFilter, CutMode) (int, error)
	// Close lets go of the engine. What the kernel holds stays there.
	Close() error
}
