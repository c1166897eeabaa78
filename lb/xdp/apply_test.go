// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/xdp/internal/ids"
	"github.com/xlb-project/xlb/lb/xdp/sweep"
	"github.com/xlb-project/xlb/maps"
)

func serverAddr(s string) netip.Addr { return netip.MustParseAddr(s) }

// idOf is the number of a real server that packets can choose, or could.
func idOf(t tb, set *maps.Set, addr netip.AddrPort) uint32 {
	t.Helper()
	for id, r := range set.Reals.All() {
		if r.Addr == addr {
			return id
		}
	}
	t.Fatalf("no real server %v", addr)
	return 0
}

// sweepOnce takes in a sweep that is late enough to free what is not referred
// to by these connections.
func sweepOnce(t tb, e *Engine, referred map[uint32]int) {
	t.Helper()
	r := sweep.Report{Started: time.Now().Add(time.Minute), Complete: true, Reals: referred}
	if err := e.Swept(r); err != nil {
		t.Fatal(err)
	}
}

func TestApply(t *testing.T) {
	set := newSet(t, small())
	e := newEngine(t, set)
	dns := lb.ServiceKey{Protocol: lb.UDP, Addr: netip.MustParseAddrPort("192.0.2.1:53")}
	a, b := serving(web, 1, 1, 0, 5), serving(dns, 1)
	b.Owner, b.Instance = lb.OwnerNone, 7
	for range 2 { // idempotent
		apply(t, e, a)
		apply(t, e, b)
		wantServices(t, e, a, b)
		wantSound(t, set)
		wantRound(t, set, *a)
		wantRound(t, set, *b)
	}

	b.Instance, b.Owner = 0, "somebody"
	a.Reals[0], a.Reals[3] = a.Reals[3], a.Reals[0]
	a.Reals[1].Weight, a.Reals[2].Weight = 0, 9
	apply(t, e, a)
	apply(t, e, b)
	wantServices(t, e, a, b)
	wantRound(t, set, *a)
	wantSound(t, set)

	a.Reals = nil
	apply(t, e, a)
	wantServices(t, e, a, b)
	wantRound(t, set, *a)

	for range 2 {
		remove(t, e, web)
		remove(t, e, dns)
	}
	wantServices(t, e)
	sweepOnce(t, e, nil)
	wantEmpty(t, set)
}

// A change that changes nothing writes no slots: rr goes on where it was.
func TestApplyKeepsTheTurn(t *testing.T) {
	set := newSet(t, small())
	e := newEngine(t, set)
	a := serving(web, 1, 1, 1)
	apply(t, e, a)
	id, err := set.Services4.Lookup(mapsKey(web))
	if err != nil {
		t.Fatal(err)
	}
	before, _ := set.Services.Get(id)
	turned := before.Slots
	turned.Cursor = 1
	if ok, err := set.Services.SwapSlots(id, before.Slots, turned); !ok || err != nil {
		t.Fatal(ok, err)
	}
	a.Owner = "other"
	apply(t, e, a)
	if got, _ := set.Services.Get(id); got.Slots != turned {
		t.Fatalf("slots are %+v now, were %+v", got.Slots, turned)
	}

	// The order is 3, 2, 1; 3 was chosen last. With 2 gone it is 1's turn.
	a.Reals = []lb.Real{a.Reals[0], a.Reals[2]}
	apply(t, e, a)
	got, _ := set.Services.Get(id)
	named, _ := set.Slots.Read(got.Slots)
	if next := named[got.Slots.Cursor]; next != idOf(t, set, server(1)) {
		t.Fatalf("the next one is real server %d of %v", next, named)
	}
}

