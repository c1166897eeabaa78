// SPDX-License-Identifier: Apache-2.0

package lbtest

import (
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/xlb-project/xlb/lb"
)

func (s *suite) testEmpty() {
	got := s.state()
	if len(got.Services) != 0 {
		s.Errorf("a fresh engine has virtual servers: %v", got.Services)
	}
	if !got.GateOpen(0) || got.GateOpen(1) {
		s.Errorf("gates of a fresh engine: %v, want only that of no instance open", got.Gates)
	}
	if !got.Timeouts.Near(lb.DefaultTimeouts()) {
		s.Errorf("timeouts of a fresh engine: %+v, want the defaults", got.Timeouts)
	}
	s.lists(lb.ConnFilter{})
}

// Everything reads back: order, weights, owner, instance; sorted by key.
func (s *suite) testAdd() {
	a := s.service(lb.TCP, 2)
	a.Reals = []lb.Real{s.real(3, 1), s.real(1, 0), s.real(2, lb.MaxWeight)}
	a.Instance = 7
	b := s.service(lb.UDP, 1, 4, 3)
	b.Owner = "8 bytes!"
	c := s.service(lb.TCP, 1) // without real servers
	c.Owner = lb.OwnerNone
	for range 2 { // idempotent
		s.put(b, a, c)
		s.holds(a, b, c)
	}
}

func (s *suite) testEdit() {
	f := s.Dataplane.Features()
	svc := s.service(lb.TCP, 1, 1, 2, 3)
	other := s.service(lb.TCP, 2, 1, 2, 3)
	s.put(svc, other)
	edit := func(what string, change func(*lb.Service)) {
		svc = svc.Clone()
		change(&svc)
		s.Logf("edit: %s", what)
		for range 2 { // idempotent
			s.put(svc)
			s.holds(svc, other)
		}
	}
	edit("a real server at the end", func(v *lb.Service) { v.Reals = append(v.Reals, s.real(4, 1)) })
	edit("a real server in the middle", func(v *lb.Service) { v.Reals = slices.Insert(v.Reals, 1, s.real(5, 1)) })
	edit("another order", func(v *lb.Service) { slices.Reverse(v.Reals) })
	edit("weights", func(v *lb.Service) { v.Reals[0].Weight, v.Reals[1].Weight = 5, 0 })
	edit("the first is removed", func(v *lb.Service) { v.Reals = v.Reals[1:] })
	edit("it comes back at its place", func(v *lb.Service) { v.Reals = slices.Insert(v.Reals, 0, s.real(4, 1)) })
	edit("all are removed", func(v *lb.Service) { v.Reals = nil })
	edit("others instead", func(v *lb.Service) { v.Reals = []lb.Real{s.real(7, 1), s.real(6, 1)} })
	edit("the same server at another port", func(v *lb.Service) {
		addr := netip.AddrPortFrom(v.Reals[0].Addr.Addr(), v.Reals[0].Addr.Port()+1)
		v.Reals = append(v.Reals, lb.Real{Addr: addr, Method: s.method(), Weight: 1})
	})
	edit("an instance", func(v *lb.Service) { v.Instance = 3 })
	edit("an owner", func(v *lb.Service) { v.Owner = "other" })
	edit("no owner, no instance", func(v *lb.Service) { v.Owner, v.Instance = lb.OwnerNone, 0 })
	for _, name := range f.Schedulers {
		edit("scheduler "+string(name), func(v *lb.Service) { v.Scheduler = name })
	}
	for _, m := range f.Methods {
		edit("forwarding method "+string(m), func(v *lb.Service) {
			v.Reals = []lb.Real{{Addr: netip.AddrPortFrom(server(9).Addr(), v.Addr.Port()), Method: m, Weight: 1}}
		})
	}
}

