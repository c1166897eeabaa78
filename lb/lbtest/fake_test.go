// SPDX-License-Identifier: Apache-2.0

package lbtest_test

import (
	"errors"
	"iter"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/lbtest"
)

func TestFakeConforms(t *testing.T) {
	limited := lbtest.Features()
	limited.MaxServices, limited.MaxReals, limited.MaxConnections, limited.IPv6 = 64, 512, 64, false
	limited.Methods = []lb.Method{lb.NAT}
	for name, features := range map[string]lb.Features{"everything": lbtest.Features(), "limited": limited} {
		t.Run(name, func(t *testing.T) {
			lbtest.Run(t, func(*testing.T) lbtest.Harness {
				fake := lbtest.NewFake(features)
				return lbtest.Harness{Dataplane: fake, Reopen: func() lb.Dataplane { return fake.Reopen() }}
			})
		})
	}
}

var errInjected = errors.New("injected")

func sample() lb.Service {
	return lb.Service{
		ServiceKey: lb.ServiceKey{Protocol: lb.TCP, Addr: netip.MustParseAddrPort("192.0.2.1:80")},
		Scheduler:  lb.RoundRobin,
		Reals:      []lb.Real{{Addr: netip.MustParseAddrPort("10.0.0.1:8080"), Method: lb.NAT, Weight: 1}},
	}
}

func add(s lb.Service) lb.ServiceChange { return lb.ServiceChange{Key: s.ServiceKey, After: &s} }

func TestFakeFails(t *testing.T) {
	ctx := t.Context()
	calls := map[string]func(*lbtest.Fake) error{
		"Apply":       func(f *lbtest.Fake) error { return f.Apply(ctx, add(sample())) },
		"State":       func(f *lbtest.Fake) error { _, err := f.State(ctx); return err },
		"SetGate":     func(f *lbtest.Fake) error { return f.SetGate(ctx, 1, true) },
		"SetTimeouts": func(f *lbtest.Fake) error { return f.SetTimeouts(ctx, lb.Timeouts{}) },
		"Counters":    func(f *lbtest.Fake) error { _, err := f.Counters(ctx); return err },
		"Restore":     func(f *lbtest.Fake) error { _, err := f.Restore(ctx, noConnections()); return err },
		"Cut":         func(f *lbtest.Fake) error { _, err := f.Cut(ctx, lb.ConnFilter{}, lb.Forget); return err },
		"Connections": func(f *lbtest.Fake) error { return firstError(f.Connections(ctx, lb.ConnFilter{})) },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			fake := lbtest.NewFake(lbtest.Features())
			fake.Fail(name, 2, errInjected)
			for i, want := range []error{errInjected, errInjected, nil} {
				if err := call(fake); !errors.Is(err, want) {
					t.Errorf("call %d: %v, want %v", i, err, want)
				}
			}
			fake.Fail(name, -1, errInjected)
			for range 5 {
				if err := call(fake); !errors.Is(err, errInjected) {
					t.Errorf("told to fail always: %v", err)
				}
			}
			fake.Fail(name, 0, nil)
			if err := call(fake); err != nil {
				t.Errorf("healed: %v", err)
			}
		})
	}
}

func TestFakeFailureChangesNothing(t *testing.T) {
	fake := lbtest.NewFake(lbtest.Features())
	fake.Fail("Apply", 1, errInjected)
	if err := fake.Apply(t.Context(), add(sample())); !errors.Is(err, errInjected) {
		t.Fatalf("Apply: %v", err)
	}
	if s, _ := fake.State(t.Context()); len(s.Services) != 0 {
		t.Errorf("a failed change is there: %v", s.Services)
	}
}

