// SPDX-License-Identifier: Apache-2.0

package lb_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/lbtest"
)

var errInjected = errors.New("injected")

// bench is a reconciler at work, in virtual time.
type bench struct {
	*testing.T
	engine *lbtest.Fake
	rec    *lb.Reconciler
}

// reconcile runs test beside a reconciler of the daemon's.
func reconcile(t *testing.T, o lb.ReconcilerOptions, test func(bench)) {
	t.Helper()
	o.Ownership.Owner = lb.OwnerDaemon
	synctest.Test(t, func(t *testing.T) {
		engine := lbtest.NewFake(features())
		b := bench{t, engine, lb.NewReconciler(engine, o)}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.rec.Run(ctx) }()
		test(b)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// holds checks the engine's virtual servers; owners are not compared.
func (b bench) holds(want ...lb.Service) {
	b.Helper()
	synctest.Wait()
	var got []lb.Service
	b.engine.Tamper(func(s *lb.State) { got = s.Clone().Services })
	want = stateOf(want...).Services
	same := slices.EqualFunc(got, want, func(a, b lb.Service) bool {
		a.Owner, b.Owner = "", ""
		return a.Equal(b)
	})
	if !same {
		b.Errorf("the engine holds\n%v, want\n%v", got, want)
	}
}

// elapse lets virtual time go by.
func (b bench) elapse(d time.Duration) { <-time.After(d) }

func (b bench) sync() {
	b.Helper()
	if err := b.rec.Sync(b.Context()); err != nil {
		b.Errorf("Sync: %v", err)
	}
}

func (b bench) applied() []string {
	var got []string
	for _, c := range b.engine.Calls("Apply") {
		got = append(got, c.Change.String())
	}
	return got
}

// Nothing is desired before somebody says so: what an earlier process left
// keeps working.
func TestReconcilerWaitsForTheFirstState(t *testing.T) {
	reconcile(t, lb.ReconcilerOptions{}, func(b bench) {
		kept := nat("tcp:192.0.2.1:80", "10.0.0.1:80")
		kept.Owner = lb.OwnerDaemon
		b.engine.Tamper(func(s *lb.State) { *s = s.With(kept) })
		b.rec.Poke()
		b.elapse(time.Hour)
		b.holds(kept)
		if calls := b.engine.Calls(); len(calls) != 0 || b.rec.Status().Generation != 0 {
			b.Errorf("calls without a desired state: %v", calls)
		}
		ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
		defer cancel()
		if err := b.rec.Sync(ctx); !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("Sync without a desired state: %v", err)
		}
		b.rec.Set(lb.State{})
		b.sync()
		b.holds()
	})
}

func TestReconcilerApplies(t *testing.T) {
	reconcile(t, lb.ReconcilerOptions{}, func(b bench) {
		one, two := nat("tcp:192.0.2.1:80", "10.0.0.1:80"), nat("udp:192.0.2.1:53", "10.0.0.1:53")
		state := lb.State{Services: []lb.Service{two, one}, Timeouts: lb.Timeouts{UDP: time.Minute}, Gates: map[lb.Instance]bool{1: true}}
		b.rec.Set(state)
		state.Services[0].Reals = nil // is the caller's again
		b.sync()
		b.holds(one, nat("udp:192.0.2.1:53", "10.0.0.1:53"))
		now, _ := b.engine.State(b.Context())
		if now.Services[0].Owner != lb.OwnerDaemon || now.Timeouts.UDP != time.Minute || now.GateOpen(1) {
			b.Errorf("the engine holds %+v: want the daemon's mark, the timeout, and gates left alone", now)
		}
		status := b.rec.Status()
		if status.Generation != 1 || status.Applied.IsZero() || status.Failed() != nil || status.Repairs != 0 {
			b.Errorf("status: %+v", status)
		}
		b.engine.Calls()
		b.rec.Set(lb.State{Services: []lb.Service{one}, Timeouts: lb.Timeouts{UDP: time.Minute}})
		b.sync()
		b.holds(one)
		if got := b.applied(); !slices.Equal(got, []string{"remove udp:192.0.2.1:53"}) {
			b.Errorf("applied %v, want only what differs", got)
		}
		if n := b.rec.Status().Repairs; n != 0 {
			b.Errorf("%d repairs, although nobody else changed anything", n)
		}
	})
}

// Many states in a row: the last one counts, and nobody waits for the others.
func TestReconcilerSkipsToTheLatest(t *testing.T) {
	reconcile(t, lb.ReconcilerOptions{}, func(b bench) {
		var release = make(chan struct{})
		b.engine.OnCall(func(lbtest.Call) error { <-release; return nil })
		b.rec.Set(stateOf(nat("tcp:192.0.2.1:80")))
		synctest.Wait() // it hangs in the engine
		for range 100 {
			b.rec.Set(stateOf(nat("tcp:192.0.2.2:80")))
		}
		b.rec.Set(stateOf(nat("tcp:192.0.2.3:80")))
		close(release)
		b.sync()
		b.holds(nat("tcp:192.0.2.3:80"))
		if got := b.applied(); slices.Contains(got, "add tcp:192.0.2.2:80") {
			b.Errorf("an outdated state was applied: %v", got)
		}
	})
}

// One that fails does not hold up the others, and is tried until it works.
func TestReconcilerRetries(t *testing.T) {
	reconcile(t, lb.ReconcilerOptions{Repair: -1, RetryMin: time.Second, RetryMax: 8 * time.Second}, func(b bench) {
		bad, good := nat("tcp:192.0.2.1:80", "10.0.0.1:80"), nat("tcp:192.0.2.2:80", "10.0.0.1:80")
		synctest.Wait() // Run waits for the first state
		start := time.Now()
		tried := make(chan time.Duration, 100)
		b.engine.OnCall(func(c lbtest.Call) error {
			if c.Method != "Apply" || c.Change.Key != bad.ServiceKey {
				return nil
			}
			tried <- time.Since(start).Round(time.Second)
			return errInjected
		})
		b.rec.Set(stateOf(bad, good))
		synctest.Wait()
		err := b.rec.Sync(b.Context())
		if !errors.Is(err, errInjected) || !strings.Contains(err.Error(), "tcp:192.0.2.1:80") {
			b.Errorf("Sync: %v, want what failed", err)
		}
		b.holds(good)
		if status := b.rec.Status(); len(status.Errors) != 1 || status.Errors[bad.ServiceKey] == nil || !status.Applied.IsZero() {
			b.Errorf("status: %+v", status)
		}
		b.elapse(50 * time.Second)
		synctest.Wait()
		// At once, for Sync, and then with pauses of 2, 4, 8, 8, ... seconds.
		want := []time.Duration{0, 0, 2, 6, 14, 22, 30, 38, 46}
		b.engine.OnCall(nil) // mended
		close(tried)
		var tries []time.Duration
		for at := range tried {
			tries = append(tries, at/time.Second)
		}
		if !slices.Equal(tries, want) {
			b.Errorf("tried at %v seconds, want %v", tries, want)
		}
		b.elapse(10 * time.Second)
		b.holds(bad, good)
		if status := b.rec.Status(); status.Failed() != nil || status.Applied.IsZero() || status.Repairs != 0 {
			b.Errorf("status after it works: %+v", status)
		}
	})
}

// After success, or a new state, pauses begin anew.
func TestReconcilerForgetsOldPauses(t *testing.T) {
	reconcile(t, lb.ReconcilerOptions{Repair: -1, RetryMin: time.Second, RetryMax: time.Hour}, func(b bench) {
		b.engine.Fail("Apply", -1, errInjected)
		b.rec.Set(stateOf(nat("tcp:192.0.2.1:80")))
		b.elapse(30 * time.Minute)
		b.rec.Set(stateOf(nat("tcp:192.0.2.2:80")))
		synctest.Wait()
		b.engine.Fail("Apply", 0, nil)
		b.elapse(time.Second)
		b.holds(nat("tcp:192.0.2.2:80"))
	})
}

// A long pause after failures does not keep it from looking now and then.
func TestReconcilerRetriesAtLeastAsOftenAsItLooks(t *testing.T) {
	reconcile(t, lb.ReconcilerOptions{Repair: 10 * time.Second, RetryMin: time.Hour, RetryMax: time.Hour}, func(b bench) {
		b.engine.Fail("Apply", 1, errInjected)
		b.rec.Set(stateOf(nat("tcp:192.0.2.1:80")))
		b.elapse(11 * time.Second)
		b.holds(nat("tcp:192.0.2.1:80"))
	})
}

func TestReconcilerSurvivesUnreadableState(t *testing.T) {
	reconcile(t, lb.ReconcilerOptions{}, func(b bench) {
		b.engine.Fail("State", 3, errInjected)
		b.rec.Set(stateOf(nat("tcp:192.0.2.1:80")))
		if err := b.rec.Sync(b.Context()); !errors.Is(err, errInjected) || !errors.Is(b.rec.Status().Err, errInjected) {
			b.Errorf("Sync: %v, status: %v", err, b.rec.Status().Err)
		}
		b.elapse(time.Second)
		b.holds(nat("tcp:192.0.2.1:80"))
		if status := b.rec.Status(); status.Failed() != nil || status.Repairs != 0 {
			b.Errorf("status: %+v: what could not be done before is no repair", status)
		}
	})
}

func TestReconcilerRepairs(t *testing.T) {
	reconcile(t, lb.ReconcilerOptions{Repair: 10 * time.Second}, func(b bench) {
		one, two := nat("tcp:192.0.2.1:80", "10.0.0.1:80"), nat("tcp:192.0.2.2:80", "10.0.0.1:80")
		b.rec.Set(stateOf(one, two))
		b.sync()
		spoil := func(s *lb.State) {
			*s = s.Without(two.ServiceKey)
			s.Services[0].Reals[0].Weight = 0
			s.Timeouts.Established = time.Hour
		}
		b.engine.Tamper(spoil)
		b.elapse(11 * time.Second)
		b.holds(one, two)
		status := b.rec.Status()
		if status.Repairs != 3 || status.LastRepair.IsZero() || status.Failed() != nil {
			b.Errorf("status after the interval: %+v, want 3 repairs", status)
		}
		b.engine.Tamper(spoil)
		b.rec.Poke() // does not wait for the interval
		b.holds(one, two)
		if n := b.rec.Status().Repairs; n != 6 {
			b.Errorf("%d repairs after poking, want 6", n)
		}
	})
}

func TestReconcilerLooksOnlyWhenPoked(t *testing.T) {
	reconcile(t, lb.ReconcilerOptions{Repair: -1}, func(b bench) {
		b.rec.Set(stateOf(nat("tcp:192.0.2.1:80")))
		b.sync()
		b.engine.Calls()
		b.elapse(time.Hour)
		if calls := b.engine.Calls(); len(calls) != 0 {
			b.Errorf("calls in an hour without repairs: %v", calls)
		}
	})
}

func TestReconcilerLeavesForeignAlone(t *testing.T) {
	foreign, inTheWay := nat("tcp:192.0.2.9:80", "10.0.0.9:80"), nat("tcp:192.0.2.1:80", "10.0.0.9:80")
	ours := nat("tcp:192.0.2.2:80", "10.0.0.1:80")
	wanted := nat("tcp:192.0.2.1:80", "10.0.0.1:80")
	put := func(b bench) {
		b.engine.Tamper(func(s *lb.State) { *s = s.With(foreign).With(inTheWay) })
		b.rec.Set(stateOf(ours, wanted))
	}
	reconcile(t, lb.ReconcilerOptions{}, func(b bench) {
		put(b)
		if err := b.rec.Sync(b.Context()); !errors.Is(err, lb.ErrForeign) || !strings.Contains(err.Error(), "own_all") {
			b.Errorf("Sync: %v, want an ErrForeign and what to do", err)
		}
		b.holds(foreign, inTheWay, ours)
		if got := b.rec.Status().Foreign; !slices.Equal(got, []lb.ServiceKey{inTheWay.ServiceKey, foreign.ServiceKey}) {
			b.Errorf("foreign: %v", got)
		}
	})
	reconcile(t, lb.ReconcilerOptions{Ownership: lb.Ownership{All: true}}, func(b bench) {
		put(b)
		b.sync()
		b.holds(ours, wanted)
		if got := b.rec.Status().Foreign; len(got) != 0 {
			b.Errorf("foreign, although everything is ours: %v", got)
		}
	})
}

// What is not valid stays as it is in the kernel; the others are applied.
func TestReconcilerValidates(t *testing.T) {
	reconcile(t, lb.ReconcilerOptions{}, func(b bench) {
		one := nat("tcp:192.0.2.1:80", "10.0.0.1:80")
		b.rec.Set(stateOf(one))
		b.sync()
		bad, good := nat("tcp:192.0.2.1:80", "10.0.0.1:80", "10.0.0.1:80"), nat("tcp:192.0.2.2:80")
		state := stateOf(bad, good)
		state.Timeouts.UDP = -1
		b.rec.Set(state)
		err := b.rec.Sync(b.Context())
		if !errors.Is(err, lb.ErrDuplicate) || !strings.Contains(err.Error(), "timeout") {
			b.Errorf("Sync: %v, want both findings", err)
		}
		b.holds(one, good)
		if now, _ := b.engine.State(b.Context()); now.Timeouts != lb.DefaultTimeouts() {
			b.Errorf("timeouts: %+v", now.Timeouts)
		}
		b.rec.Set(stateOf(good))
		b.sync()
		b.holds(good)
	})
}

func TestReconcilerRetriesTimeouts(t *testing.T) {
	reconcile(t, lb.ReconcilerOptions{}, func(b bench) {
		b.engine.Fail("SetTimeouts", -1, errInjected)
		b.rec.Set(lb.State{Timeouts: lb.Timeouts{UDP: time.Minute}})
		if err := b.rec.Sync(b.Context()); !errors.Is(err, errInjected) {
			b.Errorf("Sync: %v", err)
		}
		b.engine.Fail("SetTimeouts", 0, nil)
		b.elapse(time.Second)
		if now, _ := b.engine.State(b.Context()); now.Timeouts.UDP != time.Minute || b.rec.Status().Failed() != nil {
			b.Errorf("timeouts %+v, status %v", now.Timeouts, b.rec.Status().Failed())
		}
		if n := b.rec.Status().Repairs; n != 0 {
			b.Errorf("%d repairs, want none", n)
		}
	})
}