func (s *suite) testRemove() {
	a, b := s.service(lb.TCP, 1, 1, 2), s.service(lb.UDP, 1, 1, 2)
	s.put(a, b)
	for range 2 { // idempotent
		s.apply(lb.ServiceChange{Key: a.ServiceKey, Before: &a})
		s.holds(b)
		if _, there := s.counters().Services[a.ServiceKey]; there {
			s.Errorf("%s is removed and still counted", a.ServiceKey)
		}
	}
	s.put(a)
	s.holds(a, b)
	s.apply(lb.ServiceChange{Key: key(lb.TCP, 99)}) // was never there
	s.holds(a, b)
}

// Whatever is done to one virtual server, those of others stay.
func (s *suite) testForeign() {
	foreign := s.service(lb.TCP, 2, 1, 2)
	foreign.Owner = "someone"
	hand := s.service(lb.TCP, 3, 2, 1)
	hand.Owner = lb.OwnerNone
	s.put(foreign, hand)
	ours := s.service(lb.TCP, 1, 1, 2)
	s.put(ours)
	s.holds(ours, foreign, hand)
	ours.Reals = ours.Reals[:1]
	s.put(ours)
	s.holds(ours, foreign, hand)
	s.apply(lb.ServiceChange{Key: ours.ServiceKey})
	s.holds(foreign, hand)
}

// A change says what shall be; what it believes to have been does not count.
func (s *suite) testBeforeIsIgnored() {
	real, believed := s.service(lb.TCP, 1, 1, 2), s.service(lb.TCP, 1, 3)
	wanted := s.service(lb.TCP, 1, 2, 4)
	s.put(real)
	s.apply(lb.ServiceChange{Key: real.ServiceKey, Before: &believed, After: &wanted})
	s.holds(wanted)
	absent := s.service(lb.UDP, 5, 1)
	s.apply(lb.ServiceChange{Key: absent.ServiceKey, Before: &absent, After: &absent})
	s.holds(wanted, absent)
}

func (s *suite) testArgumentsAreCopied() {
	svc := s.service(lb.TCP, 1, 1, 2)
	mine := svc.Clone()
	s.put(mine)
	mine.Reals[0] = s.real(9, 9)
	s.holds(svc)
	got := s.state()
	got.Services[0].Reals[0] = s.real(9, 9)
	s.holds(svc)
}

func (s *suite) testUnsupported() {
	svc := s.service(lb.TCP, 1, 1, 2)
	s.put(svc)
	bad := svc.Clone()
	bad.Scheduler = "none"
	s.refuses(change(bad), lb.ErrUnsupported)
	bad = svc.Clone()
	bad.Reals[1].Method = "none"
	s.refuses(change(bad), lb.ErrUnsupported)
	bad = s.service(lb.UDP, 2, 1)
	bad.Scheduler = "none"
	s.refuses(change(bad), lb.ErrUnsupported)
	if s.Dataplane.Features().IPv6 {
		return
	}
	six := lb.ServiceKey{Protocol: lb.TCP, Addr: netip.MustParseAddrPort("[2001:db8::1]:80")}
	s.refuses(change(lb.Service{ServiceKey: six, Scheduler: s.scheduler()}), lb.ErrUnsupported)
}

func (s *suite) testContradiction() {
	svc := s.service(lb.TCP, 1, 1)
	s.refuses(lb.ServiceChange{Key: key(lb.TCP, 2), After: &svc}, lb.ErrInvalid)
	s.holds()
}

// Many changes in a row, each compared with a model.
func (s *suite) testManyChanges() {
	var model lb.State
	random := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		svc := s.service(lb.TCP, random.IntN(4))
		for _, n := range random.Perm(6)[:random.IntN(6)] {
			svc.Reals = append(svc.Reals, s.real(n, random.IntN(3)))
		}
		c := change(svc)
		if random.IntN(4) == 0 {
			c.After = nil
		}
		s.apply(c)
		model = c.ApplyTo(model)
		s.holds(model.Services...)
	}
}
