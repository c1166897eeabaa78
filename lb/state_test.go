// SPDX-License-Identifier: Apache-2.0

package lb_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/lb"
)

func TestStateEqual(t *testing.T) {
	base := stateOf(nat("tcp:192.0.2.1:80", "10.0.0.1:80"), nat("udp:192.0.2.1:80"))
	base.Gates = map[lb.Instance]bool{1: true}
	same := map[string]func(*lb.State){
		"nothing":                     func(*lb.State) {},
		"a gate is named as closed":   func(s *lb.State) { s.Gates[2] = false },
		"no instance's gate is named": func(s *lb.State) { s.Gates[0] = true },
		"defaults are spelled out":    func(s *lb.State) { s.Timeouts = lb.DefaultTimeouts() },
	}
	for name, change := range same {
		other := base.Clone()
		change(&other)
		if !base.Equal(other) || !other.Equal(base) {
			t.Errorf("%s: not equal", name)
		}
	}
	different := map[string]func(*lb.State){
		"a service less":  func(s *lb.State) { s.Services = s.Services[1:] },
		"another weight":  func(s *lb.State) { s.Services[0].Reals[0].Weight = 7 },
		"a gate more":     func(s *lb.State) { s.Gates[2] = true },
		"a gate closed":   func(s *lb.State) { s.Gates[1] = false },
		"no gates":        func(s *lb.State) { s.Gates = nil },
		"another timeout": func(s *lb.State) { s.Timeouts.UDP = time.Second },
	}
	for name, change := range different {
		other := base.Clone()
		change(&other)
		if base.Equal(other) || other.Equal(base) {
			t.Errorf("%s: equal", name)
		}
	}
}

func TestStateCloneSharesNothing(t *testing.T) {
	base := stateOf(nat("tcp:192.0.2.1:80", "10.0.0.1:80"))
	base.Gates = map[lb.Instance]bool{1: true}
	kept, clone := base.Clone(), base.Clone()
	clone.Services[0].Reals[0].Weight = 9
	clone.Services[0].Scheduler = "x"
	clone.Gates[1] = false
	if !base.Equal(kept) {
		t.Errorf("changing a clone changed the original: %v", base)
	}
	if c := (lb.State{}).Clone(); c.Services != nil || c.Gates != nil {
		t.Errorf("clone of nothing: %v", c)
	}
}

func TestGateOpen(t *testing.T) {
	s := lb.State{Gates: map[lb.Instance]bool{1: true, 2: false}}
	for i, want := range []bool{true, true, false, false} {
		if s.GateOpen(lb.Instance(i)) != want {
			t.Errorf("gate %d open: %t", i, !want)
		}
	}
	if !(lb.State{}).GateOpen(0) {
		t.Errorf("the gate of no instance is closed")
	}
}

// With, Without and Find are what one expects of a sorted set, and leave the
// state they start from alone.
func TestStateIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, svc := genState().Draw(t, "state"), genService().Draw(t, "service")
		before := s.Clone()
		with, without := s.With(svc), s.Without(svc.ServiceKey)
		if got, ok := with.Find(svc.ServiceKey); !ok || !got.Equal(svc) {
			t.Fatalf("With: %v, %t", got, ok)
		}
		if got, ok := without.Find(svc.ServiceKey); ok {
			t.Fatalf("Without: still there: %v", got)
		}
		for _, after := range []lb.State{with, without} {
			if !slices.IsSortedFunc(after.Services, func(a, b lb.Service) int { return a.Compare(b.ServiceKey) }) {
				t.Fatalf("not sorted: %v", after.Services)
			}
		}
		if !with.Without(svc.ServiceKey).Equal(without) || !without.With(svc).Equal(with) {
			t.Fatalf("With and Without do not agree")
		}
		_, was := s.Find(svc.ServiceKey)
		if was != (len(with.Services) == len(s.Services)) || was == (len(without.Services) == len(s.Services)) {
			t.Fatalf("there before: %t; %d services, then %d and %d", was, len(s.Services), len(with.Services), len(without.Services))
		}
		if !s.Equal(before) {
			t.Fatalf("the state itself was changed")
		}
	})
}

func TestStateCountsReals(t *testing.T) {
	s := stateOf(nat("tcp:192.0.2.1:80", "10.0.0.1:80", "10.0.0.2:80"), nat("tcp:192.0.2.2:80", "10.0.0.1:80"), nat("tcp:192.0.2.3:80"))
	if n := s.Reals(); n != 3 {
		t.Errorf("%d real servers, want 3", n)
	}
}
