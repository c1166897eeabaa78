// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func drawAddr(t *rapid.T, v6 bool) netip.Addr {
	// Few different bytes, so that prefixes nest.
	b := rapid.SampledFrom([]byte{0, 1, 0x80, 0xff})
	if v6 {
		var a [16]byte
		for _, i := range []int{0, 7, 8, 9, 15} {
			a[i] = b.Draw(t, "byte")
		}
		return netip.AddrFrom16(a)
	}
	return netip.AddrFrom4([4]byte{b.Draw(t, "a"), b.Draw(t, "b"), b.Draw(t, "c"), b.Draw(t, "d")})
}

// The table agrees with a search through all routes.
func TestLookupProperty(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		rapid.Check(t, func(t *rapid.T) {
			bits := 32
			if v6 {
				bits = 128
			}
			var routes []Route
			for i := range rapid.IntRange(0, 12).Draw(t, "routes") {
				p := netip.PrefixFrom(drawAddr(t, v6), rapid.IntRange(0, bits).Draw(t, "bits"))
				routes = append(routes, Route{Dst: p, Metric: rapid.IntRange(0, 2).Draw(t, "metric"), MTU: i})
			}
			a := drawAddr(t, v6)
			limit := rapid.IntRange(0, bits).Draw(t, "limit")
			table := NewTable(routes)
			check := func(name string, got []Route, limit int) {
				if want := search(routes, a, limit); !slices.EqualFunc(got, want, func(a, b Route) bool { return a.MTU == b.MTU }) {
					t.Fatalf("%s %v limit %d among %v:\ngot  %v\nwant %v", name, a, limit, routes, got, want)
				}
			}
			check("Lookup", table.Lookup(a), bits)
			check("covering", table.covering(a, limit), limit)
		})
	}
}

func search(routes []Route, a netip.Addr, limit int) []Route {
	best, found := -1, []Route(nil)
	for _, r := range routes {
		if n := r.Dst.Bits(); n <= limit && r.Dst.Contains(a) && n >= best {
			if n > best {
				best, found = n, nil
			}
			found = append(found, r)
		}
	}
	slices.SortStableFunc(found, func(a, b Route) int { return a.Metric - b.Metric })
	return found
}

func TestLookupFamilies(t *testing.T) {
	table := NewTable([]Route{onLink("0.0.0.0/0", 1)})
	if rs := table.Lookup(addr("2001:db8::1")); rs != nil {
		t.Fatalf("an IPv4 default route serves IPv6: %v", rs)
	}
	if rs := (Table{}).Lookup(gw1); rs != nil {
		t.Fatalf("an empty table has %v", rs)
	}
}

func BenchmarkLookup(b *testing.B) {
	var routes []Route
	for i := range 1 << 16 {
		routes = append(routes, through(netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(i >> 8), byte(i), 0, 0}), 24).String(), gw1, 1))
	}
	table := NewTable(routes)
	for b.Loop() {
		table.Lookup(gw2)
	}
}
