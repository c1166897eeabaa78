// SPDX-License-Identifier: Apache-2.0

package control

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/xlb-project/xlb/cmd/internal/version"
	"github.com/xlb-project/xlb/lb"
)

// Node is what [Direct] needs of the machine. Errors of Open and Writer are
// [CodeUnavailable] where nothing is attached.
type Node interface {
	// Interfaces that are attached.
	Interfaces(context.Context) ([]Interface, error)
	// Open opens the engine for reading.
	Open(context.Context) (lb.Dataplane, error)
	// Writer opens the engine for writing: it waits for the lock that all
	// writers take, and Close lets go of it.
	Writer(context.Context) (lb.Dataplane, error)
	Attach(context.Context, AttachRequest) (*AttachResult, error)
	Detach(context.Context, DetachRequest) (*DetachResult, error)
}

// Zeroer is an engine that can set its counters to 0: of one virtual server,
// or with nil of all and the node's.
type Zeroer interface {
	Zero(context.Context, *lb.ServiceKey) error
}

// Direct is a [Controller] without a daemon: it changes the kernel's maps
// itself. Virtual servers that it adds carry no owner's mark.
type Direct struct {
	node Node
	now  func() time.Time
}

// NewDirect is a Direct on a node. It holds nothing between two calls.
func NewDirect(n Node) *Direct { return &Direct{node: n, now: time.Now} }

// Close does nothing.
func (d *Direct) Close() error { return nil }

// Version is this program's: nobody else answers.
func (d *Direct) Version(context.Context) (*Version, error) {
	return &Version{APIVersion: APIVersion, Version: version.Version()}, nil
}

// Status works without anything attached, and says so.
func (d *Direct) Status(ctx context.Context) (*Status, error) {
	ifaces, err := d.node.Interfaces(ctx)
	if err != nil {
		return nil, err
	}
	s := &Status{APIVersion: APIVersion, Version: version.Version(),
		Interfaces: append([]Interface{}, ifaces...), Overrides: []Edit{}, Findings: []Finding{}}
	err = d.read(ctx, func(engine lb.Dataplane) error { return FillStatus(ctx, s, engine) })
	switch {
	case errors.Is(err, ErrUnavailable):
		e := AsError(err)
		s.Findings = append(s.Findings, Finding{Severity: SeverityWarning, Message: e.Message, Fix: e.Hint})
	case err != nil:
		return nil, err
	default:
		s.Findings = append(s.Findings, Finding{
			Severity: SeverityInfo,
			Message:  "xlbd is not running: traffic is forwarded, real servers are not checked",
			Fix:      "systemctl start xlbd",
		})
	}
	return s, nil
}

// reading is what an engine holds and counts.
func reading(ctx context.Context, engine lb.Dataplane) (lb.State, lb.Counters, error) {
	state, err := engine.State(ctx)
	if err != nil {
		return lb.State{}, lb.Counters{}, fmt.Errorf("reading the virtual servers: %w", err)
	}
	counters, err := engine.Counters(ctx)
	if err != nil {
		return lb.State{}, lb.Counters{}, fmt.Errorf("reading the counters: %w", err)
	}
	return state, counters, nil
}

// FillStatus fills in what an engine knows of a status.
func FillStatus(ctx context.Context, s *Status, engine lb.Dataplane) error {
	state, counters, err := reading(ctx, engine)
	if err != nil {
		return err
	}
	s.Engine = engine.Features().Engine
	s.Established, s.HalfOpen = Usage(counters.Established), Usage(counters.HalfOpen)
	s.Services, s.Reals = len(state.Services), 0
	for _, svc := range state.Services {
		s.Reals += len(svc.Reals)
	}
	return nil
}

// Services lists what the kernel holds.
func (d *Direct) Services(ctx context.Context) (l *Listing, err error) {
	err = d.read(ctx, func(engine lb.Dataplane) error {
		state, counters, err := reading(ctx, engine)
		if err != nil {
			return err
		}
		l = NewListing(version.Version(), d.now(), state, counters)
		return nil
	})
	return l, err
}

// Stats reads the engine's counters.
func (d *Direct) Stats(ctx context.Context) (s *Stats, err error) {
	err = d.read(ctx, func(engine lb.Dataplane) error {
		counters, err := engine.Counters(ctx)
		if err != nil {
			return fmt.Errorf("reading the counters: %w", err)
		}
		s = NewStats(d.now(), counters)
		return nil
	})
	return s, err
}

// Connections lists what the kernel's tables hold.
func (d *Direct) Connections(ctx context.Context, f ConnFilter) iter.Seq2[Connection, error] {
	return func(yield func(Connection, error) bool) {
		engine, err := d.node.Open(ctx)
		if err != nil {
			yield(Connection{}, err)
			return
		}
		defer func() { _ = engine.Close() }() // it was only read
		ConnectionsOf(ctx, engine, f)(yield)
	}
}

// CountConnections counts what the kernel's tables hold.
func (d *Direct) CountConnections(ctx context.Context, f ConnFilter) (n *ConnCount, err error) {
	err = d.read(ctx, func(engine lb.Dataplane) error {
		n, err = CountOf(ctx, engine, f)
		return err
	})
	return n, err
}

// read runs f with the engine open.
func (d *Direct) read(ctx context.Context, f func(lb.Dataplane) error) error {
	engine, err := d.node.Open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(engine), engine.Close())
}
