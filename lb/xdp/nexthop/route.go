// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"math/bits"
	"net/netip"
	"slices"
)

// Route is one route of the main table.
type Route struct {
	Dst    netip.Prefix
	Metric int
	Reject bool // blackhole, unreachable, prohibit: nothing leaves by it
	MTU    int  // 0: the interface's
	Hops   []RouteHop
}

// RouteHop is one of the ways that a route offers.
type RouteHop struct {
	Gateway netip.Addr // not valid: the destination is on the link
	Ifindex int
}

// Table finds routes by longest prefix. The zero value is empty.
type Table struct {
	routes map[netip.Prefix][]Route // by prefix, sorted by metric
	v4     uint64                   // bit n: a prefix of n bits exists
	v6     [3]uint64
}

// NewTable makes a table of routes; their order breaks ties of metric.
func NewTable(routes []Route) Table {
	t := Table{routes: make(map[netip.Prefix][]Route, len(routes))}
	for _, r := range routes {
		r.Dst = r.Dst.Masked()
		t.routes[r.Dst] = append(t.routes[r.Dst], r)
		t.mark(r.Dst)
	}
	for _, rs := range t.routes {
		slices.SortStableFunc(rs, func(a, b Route) int { return a.Metric - b.Metric })
	}
	return t
}

func (t *Table) mark(p netip.Prefix) {
	if p.Addr().Is4() {
		t.v4 |= 1 << p.Bits()
		return
	}
	t.v6[p.Bits()/64] |= 1 << (p.Bits() % 64)
}

// Lookup returns the routes of the longest prefix that contains addr, best
// metric first; none when there is no route.
func (t Table) Lookup(addr netip.Addr) []Route {
	return t.covering(addr, addr.BitLen())
}

// covering is Lookup among prefixes of at most limit bits.
func (t Table) covering(addr netip.Addr, limit int) []Route {
	for n := t.longest(addr, limit); n >= 0; n = t.longest(addr, n-1) {
		p, err := addr.Prefix(n)
		if err != nil {
			return nil
		}
		if rs := t.routes[p]; rs != nil {
			return rs
		}
	}
	return nil
}

// longest is the greatest prefix length <= limit that occurs; -1: none.
func (t Table) longest(addr netip.Addr, limit int) int {
	if limit < 0 {
		return -1
	}
	if addr.Is4() {
		return bits.Len64(t.v4&(1<<(limit+1)-1)) - 1
	}
	for word := limit / 64; word >= 0; word-- {
		w := t.v6[word]
		if word == limit/64 && limit%64 != 63 {
			w &= 1<<(limit%64+1) - 1
		}
		if w != 0 {
			return word*64 + bits.Len64(w) - 1
		}
	}
	return -1
}

// gateways are all gateways, each with the prefixes it serves.
func (t Table) gateways() map[Via][]netip.Prefix {
	found := make(map[Via][]netip.Prefix)
	for p, rs := range t.routes {
		for _, r := range rs {
			for _, h := range r.Hops {
				if h.Gateway.IsValid() {
					via := Via{h.Gateway, h.Ifindex}
					found[via] = append(found[via], p)
				}
			}
		}
	}
	return found
}
