// SPDX-License-Identifier: Apache-2.0

package lbtest

import (
	"errors"
	"time"

	"github.com/xlb-project/xlb/lb"
)

func (s *suite) setGate(i lb.Instance, open bool) {
	s.Helper()
	for range 2 { // idempotent
		if err := s.Dataplane.SetGate(s.Context(), i, open); err != nil {
			s.Fatalf("SetGate(%d, %t): %v", i, open, err)
		}
	}
}

func (s *suite) testGates() {
	svc := s.service(lb.TCP, 1, 1)
	svc.Instance = 5
	s.put(svc)
	gates := func(want map[lb.Instance]bool) {
		s.Helper()
		got := s.state()
		for _, i := range []lb.Instance{0, 1, 5, 255} {
			if got.GateOpen(i) != (want[i] || i == 0) {
				s.Errorf("gate %d open: %t, want %t", i, got.GateOpen(i), want[i])
			}
		}
	}
	s.setGate(5, true)
	gates(map[lb.Instance]bool{5: true})
	s.setGate(255, true)
	s.setGate(0, true)
	gates(map[lb.Instance]bool{5: true, 255: true})
	s.setGate(5, false)
	gates(map[lb.Instance]bool{255: true})
	if err := s.Dataplane.SetGate(s.Context(), 0, false); !errors.Is(err, lb.ErrInvalid) {
		s.Errorf("closing the gate of no instance: %v, want an ErrInvalid", err)
	}
	gates(map[lb.Instance]bool{255: true})
	s.apply(lb.ServiceChange{Key: svc.ServiceKey})
	s.setGate(5, true) // a gate does not need a virtual server
	gates(map[lb.Instance]bool{5: true, 255: true})
}

func (s *suite) testTimeouts() {
	set := func(t lb.Timeouts) {
		s.Helper()
		if err := s.Dataplane.SetTimeouts(s.Context(), t); err != nil {
			s.Fatalf("SetTimeouts: %v", err)
		}
		if got := s.state().Timeouts; !t.Near(got) {
			s.Errorf("timeouts read back as\n%+v, want\n%+v", got, t.OrDefault())
		}
	}
	t := lb.Timeouts{
		Established: 1 * time.Hour, SynSent: 2 * time.Second, SynRecv: 3 * time.Second, FinWait: 4 * time.Second,
		TimeWait: 5 * time.Second, Close: 6 * time.Second, CloseWait: 7 * time.Second, LastAck: 8 * time.Second,
		Listen: 9 * time.Second, SynAck: 10 * time.Second, UDP: 11 * time.Second,
	}
	set(t)
	t.Established = lb.MaxTimeout
	set(t)
	set(lb.Timeouts{}) // the defaults, not what was there
}

// Every virtual and real server is counted from the start, and from zero.
func (s *suite) testCounters() {
	a, b := s.service(lb.TCP, 1, 1, 2, 3), s.service(lb.UDP, 1)
	a.Reals[1].Weight = 0
	s.put(a, b)
	c := s.counters()
	if len(c.Services) != 2 {
		s.Errorf("counters of %d virtual servers, want 2", len(c.Services))
	}
	for _, svc := range []lb.Service{a, b} {
		got, ok := c.Services[svc.ServiceKey]
		if !ok || got.Traffic != (lb.Traffic{}) || len(got.Reals) != len(svc.Reals) {
			s.Errorf("counters of %s: %+v, want zeros and %d real servers", svc.ServiceKey, got, len(svc.Reals))
		}
		for _, r := range svc.Reals {
			if n, ok := got.Reals[r.Addr]; !ok || n != (lb.RealCounters{}) {
				s.Errorf("counters of %s: %+v, there: %t, want zeros", r.Addr, n, ok)
			}
		}
	}
	if c.Drift != 0 || c.Established.Used != 0 || c.HalfOpen.Used != 0 {
		s.Errorf("a fresh engine counts drift %d, %d and %d connections", c.Drift, c.Established.Used, c.HalfOpen.Used)
	}
	a.Reals = a.Reals[1:]
	s.put(a)
	if _, ok := s.counters().Services[a.ServiceKey].Reals[server(1)]; ok {
		s.Errorf("a removed real server is still counted")
	}
}
