// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/xdp/sweep"
	"github.com/xlb-project/xlb/maps"
)

// An engine for listings beside the one that changes things.
func TestReadOnly(t *testing.T) {
	set := newSet(t, small())
	e := newEngine(t, set)
	want := serving(web, 1, 1)
	apply(t, e, want)
	// Half done, and not the reader's to finish.
	if err := set.Reals.SetRetired(idOf(t, set, server(1)), true); err != nil {
		t.Fatal(err)
	}
	r, err := New(set, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if s := state(t, r); len(s.Services) != 1 || len(s.Services[0].Reals) != 1 {
		t.Fatalf("%+v", s)
	}
	if _, err := r.Counters(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, err := range r.Connections(t.Context(), lb.ConnFilter{}) {
		t.Fatal(err)
	}
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"Apply":       func() error { return r.Apply(ctx, lb.ServiceChange{Key: web}) },
		"SetGate":     func() error { return r.SetGate(ctx, 1, true) },
		"SetTimeouts": func() error { return r.SetTimeouts(ctx, lb.Timeouts{}) },
		"Zero":        func() error { return r.Zero(ctx, nil) },
		"Cut":         func() error { _, err := r.Cut(ctx, lb.ConnFilter{}, lb.Forget); return err },
		"Swept":       func() error { return r.Swept(sweep.Report{Complete: true}) },
		"Follow":      func() error { return r.Follow(ctx) },
		"Heartbeat":   func() error { return r.Heartbeat() },
		"Restore": func() error {
			_, err := r.Restore(ctx, slices.Values([]lb.Connection(nil)))
			return err
		},
	} {
		if err := call(); !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s: %v, want ErrReadOnly", name, err)
		}
	}
	if _, err := r.Route(web.Addr.Addr()); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Route: %v, want ErrReadOnly", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if r, _ := set.Reals.Get(idOf(t, set, server(1))); !r.Retired {
		t.Fatal("it was mended")
	}
}

func TestZero(t *testing.T) {
	p := newPlane(t, small(), 1)
	apply(t, p.Engine, p.serving(1))
	other := serving(web, 1)
	apply(t, p.Engine, other)
	p.establish(t, 1)
	read := func() lb.Counters {
		c, err := p.Counters(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := read(); c.Services[p.vip].InPackets != 2 || c.Services[p.vip].Reals[server(1)].OutPackets != 1 {
		t.Fatalf("%+v", c.Services)
	}
	if err := p.Zero(t.Context(), &other.ServiceKey); err != nil {
		t.Fatal(err)
	}
	if c := read(); c.Services[p.vip].Connections != 1 {
		t.Fatalf("another one's counters were zeroed: %+v", c.Services)
	}
	if err := p.Zero(t.Context(), &p.vip); err != nil {
		t.Fatal(err)
	}
	c := read()
	one := c.Services[p.vip].Reals[server(1)]
	if c.Services[p.vip].Traffic != (lb.Traffic{}) || one.Traffic != (lb.Traffic{}) || one.Active != 1 || c.Reasons["redirect"] != 3 {
		t.Fatalf("%+v", c)
	}
	if err := p.Zero(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if c := read(); c.Reasons["redirect"] != 0 {
		t.Fatalf("%+v", c.Reasons)
	}
	absent := lb.ServiceKey{Protocol: lb.UDP, Addr: web.Addr}
	if err := p.Zero(t.Context(), &absent); !errors.Is(err, maps.ErrNotFound) {
		t.Fatalf("got %v, want ErrNotFound", err)
	}
}

func TestHeartbeat(t *testing.T) {
	set := newSet(t, small())
	e := newEngine(t, set)
	before, err := set.Clock.Now()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Heartbeat(); err != nil {
		t.Fatal(err)
	}
	if got, _ := set.Settings.Heartbeat(); got < before {
		t.Fatalf("heartbeat %d, now it is %d", got, before)
	}
}

func TestTimeoutsAreChecked(t *testing.T) {
	e := newEngine(t, newSet(t, small()))
	if err := e.SetTimeouts(t.Context(), lb.Timeouts{UDP: -1}); !errors.Is(err, lb.ErrInvalid) {
		t.Fatalf("got %v, want ErrInvalid", err)
	}
	if got := state(t, e).Timeouts; !got.Near(lb.DefaultTimeouts()) {
		t.Fatalf("%+v", got)
	}
}

func TestCutModes(t *testing.T) {
	e := newEngine(t, newSet(t, small()))
	if _, err := e.Cut(t.Context(), lb.ConnFilter{}, lb.CutMode(99)); !errors.Is(err, lb.ErrUnsupported) {
		t.Fatalf("got %v, want ErrUnsupported", err)
	}
}

func TestListingStopsWithItsContext(t *testing.T) {
	e := newEngine(t, newSet(t, small()))
	apply(t, e, serving(web, 1))
	n, err := e.Restore(t.Context(), slices.Values([]lb.Connection{connection(1, 1, "ESTABLISHED"), connection(2, 1, "UDP")}))
	if n != 2 || err != nil {
		t.Fatal(n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range e.Connections(ctx, lb.ConnFilter{}) {
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	}
	if _, err := e.Restore(ctx, slices.Values([]lb.Connection{connection(3, 1, "UDP")})); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

// What cannot be restored is left out, whatever is wrong with it.
func TestRestoreLeavesOut(t *testing.T) {
	set := newSet(t, small())
	e := newEngine(t, set)
	apply(t, e, serving(web, 1, 1))
	apply(t, e, serving(web, 1)) // the second is retired
	six := connection(1, 1, "ESTABLISHED")
	six.Client = netip.MustParseAddrPort("[2001:db8::1]:1")
	dr := connection(1, 1, "ESTABLISHED")
	dr.Method = lb.DR
	for name, c := range map[string]lb.Connection{
		"unknown state":   connection(1, 1, "DREAMING"),
		"no such server":  connection(1, 9, "ESTABLISHED"),
		"retired":         connection(1, 2, "ESTABLISHED"),
		"IPv6":            six,
		"another method":  dr,
		"another service": {Service: lb.ServiceKey{Protocol: lb.UDP, Addr: web.Addr}, Client: dr.Client, Real: dr.Real, Method: lb.NAT, State: "UDP"},
	} {
		if n, err := e.Restore(t.Context(), slices.Values([]lb.Connection{c})); n != 0 || err != nil {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	for entry, err := range set.Established.All() {
		t.Fatalf("entry %+v, %v", entry, err)
	}
}

// Half-open ones go where they belong, and a full table is a limit.
func TestRestoreHalfOpenAndFull(t *testing.T) {
	size := small()
	size.conns = 64
	set := newSet(t, size)
	e := newEngine(t, set)
	apply(t, e, serving(web, 1))
	if n, err := e.Restore(t.Context(), slices.Values([]lb.Connection{connection(1, 1, "SYN_RECV")})); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	c, err := e.Counters(t.Context())
	if err != nil || c.HalfOpen.Used != 1 || c.Established.Used != 0 || c.Services[web].Reals[server(1)].HalfOpen != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	var many []lb.Connection
	for n := range 200 {
		many = append(many, connection(n, 1, "ESTABLISHED"))
	}
	n, err := e.Restore(t.Context(), slices.Values(many))
	if !errors.Is(err, lb.ErrLimit) || n < 10 {
		t.Fatalf("%d of 32 that fit, %v, want ErrLimit", n, err)
	}
	s := sweep.New(sweep.Over(set), sweep.Options{})
	clean(t, s)
	if r := clean(t, s); r.Established != n || r.HalfOpen != 1 {
		t.Fatalf("%+v, want %d established", r, n)
	}
}
