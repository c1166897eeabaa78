// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/xdp/nexthop"
	"github.com/xlb-project/xlb/maps"
)

// Options are how an [Engine] works. The zero value will do.
type Options struct {
	// Settle is how long Apply waits for the neighbours of new real servers to
	// answer; for a program that ends afterwards. With [Engine.Follow] running
	// it is not needed. 0: not at all.
	Settle time.Duration
	// Interfaces are names of interfaces that should be attached.
	Interfaces []string
	// Lost is called when an attached interface has disappeared, Returned when
	// it is here again and not attached. Both run on Follow's goroutine.
	Lost, Returned func(name string)
	// ReadOnly changes nothing, not even what an engine before left half done,
	// and so may be used beside another engine: for listings. Methods that
	// change something fail with [ErrReadOnly].
	ReadOnly bool
	// Resolver replaces the one that follows the network by netlink.
	Resolver Resolver
	Log      *slog.Logger // nil: slog.Default()
}

// ErrReadOnly says that the engine was opened for reading.
var ErrReadOnly = errors.New("engine is read-only")

// Engine balances in XDP; see [lb.Dataplane].
type Engine struct {
	maps *maps.Set
	hops Resolver
	opt  Options
	log  *slog.Logger

	mu     sync.Mutex // guards what follows, and that changes are made one after the other
	book   *book
	drift  int64 // found by the last sweep
	closed bool
}

var (
	_ lb.Dataplane = (*Engine)(nil)
	_ lb.Topology  = (*Engine)(nil)
)

// New adopts what the maps hold, and finishes or takes back what an engine
// before it left half done. It belongs to the network namespace of the calling
// thread. The maps stay the caller's, who closes them after the engine.
func New(set *maps.Set, opt Options) (*Engine, error) {
	e := &Engine{maps: set, hops: opt.Resolver, opt: opt, log: opt.Log}
	if e.log == nil {
		e.log = slog.Default()
	}
	if opt.ReadOnly {
		e.hops = noResolver{}
		return e, nil
	}
	if e.hops == nil {
		var err error
		if e.hops, err = e.openFollower(); err != nil {
			return nil, fmt.Errorf("following the network: %w", err)
		}
	}
	if err := e.adopt(); err != nil {
		return nil, errors.Join(fmt.Errorf("adopting the maps: %w", err), e.hops.Close())
	}
	return e, nil
}

func (e *Engine) openFollower() (Resolver, error) {
	w := hopWriter{e.maps}
	held, err := w.held(e.opt.Interfaces)
	if err != nil {
		return nil, err
	}
	f, err := nexthop.Open(nexthop.Options{Writer: w, Held: held, Lost: e.opt.Lost, Returned: e.opt.Returned, Log: e.log})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Close lets go of the engine. What the maps hold stays there, and works. A
// Follow must have returned.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	return e.hops.Close()
}

// open fails when the engine is closed. The lock is held.
func (e *Engine) open() error {
	if e.closed {
		return lb.ErrClosed
	}
	return nil
}

// changeable fails when the engine is closed, or only for reading. The lock is
// held.
func (e *Engine) changeable() error {
	if e.opt.ReadOnly {
		return ErrReadOnly
	}
	return e.open()
}

// Follow keeps next hops true until ctx ends, and then returns nil. At most one
// at a time.
func (e *Engine) Follow(ctx context.Context) error { return e.hops.Run(ctx) }

// Settle takes in what has been attached and waits until every neighbour has
// answered or was given up, or ctx ends. The number of next hops that still
// wait is returned.
func (e *Engine) Settle(ctx context.Context) (int, error) { return e.hops.Settle(ctx) }

// Heartbeat tells the data path that somebody keeps next hops true: due every
// second, for after [maps.HeartbeatLimit] it does so itself.
func (e *Engine) Heartbeat() error {
	if e.opt.ReadOnly {
		return ErrReadOnly
	}
	now, err := e.maps.Clock.Now()
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	return e.maps.Settings.SetHeartbeat(now)
}

// Route says how packets to an address leave; see [lb.Topology].
func (e *Engine) Route(addr netip.Addr) (lb.Route, error) { return e.hops.Route(addr) }

// IsLocal says whether an address is one of this machine's; see [lb.Topology].
func (e *Engine) IsLocal(addr netip.Addr) bool { return e.hops.IsLocal(addr) }

// Abilities are what the data path can do, whatever the sizes of its maps.
func Abilities() lb.Features {
	return lb.Features{Engine: "xdp", Schedulers: []lb.Scheduler{lb.RoundRobin}, Methods: []lb.Method{lb.NAT}}
}

// Features are [Abilities] within the sizes of the maps.
func (e *Engine) Features() lb.Features {
	f := Abilities()
	f.MaxServices = min(e.maps.Services4.Capacity(), int(e.maps.Services.Len())-1)
	f.MaxReals = int(e.maps.Reals.Len()) - 1
	f.MaxConnections = e.maps.Established.Capacity() / 2
	return f
}
