// SPDX-License-Identifier: Apache-2.0

package lbtest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/lb"
)

// patience is how long a count may take to be seen: some engines count late.
const patience = 5 * time.Second

func (s *suite) apply(c lb.ServiceChange) {
	s.Helper()
	if err := s.Dataplane.Apply(s.Context(), c); err != nil {
		s.Fatalf("%s: %v", c, err)
	}
}

// put applies virtual servers.
func (s *suite) put(services ...lb.Service) {
	s.Helper()
	for _, svc := range services {
		s.apply(change(svc))
	}
}

func (s *suite) state() lb.State {
	s.Helper()
	state, err := s.Dataplane.State(s.Context())
	if err != nil {
		s.Fatalf("State: %v", err)
	}
	return state
}

// holds checks that exactly these virtual servers are there, in their order.
func (s *suite) holds(services ...lb.Service) {
	s.Helper()
	want := lb.State{Services: slices.Clone(services)}
	want.Sort()
	got := s.state()
	if !slices.EqualFunc(got.Services, want.Services, lb.Service.Equal) {
		s.Fatalf("State differs (-want +got):\n%s", cmp.Diff(plain(want), plain(got)))
	}
}

// plain is a state in a form that shows where it differs.
func plain(state lb.State) []map[string]any {
	var out []map[string]any
	for _, svc := range state.Services {
		reals := []string{}
		for _, r := range svc.Reals {
			reals = append(reals, fmt.Sprintf("%s %s weight %d", r.Addr, r.Method, r.Weight))
		}
		out = append(out, map[string]any{"server": svc.ServiceKey.String(), "scheduler": string(svc.Scheduler),
			"instance": int(svc.Instance), "owner": string(svc.Owner), "reals": reals})
	}
	return out
}

// refuses checks that a change fails in a certain way and changes nothing.
func (s *suite) refuses(c lb.ServiceChange, want error) {
	s.Helper()
	before := s.state()
	err := s.Dataplane.Apply(s.Context(), c)
	if !errors.Is(err, want) {
		s.Errorf("%s: error %v, want one that is %q", c, err, want)
	}
	s.holds(before.Services...)
}

func (s *suite) counters() lb.Counters {
	s.Helper()
	c, err := s.Dataplane.Counters(s.Context())
	if err != nil {
		s.Fatalf("Counters: %v", err)
	}
	return c
}

// connections lists in order. Their time to expiry is not compared but must
// make sense.
func (s *suite) connections(f lb.ConnFilter) []lb.Connection {
	s.Helper()
	var list []lb.Connection
	for c, err := range s.Dataplane.Connections(s.Context(), f) {
		if err != nil {
			s.Fatalf("Connections: %v", err)
		}
		list = append(list, c)
	}
	slices.SortFunc(list, lb.Connection.Compare)
	return list
}

// lists checks which connections a filter selects.
func (s *suite) lists(f lb.ConnFilter, want ...lb.Connection) {
	s.Helper()
	got := s.connections(f)
	want = slices.Clone(want)
	slices.SortFunc(want, lb.Connection.Compare)
	same := slices.EqualFunc(got, want, func(a, b lb.Connection) bool {
		a.Expires, b.Expires = 0, 0
		return a == b
	})
	if !same {
		s.Fatalf("Connections(%+v):\n got %+v\nwant %+v", f, got, want)
	}
}

// restore adds connections, all of which there is a place for.
func (s *suite) restore(conns ...lb.Connection) {
	s.Helper()
	n, err := s.Dataplane.Restore(s.Context(), slices.Values(conns))
	if err != nil || n != len(conns) {
		s.Fatalf("Restore: %d, %v, want %d connections", n, err, len(conns))
	}
}

// loads waits until a real server has so many connections.
func (s *suite) loads(svc lb.Service, real int, active, inactive int64) {
	s.Helper()
	var got lb.RealCounters
	s.eventually(func() bool {
		got = s.counters().Services[svc.ServiceKey].Reals[svc.Reals[real].Addr]
		return got.Active == active && got.Inactive == inactive
	}, func() {
		s.Errorf("real server %s: %d active, %d inactive, want %d and %d",
			svc.Reals[real].Addr, got.Active, got.Inactive, active, inactive)
	})
}

// eventually waits until ok; if that takes too long, it has the failure told.
func (s *suite) eventually(ok func() bool, tell func()) {
	s.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			tell()
			return
		}
	}
}
