// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func TestAddr4IsNetworkOrderInMemory(t *testing.T) {
	v, err := addr4(netip.MustParseAddr("192.0.2.1"))
	check(t, err)
	if got := [4]byte(binary.NativeEndian.AppendUint32(nil, v)); got != [4]byte{192, 0, 2, 1} {
		t.Errorf("in memory 192.0.2.1 is % d", got)
	}
	if got := fromAddr4(v); got != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("and back it is %v", got)
	}
}

func TestAddr4Families(t *testing.T) {
	mapped, err := addr4(netip.MustParseAddr("::ffff:192.0.2.1"))
	check(t, err)
	if plain, _ := addr4(netip.MustParseAddr("192.0.2.1")); mapped != plain {
		t.Errorf("the IPv4-mapped address is %#x, the plain one %#x", mapped, plain)
	}
	for _, a := range []netip.Addr{{}, netip.MustParseAddr("2001:db8::1")} {
		if _, err := addr4(a); !errors.Is(err, ErrFamily) {
			t.Errorf("%v: error %v, want %v", a, err, ErrFamily)
		}
	}
}

func TestPort16IsNetworkOrderInMemory(t *testing.T) {
	if got := [2]byte(binary.NativeEndian.AppendUint16(nil, port16(8080))); got != [2]byte{0x1f, 0x90} {
		t.Errorf("in memory 8080 is % x", got)
	}
	if got := port16(port16(8080)); got != 8080 {
		t.Errorf("and back it is %d", got)
	}
}

func TestAddr16(t *testing.T) {
	words, family := addr16(netip.MustParseAddr("2001:db8::1"))
	var b []byte
	for _, w := range words {
		b = binary.NativeEndian.AppendUint32(b, w)
	}
	if want := netip.MustParseAddr("2001:db8::1").As16(); family != 6 || [16]byte(b) != want {
		t.Errorf("2001:db8::1 is family %d, % x in memory", family, b)
	}
	if words, family := addr16(netip.Addr{}); family != 0 || words != [4]uint32{} {
		t.Errorf("no address is family %d, %v", family, words)
	}
	if a := fromAddr16(words, 9); a.IsValid() {
		t.Errorf("an unknown family gives %v", a)
	}
}

func TestAddr16RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")
		a := netip.AddrFrom16([16]byte(b)).Unmap()
		if rapid.Bool().Draw(t, "v4") {
			a = netip.AddrFrom4([4]byte(b[:4]))
		}
		words, family := addr16(a)
		if got := fromAddr16(words, uint32(family)); got != a {
			t.Fatalf("%v became %v", a, got)
		}
	})
}

func TestMAC(t *testing.T) {
	m := MACFrom([]byte{2, 0, 10, 1, 0, 1})
	if m.String() != "02:00:0a:01:00:01" || m.IsZero() {
		t.Errorf("MAC is %v", m)
	}
	if m := MACFrom([]byte{10, 1, 0, 1}); !m.IsZero() {
		t.Errorf("the address of a tunnel became the MAC %v", m)
	}
}