func TestFakeShowsAndRemembersCalls(t *testing.T) {
	fake, svc := lbtest.NewFake(lbtest.Features()), sample()
	fake.OnCall(func(c lbtest.Call) error {
		if c.Method == "Apply" && c.Change.After == nil {
			return errInjected
		}
		return nil
	})
	if err := fake.Apply(t.Context(), add(svc)); err != nil {
		t.Errorf("adding: %v", err)
	}
	if err := fake.Apply(t.Context(), add(svc).Inverse()); !errors.Is(err, errInjected) {
		t.Errorf("removing: %v, want the hook's error", err)
	}
	fake.OnCall(nil)
	if err := fake.SetGate(t.Context(), 3, true); err != nil {
		t.Errorf("SetGate: %v", err)
	}
	svc.Reals[0].Weight = 99
	calls := fake.Calls("Apply", "SetGate")
	if len(calls) != 3 || calls[0].Change.After.Reals[0].Weight != 1 || calls[2].Instance != 3 || !calls[2].Open {
		t.Errorf("calls: %+v", calls)
	}
	if again := fake.Calls(); len(again) != 0 {
		t.Errorf("calls that were told before: %+v", again)
	}
}

func TestStrictFake(t *testing.T) {
	svc := sample()
	other := svc.Clone()
	other.Reals[0].Weight = 7
	tests := []struct {
		name   string
		held   bool
		change lb.ServiceChange
		ok     bool
	}{
		{"OK: add", false, add(svc), true},
		{"OK: change", true, lb.ServiceChange{Key: svc.ServiceKey, Before: &svc, After: &other}, true},
		{"OK: remove", true, lb.ServiceChange{Key: svc.ServiceKey, Before: &svc}, true},
		{"bad: add what is there", true, add(svc), false},
		{"bad: change what is absent", false, lb.ServiceChange{Key: svc.ServiceKey, Before: &svc, After: &other}, false},
		{"bad: change what is different", true, lb.ServiceChange{Key: svc.ServiceKey, Before: &other, After: &svc}, false},
		{"bad: remove what is absent", false, lb.ServiceChange{Key: svc.ServiceKey, Before: &svc}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fake := lbtest.NewFake(lbtest.Features())
			fake.Strict = true
			if test.held {
				fake.Tamper(func(s *lb.State) { s.Services = append(s.Services, svc.Clone()) })
			}
			if err := fake.Apply(t.Context(), test.change); (err == nil) != test.ok {
				t.Errorf("Apply: %v, want it to work: %t", err, test.ok)
			}
		})
	}
}

func TestFakeConnectionsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, svc := lbtest.NewFake(lbtest.Features()), sample()
		if err := fake.Apply(t.Context(), add(svc)); err != nil {
			t.Fatal(err)
		}
		conn := lb.Connection{Service: svc.ServiceKey, Real: svc.Reals[0].Addr, Method: lb.NAT,
			Client: netip.MustParseAddrPort("203.0.113.1:4000"), State: "ESTABLISHED", Expires: time.Minute}
		if n, err := fake.Restore(t.Context(), slices.Values([]lb.Connection{conn})); n != 1 || err != nil {
			t.Fatalf("Restore: %d, %v", n, err)
		}
		time.Sleep(59 * time.Second)
		if c, _ := fake.Counters(t.Context()); c.Established.Used != 1 {
			t.Errorf("after 59 s: %d connections", c.Established.Used)
		}
		time.Sleep(time.Second)
		if c, _ := fake.Counters(t.Context()); c.Established.Used != 0 {
			t.Errorf("after a minute: %d connections", c.Established.Used)
		}
	})
}

func TestFakeLimitsConnections(t *testing.T) {
	features := lbtest.Features()
	features.MaxConnections = 1
	fake, svc := lbtest.NewFake(features), sample()
	if err := fake.Apply(t.Context(), add(svc)); err != nil {
		t.Fatal(err)
	}
	conn := lb.Connection{Service: svc.ServiceKey, Real: svc.Reals[0].Addr, State: "UDP", Expires: time.Minute,
		Client: netip.MustParseAddrPort("203.0.113.1:4000")}
	other := conn
	other.Client = netip.MustParseAddrPort("203.0.113.2:4000")
	n, err := fake.Restore(t.Context(), slices.Values([]lb.Connection{conn, conn, other}))
	if n != 2 || !errors.Is(err, lb.ErrLimit) {
		t.Errorf("Restore: %d, %v, want 2 and an ErrLimit", n, err)
	}
}

func noConnections() iter.Seq[lb.Connection] { return slices.Values([]lb.Connection(nil)) }

func firstError(conns iter.Seq2[lb.Connection, error]) error {
	for _, err := range conns {
		return err
	}
	return nil
}
