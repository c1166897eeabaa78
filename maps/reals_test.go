// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func someReal() Real {
	return Real{
		Addr: addrPort("10.0.0.5:8080"), Method: MethodTunnel, Service: 3, NextHop: 9, Weight: 100, Order: 2, Retired: true,
	}
}

func TestRealsRawBytes(t *testing.T) {
	set, coll := newSet(t)
	check(t, set.Reals.Set(5, someReal()))
	want := append([]byte{10, 0, 0, 5}, make([]byte, 12)...)
	want = append(want, 0x1f, 0x90, 4, 2)
	for _, v := range []uint32{3, 9, 100, 2, 1, 0, 0} {
		want = binary.NativeEndian.AppendUint32(want, v)
	}
	if diff := cmp.Diff(want, raw(t, coll, "reals", uint32(5))); diff != "" {
		t.Errorf("value in the map (-want +got):\n%s", diff)
	}
}

func TestReals(t *testing.T) {
	set, _ := newSet(t)
	want := someReal()
	check(t, set.Reals.Set(5, want))
	check(t, set.Reals.SetNextHop(5, 11))
	check(t, set.Reals.SetWeight(5, 12))
	check(t, set.Reals.SetOrder(5, 13))
	check(t, set.Reals.SetRetired(5, false))
	want.NextHop, want.Weight, want.Order, want.Retired = 11, 12, 13, false
	if got, err := set.Reals.Get(5); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	v6 := Real{Addr: addrPort("[2001:db8::5]:53"), Service: 4}
	check(t, set.Reals.Set(63, v6))
	all := map[uint32]Real{}
	for id, r := range set.Reals.All() {
		all[id] = r
	}
	if diff := cmp.Diff(map[uint32]Real{5: want, 63: v6}, all, comparable4()); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	check(t, set.Reals.Clear(5))
	if got, err := set.Reals.Get(5); err != nil || !got.Free() || got != (Real{}) {
		t.Errorf("after clear: %+v, %v", got, err)
	}
	if _, err := set.Reals.Get(set.Reals.Len()); !errors.Is(err, ErrRange) {
		t.Errorf("beyond the end: %v", err)
	}
}

func TestLoads(t *testing.T) {
	set, coll := newSet(t)
	check(t, set.Loads.Add(2, Load{Active: 5, Inactive: 3, HalfOpen: 1, Total: 9}))
	check(t, set.Loads.Add(2, Load{Active: -2, HalfOpen: -3}))
	want := Load{Active: 3, Inactive: 3, HalfOpen: -2, Total: 9}
	if got, err := set.Loads.Get(2); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	minusTwo := int64(-2)
	var bytes []byte
	for _, v := range []uint64{3, 3, uint64(minusTwo), 9} {
		bytes = binary.NativeEndian.AppendUint64(bytes, v)
	}
	if got := raw(t, coll, "loads", uint32(2)); !slices.Equal(got, bytes) {
		t.Errorf("raw value % x, want % x", got, bytes)
	}
	check(t, set.Loads.Clear(2))
	if got, _ := set.Loads.Get(2); !got.Idle() || got != (Load{}) {
		t.Errorf("after clear: %+v", got)
	}
	if want.Idle() {
		t.Errorf("%+v counts as idle", want)
	}
	if err := set.Loads.Add(64, Load{Active: 1}); !errors.Is(err, ErrRange) {
		t.Errorf("beyond the end: %v", err)
	}
}

func TestGateways4(t *testing.T) {
	set, coll := newSet(t)
	g := Gateway{Addr: netip.MustParseAddr("192.0.2.254"), Ifindex: 7}
	check(t, set.Gateways4.Set(g, 12))
	key := binary.NativeEndian.AppendUint32([]byte{192, 0, 2, 254}, 7)
	if got := raw(t, coll, "gateways4", key); binary.NativeEndian.Uint32(got) != 12 {
		t.Errorf("raw value % x", got)
	}
	if id, err := set.Gateways4.Lookup(g); err != nil || id != 12 {
		t.Errorf("lookup: %d, %v", id, err)
	}
	n := 0
	for e, err := range set.Gateways4.All() {
		check(t, err)
		if n++; e != (GatewayHop{g, 12}) {
			t.Errorf("entry %+v", e)
		}
	}
	if n != 1 || set.Gateways4.Capacity() != 1024 {
		t.Errorf("%d entries of %d", n, set.Gateways4.Capacity())
	}
	check(t, set.Gateways4.Delete(g))
	if _, err := set.Gateways4.Lookup(g); !errors.Is(err, ErrNotFound) {
		t.Errorf("after delete: %v", err)
	}
	g.Addr = netip.IPv6LinkLocalAllRouters()
	if err := set.Gateways4.Set(g, 1); !errors.Is(err, ErrFamily) {
		t.Errorf("IPv6: %v", err)
	}
}
