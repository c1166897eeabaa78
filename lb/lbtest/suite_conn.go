// SPDX-License-Identifier: Apache-2.0

package lbtest

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/xlb-project/xlb/lb"
)

// population is two virtual servers with a few connections.
type population struct {
	tcp, udp lb.Service
	conns    []lb.Connection
}

// populate restores the population; false: this engine cannot, and says so.
func (s *suite) populate() (population, bool) {
	p := population{tcp: s.service(lb.TCP, 1, 1, 2), udp: s.service(lb.UDP, 1, 2)}
	s.put(p.tcp, p.udp)
	p.conns = []lb.Connection{
		s.conn(p.tcp, 0, 1, "ESTABLISHED"), s.conn(p.tcp, 0, 2, "ESTABLISHED"), s.conn(p.tcp, 0, 3, "FIN_WAIT"),
		s.conn(p.tcp, 1, 4, "TIME_WAIT"), s.conn(p.udp, 0, 1, "UDP"), s.conn(p.udp, 0, 40, "UDP"),
	}
	if s.NoRestore {
		if _, err := s.Dataplane.Restore(s.Context(), slices.Values(p.conns)); !errors.Is(err, lb.ErrUnsupported) {
			s.Errorf("Restore: %v, want an ErrUnsupported", err)
		}
		return p, false
	}
	s.restore(p.conns...)
	return p, true
}

func (s *suite) testRestore() {
	p, ok := s.populate()
	if !ok {
		return
	}
	s.lists(lb.ConnFilter{}, p.conns...)
	for _, c := range s.connections(lb.ConnFilter{}) {
		if c.Expires <= 0 || c.Expires > time.Minute+time.Second {
			s.Errorf("%s expires in %s, was restored with a minute", c.Client, c.Expires)
		}
	}
	s.loads(p.tcp, 0, 2, 1)
	s.loads(p.tcp, 1, 0, 1)
	s.loads(p.udp, 0, 2, 0)
	if used := s.counters().Established.Used; used != len(p.conns) {
		s.Errorf("%d connections in use, want %d", used, len(p.conns))
	}
	s.restore(p.conns...) // once more changes nothing
	s.lists(lb.ConnFilter{}, p.conns...)
	s.loads(p.tcp, 0, 2, 1)
}

// What has no server here is left out, the rest is taken.
func (s *suite) testRestoreWithoutServer() {
	if s.NoRestore {
		return // populate's tests have seen the refusal
	}
	svc, absent := s.service(lb.TCP, 1, 1, 2), s.service(lb.TCP, 2, 1)
	s.put(svc)
	good := s.conn(svc, 0, 1, "ESTABLISHED")
	otherReal := s.conn(svc, 1, 2, "ESTABLISHED")
	otherReal.Real = server(77)
	n, err := s.Dataplane.Restore(s.Context(), slices.Values([]lb.Connection{
		otherReal, s.conn(absent, 0, 3, "ESTABLISHED"), good,
	}))
	if n != 1 || err != nil {
		s.Errorf("Restore: %d, %v, want 1 of 3 connections and no error", n, err)
	}
	s.lists(lb.ConnFilter{}, good)
}

func (s *suite) testFilter() {
	p, ok := s.populate()
	if !ok {
		return
	}
	for _, f := range filters(p) {
		s.lists(f, slices.DeleteFunc(slices.Clone(p.conns), func(c lb.Connection) bool { return !f.Match(c) })...)
	}
	seen := 0
	for _, err := range s.Dataplane.Connections(s.Context(), lb.ConnFilter{}) {
		if err != nil {
			s.Fatalf("Connections: %v", err)
		}
		seen++
		break // whoever has seen enough goes
	}
	if seen != 1 {
		s.Errorf("saw %d connections before breaking off, want 1", seen)
	}
	s.lists(lb.ConnFilter{}, p.conns...)
}

// filters are one of each kind, a combination, and one that selects nothing.
func filters(p population) []lb.ConnFilter {
	tcp, udp := p.tcp.ServiceKey, p.udp.ServiceKey
	client := p.conns[0].Client.Addr()
	return []lb.ConnFilter{
		{Service: &tcp},
		{Service: &udp},
		{Real: p.tcp.Reals[1].Addr},
		{Client: netip.PrefixFrom(client, 32)},
		{Client: netip.PrefixFrom(client, 29)},
		{State: "ESTABLISHED"},
		{State: "UDP"},
		{Service: &tcp, State: "ESTABLISHED", Client: netip.PrefixFrom(client, 32)},
		{Service: &udp, State: "ESTABLISHED"},
	}
}

func (s *suite) testCut() {
	p, ok := s.populate()
	if !ok {
		return
	}
	left := p.conns
	for _, f := range append(filters(p), lb.ConnFilter{}) {
		kept := slices.DeleteFunc(slices.Clone(left), f.Match)
		n, err := s.Dataplane.Cut(s.Context(), f, lb.Forget)
		if err != nil || n != len(left)-len(kept) {
			s.Errorf("Cut(%+v): %d, %v, want %d", f, n, err, len(left)-len(kept))
		}
		left = kept
		s.lists(lb.ConnFilter{}, left...)
	}
	s.loads(p.tcp, 0, 0, 0)
	s.loads(p.tcp, 1, 0, 0)
	s.loads(p.udp, 0, 0, 0)
	s.holds(p.tcp, p.udp)
	s.restore(p.conns...) // there is room again
	s.lists(lb.ConnFilter{}, p.conns...)
}

// A real server that is taken out keeps its connections. Back at its place it
// finds them, and counts them.
func (s *suite) testRemovedReal() {
	p, ok := s.populate()
	if !ok {
		return
	}
	without := p.tcp.Clone()
	without.Reals = without.Reals[1:]
	s.put(without)
	s.holds(without, p.udp)
	s.lists(lb.ConnFilter{}, p.conns...)
	s.loads(without, 0, 0, 1)
	s.put(p.tcp)
	s.holds(p.tcp, p.udp)
	s.lists(lb.ConnFilter{}, p.conns...)
	s.loads(p.tcp, 0, 2, 1)
	s.loads(p.tcp, 1, 0, 1)
}
