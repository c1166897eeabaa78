// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"slices"
	"time"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/slots"
	"github.com/xlb-project/xlb/maps"
)

func now() time.Time { return time.Now() }

// wantSound looks at the maps as a packet does: whatever a virtual server leads
// to is there.
func wantSound(t tb, set *maps.Set) {
	t.Helper()
	for entry, err := range set.Services4.All() {
		if err != nil {
			t.Fatal(err)
		}
		if has, err := set.Ours.Has(maps.OursVirtual, entry.Key.Addr.Addr()); !has || err != nil {
			t.Fatalf("%v: its address is not among ours: %v", entry.Key, err)
		}
		s, err := set.Services.Get(entry.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !s.Slots.Valid(set.Slots.Len()) {
			t.Fatalf("%v: slots %+v", entry.Key, s.Slots)
		}
		named, err := set.Slots.Read(s.Slots)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range named {
			wantSoundReal(t, set, entry.ID, id)
		}
	}
}

// wantSoundReal looks at a real server that a slot names.
func wantSoundReal(t tb, set *maps.Set, service, id uint32) {
	t.Helper()
	r, err := set.Reals.Get(id)
	if err != nil {
		t.Fatal(err)
	}
	if r.Free() || r.Service != service {
		t.Fatalf("a slot of virtual server %d names real server %d: %+v", service, id, r)
	}
	hop, err := set.NextHops.Get(r.NextHop)
	if err != nil {
		t.Fatal(err)
	}
	if r.NextHop == 0 || hop.Target != r.Addr.Addr() {
		t.Fatalf("real server %+v has next hop %+v", r, hop)
	}
	if has, err := set.Ours.Has(maps.OursReal, r.Addr.Addr()); !has || err != nil {
		t.Fatalf("real server %+v is not among ours: %v", r, err)
	}
}

// wantRound compares what a virtual server's slots name with what its scheduler
// makes of it.
func wantRound(t tb, set *maps.Set, s lb.Service) {
	t.Helper()
	id, err := set.Services4.Lookup(mapsKey(s.ServiceKey))
	if err != nil {
		t.Fatal(err)
	}
	record, err := set.Services.Get(id)
	if err != nil {
		t.Fatal(err)
	}
	named, err := set.Slots.Read(record.Slots)
	if err != nil {
		t.Fatal(err)
	}
	scheduler, err := slots.For(s.Scheduler)
	if err != nil {
		t.Fatal(err)
	}
	var servers []slots.Server
	for i, r := range s.Reals {
		servers = append(servers, slots.Server{ID: uint32(i + 1), Weight: r.Weight})
	}
	var got, want []string
	for _, id := range named {
		r, err := set.Reals.Get(id)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Addr.String())
	}
	for _, i := range scheduler.Build(servers) {
		want = append(want, s.Reals[i-1].Addr.String())
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%v: slots name %v, want %v", s.ServiceKey, got, want)
	}
}

// wantEmpty says that the maps hold nothing of any virtual server.
func wantEmpty(t tb, set *maps.Set) {
	t.Helper()
	for entry, err := range set.Services4.All() {
		t.Fatalf("virtual server %+v is left, %v", entry, err)
	}
	for id, r := range set.Reals.All() {
		t.Fatalf("real server %d is left: %+v", id, r)
	}
	for id, h := range set.NextHops.All() {
		t.Fatalf("next hop %d is left: %+v", id, h)
	}
	for _, kind := range []maps.OursKind{maps.OursVirtual, maps.OursReal} {
		for _, a := range []string{"192.0.2.1", "10.2.0.1", "10.2.0.2"} {
			if has, _ := set.Ours.Has(kind, serverAddr(a)); has {
				t.Fatalf("%s is still among ours (%d)", a, kind)
			}
		}
	}
}
