// SPDX-License-Identifier: Apache-2.0

package lbtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/xlb-project/xlb/lb"
)

// Fake is an engine in memory. It may be used by several goroutines.
//
// It can be told to fail ([Fake.Fail], [Fake.OnCall]), remembers what it was
// asked ([Fake.Calls]), and lets a test be the somebody else who changes the
// kernel ([Fake.Tamper]).
type Fake struct {
	// Strict refuses changes whose Before is not what the fake holds. Set it
	// before the first use.
	Strict bool

	features lb.Features

	mu     sync.Mutex
	state  lb.State
	conns  map[connKey]conn
	closed bool
	calls  []Call
	hook   func(Call) error
	fails  map[string]failure
}

var _ lb.Dataplane = (*Fake)(nil)

// Features are those of a fake that can do everything and has no limits.
func Features() lb.Features {
	return lb.Features{
		Engine:     "fake",
		Schedulers: []lb.Scheduler{lb.RoundRobin},
		Methods:    []lb.Method{lb.NAT, lb.DR, lb.TUN},
		IPv6:       true,
	}
}

// NewFake makes an empty one.
func NewFake(f lb.Features) *Fake {
	return &Fake{
		features: f,
		state:    lb.State{Gates: map[lb.Instance]bool{}, Timeouts: lb.DefaultTimeouts()},
		conns:    map[connKey]conn{},
		fails:    map[string]failure{},
	}
}

// Features are what NewFake was given.
func (f *Fake) Features() lb.Features { return f.features }

// State is a copy of what the fake holds.
func (f *Fake) State(context.Context) (lb.State, error) {
	unlock, err := f.begin(Call{Method: "State"})
	defer unlock()
	if err != nil {
		return lb.State{}, err
	}
	return f.state.Clone(), nil
}

// Apply does not validate more than an engine would.
func (f *Fake) Apply(_ context.Context, c lb.ServiceChange) error {
	unlock, err := f.begin(Call{Method: "Apply", Change: clone(c)})
	defer unlock()
	if err == nil {
		err = f.check(c)
	}
	if err != nil {
		return err
	}
	f.state = c.ApplyTo(f.state)
	return nil
}

// SetGate opens or closes an instance.
func (f *Fake) SetGate(_ context.Context, i lb.Instance, open bool) error {
	unlock, err := f.begin(Call{Method: "SetGate", Instance: i, Open: open})
	defer unlock()
	switch {
	case err != nil:
		return err
	case i == 0 && !open:
		return fmt.Errorf("closing the gate of no instance: %w", lb.ErrInvalid)
	case open && i != 0:
		f.state.Gates[i] = true
	default:
		delete(f.state.Gates, i)
	}
	return nil
}

// SetTimeouts keeps them exactly.
func (f *Fake) SetTimeouts(_ context.Context, t lb.Timeouts) error {
	unlock, err := f.begin(Call{Method: "SetTimeouts", Timeouts: t})
	defer unlock()
	if err == nil {
		f.state.Timeouts = t.OrDefault()
	}
	return err
}

// Close makes every later call an [lb.ErrClosed]. Closing again does nothing.
func (f *Fake) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	return nil
}

// Reopen is another engine on the same kernel: it holds what f held.
func (f *Fake) Reopen() *Fake {
	f.mu.Lock()
	defer f.mu.Unlock()
	again := NewFake(f.features)
	again.Strict, again.state, again.conns = f.Strict, f.state.Clone(), maps.Clone(f.conns)
	return again
}

// Tamper changes the state behind everybody's back.
func (f *Fake) Tamper(change func(*lb.State)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.state)
	f.state.Sort()
}

// check refuses what no engine could do, and, if strict, what points at
// something that is not there.
func (f *Fake) check(c lb.ServiceChange) error {
	if err := c.Check(); err != nil {
		return err
	}
	if f.Strict {
		if err := f.checkBefore(c); err != nil {
			return err
		}
	}
	if c.After == nil {
		return nil
	}
	if err := f.checkSupport(*c.After); err != nil {
		return fmt.Errorf("virtual server %s: %w", c.Key, err)
	}
	after := c.ApplyTo(f.state)
	if limit := f.features.MaxServices; limit > 0 && len(after.Services) > limit {
		return fmt.Errorf("virtual server %s would be number %d: %w", c.Key, limit+1, lb.ErrLimit)
	}
	if limit := f.features.MaxReals; limit > 0 && after.Reals() > limit {
		return fmt.Errorf("real servers of %s: more than %d in all: %w", c.Key, limit, lb.ErrLimit)
	}
	return nil
}

func (f *Fake) checkBefore(c lb.ServiceChange) error {
	have, there := f.state.Find(c.Key)
	switch {
	case there != (c.Before != nil):
		return fmt.Errorf("%s: there: %t, expected: %t: %w", c, there, c.Before != nil, lb.ErrInvalid)
	case there && !have.Equal(*c.Before):
		return fmt.Errorf("%s: is %+v, expected %+v: %w", c, have, *c.Before, lb.ErrInvalid)
	}
	return nil
}

func (f *Fake) checkSupport(s lb.Service) error {
	if !f.features.HasScheduler(s.Scheduler) {
		return fmt.Errorf("scheduler %q: %w", s.Scheduler, lb.ErrUnsupported)
	}
	if s.Addr.Addr().Is6() && !f.features.IPv6 {
		return fmt.Errorf("IPv6: %w", lb.ErrUnsupported)
	}
	for _, r := range s.Reals {
		if !f.features.HasMethod(r.Method) {
			return fmt.Errorf("forwarding method %q: %w", r.Method, lb.ErrUnsupported)
		}
	}
	return nil
}

// clone shares nothing with c, whose service the caller may change later.
func clone(c lb.ServiceChange) lb.ServiceChange {
	for _, s := range []**lb.Service{&c.Before, &c.After} {
		if *s != nil {
			copied := (*s).Clone()
			*s = &copied
		}
	}
	return c
}

// Calls are what the fake was asked since the last Calls, of the named methods
// or of all.
func (f *Fake) Calls(methods ...string) []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return slices.DeleteFunc(calls, func(c Call) bool { return len(methods) > 0 && !slices.Contains(methods, c.Method) })
}