func TestRemovedRealServerFindsItsCountsAgain(t *testing.T) {
	set := newSet(t, small())
	e := newEngine(t, set)
	apply(t, e, serving(web, 1, 1))
	two := idOf(t, set, server(2))
	if err := set.Loads.Add(two, maps.Load{Active: 3, Total: 7}); err != nil {
		t.Fatal(err)
	}

	apply(t, e, serving(web, 1))
	wantServices(t, e, serving(web, 1))
	if r, _ := set.Reals.Get(two); !r.Retired {
		t.Fatalf("%+v is not retired", r)
	}
	if has, _ := set.Ours.Has(maps.OursReal, server(2).Addr()); !has {
		t.Fatal("its connections' answers would pass unchanged")
	}
	sweepOnce(t, e, map[uint32]int{two: 6})

	apply(t, e, serving(web, 1, 1))
	if got := idOf(t, set, server(2)); got != two {
		t.Fatalf("added again as %d, was %d", got, two)
	}
	if load, _ := set.Loads.Get(two); load.Active != 3 || load.Total != 7 {
		t.Fatalf("counts %+v", load)
	}
	sweepOnce(t, e, nil) // it is not retired any more
	wantServices(t, e, serving(web, 1, 1))
	wantSound(t, set)
}

func TestRemovedVirtualServerFindsItsRealServersAgain(t *testing.T) {
	set := newSet(t, small())
	e := newEngine(t, set)
	apply(t, e, serving(web, 1, 1))
	one := idOf(t, set, server(1))
	remove(t, e, web)
	sweepOnce(t, e, map[uint32]int{one: 2})
	wantServices(t, e)
	other := serving(lb.ServiceKey{Protocol: lb.TCP, Addr: netip.MustParseAddrPort("192.0.2.9:80")}, 0, 0, 1)
	apply(t, e, other)
	wantSound(t, set)
	apply(t, e, serving(web, 1, 1))
	if got := idOf(t, set, server(1)); got != one {
		t.Fatalf("added again as %d, was %d", got, one)
	}
	wantServices(t, e, serving(web, 1, 1), other)
	wantSound(t, set)
}

func TestFreeingNeedsALateAndCompleteSweep(t *testing.T) {
	set := newSet(t, small())
	e := newEngine(t, set)
	apply(t, e, serving(web, 1))
	one := idOf(t, set, server(1))
	remove(t, e, web)
	for name, r := range map[string]sweep.Report{
		"too early":  {Started: time.Now(), Complete: true},
		"incomplete": {Started: time.Now().Add(time.Hour)},
		"referred":   {Started: time.Now().Add(time.Hour), Complete: true, Reals: map[uint32]int{one: 1}},
	} {
		if err := e.Swept(r); err != nil {
			t.Fatal(err)
		}
		if r, _ := set.Reals.Get(one); r.Free() {
			t.Fatalf("freed by a sweep that is %s", name)
		}
	}
	sweepOnce(t, e, nil)
	wantEmpty(t, set)
}

// Whatever runs out: the error says so, and nothing has changed.
func TestLimits(t *testing.T) {
	many := func(n int) []int {
		w := make([]int, n)
		for i := range w {
			w[i] = 1
		}
		return w
	}
	for name, s := range map[string]sizes{
		"real servers": {services: 16, reals: 8, slots: 512, hops: 64, conns: 64},
		"slots":        {services: 16, reals: 64, slots: 10, hops: 64, conns: 64},
		"next hops":    {services: 16, reals: 64, slots: 512, hops: 8, conns: 64},
	} {
		t.Run(name, func(t *testing.T) {
			set := newSet(t, s)
			e := newEngine(t, set)
			before := serving(web, many(5)...)
			apply(t, e, before)
			other := lb.ServiceKey{Protocol: lb.TCP, Addr: netip.MustParseAddrPort("192.0.2.2:80")}
			for _, after := range []*lb.Service{serving(web, many(20)...), serving(other, many(20)...)} {
				err := e.Apply(t.Context(), lb.ServiceChange{Key: after.ServiceKey, After: after})
				if !errors.Is(err, lb.ErrLimit) {
					t.Fatalf("got %v, want ErrLimit", err)
				}
				wantServices(t, e, before)
				wantRound(t, set, *before)
				wantSound(t, set)
			}
			if got := e.book.realIDs.Len(); got != 5 {
				t.Errorf("%d numbers of real servers are taken, want 5", got)
			}
			if got := e.book.serviceIDs.Len(); got != 1 {
				t.Errorf("%d numbers of virtual servers are taken, want 1", got)
			}
			if got := e.book.ranges.Used(); got != 5 {
				t.Errorf("%d slots are taken, want 5", got)
			}
		})
	}
	t.Run("virtual servers", func(t *testing.T) {
		e := newEngine(t, newSet(t, sizes{services: 3, reals: 8, slots: 8, hops: 8, conns: 64}))
		key := web
		for range 2 {
			apply(t, e, serving(key, 1))
			key.Addr = netip.AddrPortFrom(key.Addr.Addr().Next(), 80)
		}
		err := e.Apply(t.Context(), lb.ServiceChange{Key: key, After: serving(key, 1)})
		if !errors.Is(err, lb.ErrLimit) || !errors.Is(err, ids.ErrFull) {
			t.Fatalf("got %v, want ErrLimit", err)
		}
	})
}

