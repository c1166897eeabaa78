// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"

	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/lb"
)

// Node is the machine: what attaches and detaches, and opens the engine over
// what is attached.
type Node interface {
	// Interfaces that are attached. With large tables this takes a second.
	Interfaces(context.Context) ([]control.Interface, error)
	// Same says, cheaply, whether an attached interface is still the one that
	// it was.
	Same(control.Interface) bool
	Attach(context.Context, control.AttachRequest) (*control.AttachResult, error)
	Detach(context.Context, control.DetachRequest) (*control.DetachResult, error)
	// Open makes the data path be there, adopts or migrates what is pinned, and
	// opens the engine for the daemon, its only writer. While the engine's Run
	// runs, changed is called after an interface has disappeared or come back.
	Open(ctx context.Context, changed func()) (Engine, error)
}

// Engine is an engine with its own upkeep: next hops, expiry, heartbeat.
type Engine interface {
	lb.Dataplane
	lb.Topology
	// Settle takes in what has been attached and waits until next hops are
	// resolved, or ctx ends. It returns how many are not.
	Settle(ctx context.Context) (int, error)
	// Run keeps up what the engine needs until ctx ends, and then returns nil.
	Run(ctx context.Context) error
}
