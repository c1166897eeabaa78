// SPDX-License-Identifier: Apache-2.0

package lb_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/lbtest"
)

func TestOnlyOneRun(t *testing.T) {
	reconcile(t, lb.ReconcilerOptions{}, func(b bench) {
		synctest.Wait()
		if err := b.rec.Run(b.Context()); !errors.Is(err, lb.ErrRunning) {
			b.Errorf("second Run: %v, want ErrRunning", err)
		}
	})
}

// Run can be ended and begun again; what is desired meanwhile is not lost.
func TestRunAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := lbtest.NewFake(features())
		b := bench{t, engine, lb.NewReconciler(engine, lb.ReconcilerOptions{})}
		for _, svc := range []lb.Service{nat("tcp:192.0.2.1:80"), nat("tcp:192.0.2.2:80")} {
			b.rec.Set(stateOf(svc))
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- b.rec.Run(ctx) }()
			b.sync()
			b.holds(svc)
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Run: %v", err)
			}
		}
	})
}

// Ending in the middle of a change shows no errors of the end.
func TestEndIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := lbtest.NewFake(features())
		rec := lb.NewReconciler(engine, lb.ReconcilerOptions{})
		ctx, cancel := context.WithCancel(t.Context())
		engine.OnCall(func(c lbtest.Call) error {
			if c.Method == "Apply" {
				cancel()
				return ctx.Err()
			}
			return nil
		})
		rec.Set(stateOf(nat("tcp:192.0.2.1:80")))
		if err := rec.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := rec.Status().Failed(); err != nil {
			t.Errorf("status: %v", err)
		}
	})
}

// Sync speaks of the kernel as it was after the call, not of an earlier look.
func TestSyncLooksAnew(t *testing.T) {
	reconcile(t, lb.ReconcilerOptions{Repair: -1}, func(b bench) {
		svc := nat("tcp:192.0.2.1:80", "10.0.0.1:80")
		b.rec.Set(stateOf(svc))
		b.sync()
		b.engine.Tamper(func(s *lb.State) { s.Services = nil })
		b.sync()
		b.holds(svc)
		b.engine.Fail("State", 1, errInjected)
		if err := b.rec.Sync(b.Context()); !errors.Is(err, errInjected) {
			b.Errorf("Sync with an unreadable kernel: %v", err)
		}
	})
}

func TestSyncOfMany(t *testing.T) {
	reconcile(t, lb.ReconcilerOptions{}, func(b bench) {
		var group sync.WaitGroup
		for i := range 20 {
			svc := nat("tcp:192.0.2.1:80")
			svc.Addr = netip.AddrPortFrom(svc.Addr.Addr(), uint16(1000+i))
			group.Go(func() {
				b.rec.Set(stateOf(svc))
				b.sync()
			})
		}
		group.Wait()
		if s, _ := b.engine.State(b.Context()); len(s.Services) != 1 || b.rec.Status().Generation != 20 {
			b.Errorf("%d virtual servers, generation %d", len(s.Services), b.rec.Status().Generation)
		}
	})
}

func TestSyncEndsWithItsContext(t *testing.T) {
	reconcile(t, lb.ReconcilerOptions{}, func(b bench) {
		release := make(chan struct{})
		b.engine.OnCall(func(lbtest.Call) error { <-release; return nil })
		b.rec.Set(lb.State{})
		ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
		defer cancel()
		if err := b.rec.Sync(ctx); !errors.Is(err, context.DeadlineExceeded) {
			b.Errorf("Sync: %v", err)
		}
		close(release)
	})
}

// A failure is logged when it begins and not with every retry; so are repairs.
func TestReconcilerLogs(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	reconcile(t, lb.ReconcilerOptions{Log: log}, func(b bench) {
		b.engine.Fail("Apply", 3, errInjected)
		state := stateOf(nat("tcp:192.0.2.1:80"))
		b.rec.Set(state)
		b.elapse(5 * time.Second)
		b.engine.Tamper(func(s *lb.State) { s.Services = nil })
		b.elapse(20 * time.Second)
		b.engine.Fail("State", 2, errInjected)
		b.elapse(20 * time.Second)
	})
	for text, want := range map[string]int{
		"virtual server cannot be applied": 1, "server=tcp:192.0.2.1:80": 1, "error=\"add: injected\"": 1,
		"desired state is applied": 2, "somebody else had changed the kernel": 1, "desired state cannot be applied": 1,
	} {
		if got := strings.Count(out.String(), text); got != want {
			t.Errorf("%q is logged %d times, want %d:\n%s", text, got, want, out.String())
		}
	}
}