func TestRefusals(t *testing.T) {
	e := newEngine(t, newSet(t, small()))
	six := lb.ServiceKey{Protocol: lb.TCP, Addr: netip.MustParseAddrPort("[2001:db8::1]:80")}
	dr := serving(web, 1)
	dr.Reals[0].Method = lb.DR
	dr.Reals[0].Addr = netip.AddrPortFrom(dr.Reals[0].Addr.Addr(), 80)
	wlc := serving(web, 1)
	wlc.Scheduler = "wlc"
	for name, s := range map[string]*lb.Service{"IPv6": serving(six), "DR": dr, "wlc": wlc} {
		err := e.Apply(t.Context(), lb.ServiceChange{Key: s.ServiceKey, After: s})
		if !errors.Is(err, lb.ErrUnsupported) {
			t.Errorf("%s: %v, want ErrUnsupported", name, err)
		}
	}
	if err := e.Apply(t.Context(), lb.ServiceChange{Key: web, After: serving(six)}); !errors.Is(err, lb.ErrInvalid) {
		t.Errorf("a change that contradicts itself: %v", err)
	}
	wantServices(t, e)
}

// A next hop that cannot be had leaves no trace.
func TestResolverFails(t *testing.T) {
	set := newSet(t, small())
	r := newStaticResolver(t, set)
	e, err := New(set, Options{Resolver: r})
	if err != nil {
		t.Fatal(err)
	}
	r.failed = errors.New("no")
	if err := e.Apply(t.Context(), lb.ServiceChange{Key: web, After: serving(web, 1, 1)}); !errors.Is(err, r.failed) {
		t.Fatalf("got %v", err)
	}
	wantEmpty(t, set)
	if n := e.book.realIDs.Len() + e.book.serviceIDs.Len(); n != 0 {
		t.Fatalf("%d numbers are still taken", n)
	}
}

// Somebody else changed the maps: the same Apply makes it right.
func TestApplyRepairs(t *testing.T) {
	set := newSet(t, small())
	e := newEngine(t, set)
	want := serving(web, 1, 1)
	apply(t, e, want)
	id, err := set.Services4.Lookup(mapsKey(web))
	if err != nil {
		t.Fatal(err)
	}
	one := idOf(t, set, server(1))
	for name, damage := range map[string]func() error{
		"key deleted":     func() error { return set.Services4.Delete(mapsKey(web)) },
		"key elsewhere":   func() error { return set.Services4.Set(mapsKey(web), id+3) },
		"real cleared":    func() error { return set.Reals.Clear(one) },
		"slots rewritten": func() error { r, _ := set.Services.Get(id); return set.Slots.Write(r.Slots.Base, []uint32{9, 9}) },
		"weight":          func() error { return set.Reals.SetWeight(one, 0) },
		"retired":         func() error { return set.Reals.SetRetired(one, true) },
		"config":          func() error { return set.Services.SetConfig(id, maps.SchedulerSH, 9) },
		"ours": func() error {
			return errors.Join(set.Ours.Replace(maps.OursVirtual, nil), set.Ours.Replace(maps.OursReal, nil))
		},
	} {
		if err := damage(); err != nil {
			t.Fatal(name, err)
		}
		apply(t, e, want)
		wantServices(t, e, want)
		wantRound(t, set, *want)
		wantSound(t, set)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}
