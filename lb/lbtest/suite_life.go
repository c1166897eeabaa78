// SPDX-License-Identifier: Apache-2.0

package lbtest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/xlb-project/xlb/lb"
)

// Readers need not wait for the one who changes things, and never fail.
func (s *suite) testConcurrent() {
	ctx, cancel := context.WithCancel(s.Context())
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	read := func(name string, f func() error) {
		readers.Go(func() {
			for ctx.Err() == nil {
				if err := f(); err != nil {
					s.Errorf("%s beside changes: %v", name, err)
					return
				}
			}
		})
	}
	read("State", func() error { _, err := s.Dataplane.State(s.Context()); return err })
	read("Counters", func() error { _, err := s.Dataplane.Counters(s.Context()); return err })
	read("Connections", func() error {
		for _, err := range s.Dataplane.Connections(s.Context(), lb.ConnFilter{}) {
			if err != nil {
				return err
			}
		}
		return nil
	})
	for n := range 50 {
		svc := s.service(lb.TCP, 1, 1, 2, 3)
		svc.Reals = slices.Delete(svc.Reals, n%3, n%3+1)
		s.put(svc, s.service(lb.UDP, n%5, 1))
		s.apply(lb.ServiceChange{Key: key(lb.UDP, (n+1)%5)})
	}
}

// What the kernel holds does not need the engine that put it there.
func (s *suite) testReopen() {
	if s.Harness.Reopen == nil {
		return
	}
	p, restored := s.populate()
	s.setGate(9, true)
	t := lb.Timeouts{Established: lb.DefaultTimeouts().Established * 2}
	if err := s.Dataplane.SetTimeouts(s.Context(), t); err != nil {
		s.Fatalf("SetTimeouts: %v", err)
	}
	if err := s.Dataplane.Close(); err != nil {
		s.Fatalf("Close: %v", err)
	}
	s.Dataplane = s.Harness.Reopen()
	s.holds(p.tcp, p.udp)
	if got := s.state(); !got.GateOpen(9) || got.GateOpen(1) || !t.Near(got.Timeouts) {
		s.Errorf("after opening again: gates %v, timeouts %+v", got.Gates, got.Timeouts)
	}
	if restored {
		s.lists(lb.ConnFilter{}, p.conns...)
		s.loads(p.tcp, 0, 2, 1)
	}
	p.tcp.Reals = p.tcp.Reals[:1]
	s.put(p.tcp)
	s.holds(p.tcp, p.udp)
}

// Whoever uses a closed engine is told so, and nothing panics.
func (s *suite) testClosed() {
	svc := s.service(lb.TCP, 1, 1)
	s.put(svc)
	engine, ctx := s.Dataplane, s.Context()
	if err := engine.Close(); err != nil {
		s.Fatalf("Close: %v", err)
	}
	calls := map[string]func() error{
		"State":       func() error { _, err := engine.State(ctx); return err },
		"Apply":       func() error { return engine.Apply(ctx, change(svc)) },
		"SetGate":     func() error { return engine.SetGate(ctx, 1, true) },
		"SetTimeouts": func() error { return engine.SetTimeouts(ctx, lb.Timeouts{}) },
		"Counters":    func() error { _, err := engine.Counters(ctx); return err },
		"Restore":     func() error { _, err := engine.Restore(ctx, slices.Values([]lb.Connection(nil))); return err },
		"Cut":         func() error { _, err := engine.Cut(ctx, lb.ConnFilter{}, lb.Forget); return err },
		"Connections": func() error {
			for _, err := range engine.Connections(ctx, lb.ConnFilter{}) {
				return err
			}
			return nil
		},
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, lb.ErrClosed) {
			s.Errorf("%s after Close: %v, want an ErrClosed", name, err)
		}
	}
	if engine.Features().Engine == "" {
		s.Errorf("Features after Close are empty")
	}
	if err := engine.Close(); err != nil && !errors.Is(err, lb.ErrClosed) {
		s.Errorf("second Close: %v, want nil or an ErrClosed", err)
	}
}
