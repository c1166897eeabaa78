// SPDX-License-Identifier: Apache-2.0

package lb_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/lbtest"
)

func TestDiffOrder(t *testing.T) {
	actual := stateOf(nat("tcp:192.0.2.1:80"), nat("tcp:192.0.2.2:80", "10.0.0.1:80"), nat("tcp:192.0.2.3:80", "10.0.0.1:80"), nat("tcp:192.0.2.4:80"))
	desired := stateOf(nat("tcp:192.0.2.0:80"), nat("tcp:192.0.2.1:80", "10.0.0.2:80"), nat("tcp:192.0.2.2:80"), nat("tcp:192.0.2.3:80", "10.0.0.1:80"))
	var got []string
	for _, c := range lb.Diff(actual, desired) {
		got = append(got, c.String())
	}
	want := []string{"remove tcp:192.0.2.4:80", "change tcp:192.0.2.2:80", "change tcp:192.0.2.1:80", "add tcp:192.0.2.0:80"}
	if !slices.Equal(got, want) {
		t.Errorf("changes %v, want %v", got, want)
	}
}

// An engine that refuses to change what is not there, or is not as believed,
// comes from any state to any other; every state on the way is valid and
// within what the larger of the two needs.
func TestDiffLeadsFromAnyStateToAnyOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genState().Draw(t, "a"), genState().Draw(t, "b")
		f := features()
		f.MaxServices, f.MaxReals = max(1, len(a.Services), len(b.Services)), max(1, a.Reals(), b.Reals())
		engine := lbtest.NewFake(f)
		engine.Strict = true
		engine.Tamper(func(s *lb.State) { s.Services = a.Clone().Services })
		for _, c := range lb.Diff(a, b) {
			if err := engine.Apply(t.Context(), c); err != nil {
				t.Fatalf("%s: %v", c, err)
			}
			now, _ := engine.State(t.Context())
			checkBetween(t, now, a, b, f)
		}
		if got, _ := engine.State(t.Context()); !slices.EqualFunc(got.Services, b.Services, lb.Service.Equal) {
			t.Fatalf("arrived at %v, want %v", got.Services, b.Services)
		}
	})
}

// checkBetween wants a state of virtual servers that are each as before or as
// after, none missing that is in both.
func checkBetween(t *rapid.T, now, a, b lb.State, f lb.Features) {
	if err := lb.Validate(now, f); err != nil {
		t.Fatalf("a state in between: %v", err)
	}
	for _, svc := range now.Services {
		before, inA := a.Find(svc.ServiceKey)
		after, inB := b.Find(svc.ServiceKey)
		asBefore, asAfter := inA && svc.Equal(before), inB && svc.Equal(after)
		if !asBefore && !asAfter {
			t.Fatalf("%s is neither as before nor as after: %v", svc.ServiceKey, svc)
		}
	}
	for _, svc := range a.Services {
		_, stays := b.Find(svc.ServiceKey)
		if _, there := now.Find(svc.ServiceKey); stays && !there {
			t.Fatalf("%s is absent in between", svc.ServiceKey)
		}
	}
}

// One change for each virtual server that differs, none for the others.
func TestDiffIsMinimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genState().Draw(t, "a"), genState().Draw(t, "b")
		if changes := lb.Diff(a, a.Clone()); len(changes) != 0 {
			t.Fatalf("changes from a state to itself: %v", changes)
		}
		seen := map[lb.ServiceKey]bool{}
		for _, c := range lb.Diff(a, b) {
			before, inA := a.Find(c.Key)
			after, inB := b.Find(c.Key)
			if seen[c.Key] || inA && inB && before.Equal(after) {
				t.Fatalf("superfluous: %s", c)
			}
			if inA != (c.Before != nil) || inB != (c.After != nil) || c.Check() != nil {
				t.Fatalf("%s: there before %t, after %t", c, inA, inB)
			}
			seen[c.Key] = true
		}
	})
}

func TestDiffOfUnsortedStates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genState().Draw(t, "a"), genState().Draw(t, "b")
		want := lb.Diff(a, b)
		a.Services = rapid.Permutation(a.Services).Draw(t, "a's order")
		b.Services = rapid.Permutation(b.Services).Draw(t, "b's order")
		if got := lb.Diff(a, b); !slices.EqualFunc(got, want, sameChange) {
			t.Fatalf("%v, sorted %v", got, want)
		}
	})
}

func sameChange(a, b lb.ServiceChange) bool {
	same := func(a, b *lb.Service) bool { return (a == nil) == (b == nil) && (a == nil || a.Equal(*b)) }
	return a.Key == b.Key && same(a.Before, b.Before) && same(a.After, b.After)
}

// What a change holds is nobody else's.
func TestDiffCopies(t *testing.T) {
	desired := stateOf(nat("tcp:192.0.2.1:80", "10.0.0.1:80"))
	changes := lb.Diff(lb.State{}, desired)
	changes[0].After.Reals[0].Weight = 9
	if desired.Services[0].Reals[0].Weight != 1 {
		t.Errorf("writing to a change changed the state that it came from")
	}
}

func TestInverseUndoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genState().Draw(t, "a"), genState().Draw(t, "b")
		s := a
		changes := lb.Diff(a, b)
		for _, c := range changes {
			s = c.ApplyTo(s)
		}
		for _, c := range slices.Backward(changes) {
			s = c.Inverse().ApplyTo(s)
		}
		if !s.Equal(a) {
			t.Fatalf("undone: %v, want %v", s, a)
		}
	})
}

func TestChangeCheck(t *testing.T) {
	a, b := nat("tcp:192.0.2.1:80"), nat("tcp:192.0.2.2:80")
	for _, c := range []lb.ServiceChange{{Key: a.ServiceKey, After: &b}, {Key: a.ServiceKey, Before: &b}, {Key: a.ServiceKey, Before: &a, After: &b}} {
		if err := c.Check(); !errors.Is(err, lb.ErrInvalid) {
			t.Errorf("%v: %v, want an ErrInvalid", c, err)
		}
	}
	if err := (lb.ServiceChange{Key: a.ServiceKey, Before: &a, After: &a}).Check(); err != nil {
		t.Errorf("a good one: %v", err)
	}
}
