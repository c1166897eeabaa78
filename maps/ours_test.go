// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/bpf"
)

func TestOursRawBit(t *testing.T) {
	set, coll := newSet(t)
	a := netip.MustParseAddr("192.0.2.1")
	check(t, set.Ours.Add(OursReal, a))
	// As bpf/maps.h says: the address as loaded from the packet, times
	// 0x9E3779B1, shifted right by 16.
	h := uint64(binary.NativeEndian.Uint32([]byte{192, 0, 2, 1})) * 0x9E3779B1 & 0xffffffff >> 16
	bits := raw(t, coll, bpf.LbMapOurs, uint32(1))
	for word := range 1024 {
		want := uint64(0)
		if uint64(word) == h/64 {
			want = 1 << (h % 64)
		}
		if got := binary.NativeEndian.Uint64(bits[8*word:]); got != want {
			t.Errorf("word %d is %#x, want %#x", word, got, want)
		}
	}
	for _, b := range raw(t, coll, bpf.LbMapOurs, uint32(0)) {
		if b != 0 {
			t.Fatal("the other set has a bit")
		}
	}
}

func TestOurs(t *testing.T) {
	set, _ := newSet(t)
	rapid.Check(t, func(t *rapid.T) {
		addrs := rapid.SliceOfN(rapid.Map(rapid.Uint32(), func(v uint32) netip.Addr {
			return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, v)))
		}), 0, 20).Draw(t, "addresses")
		keep := addrs[:len(addrs)/2]
		if err := set.Ours.Replace(OursVirtual, nil); err != nil {
			t.Fatal(err)
		}
		for _, a := range addrs {
			if err := set.Ours.Add(OursVirtual, a); err != nil {
				t.Fatal(err)
			}
		}
		allIn(t, set.Ours, addrs)
		if err := set.Ours.Replace(OursVirtual, keep); err != nil {
			t.Fatal(err)
		}
		allIn(t, set.Ours, keep)
		if n := countBits(t, set.Ours); n > len(keep) {
			t.Fatalf("%d bits for %d addresses", n, len(keep))
		}
	})
}

func allIn(t *rapid.T, o *Ours, addrs []netip.Addr) {
	for _, a := range addrs {
		if ok, err := o.Has(OursVirtual, a); !ok || err != nil {
			t.Fatalf("%v: %v, %v", a, ok, err)
		}
	}
}

func countBits(t *rapid.T, o *Ours) (n int) {
	v, err := o.get(uint32(OursVirtual))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range v.Words {
		for ; w != 0; w &= w - 1 {
			n++
		}
	}
	return n
}

func TestOursRefuses(t *testing.T) {
	set, _ := newSet(t)
	v6 := netip.MustParseAddr("2001:db8::1")
	_, err := set.Ours.Has(OursVirtual, v6)
	for name, err := range map[string]error{
		"has": err, "add": set.Ours.Add(OursVirtual, v6), "replace": set.Ours.Replace(OursVirtual, []netip.Addr{v6}),
	} {
		if !errors.Is(err, ErrFamily) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := set.Ours.Add(2, netip.MustParseAddr("192.0.2.1")); !errors.Is(err, ErrRange) {
		t.Errorf("a set that is not there: %v", err)
	}
}
