// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"maps"
	"net/netip"
	"slices"
)

// settleRecord works a record out anew and has it written if that is new to
// the maps.
func (c *Core) settleRecord(r *record, out *Changes) {
	c.resolve(r)
	if r.Record != r.written {
		r.written = r.Record
		out.Hops = append(out.Hops, r.Record)
	}
}

// resolve works out how frames of a record leave. What worked until now stays
// while a new neighbour is being asked, as long as its interface works.
func (c *Core) resolve(r *record) {
	mtu := 0
	if !r.gateway {
		r.via, mtu = c.egress(r.Target)
	}
	r.pending = false
	l := c.links[r.via.Ifindex]
	if !c.usable(r.via.Ifindex) {
		r.Resolved = false
		return
	}
	n := c.neighbours[r.via]
	if n == nil || n.pending() {
		r.pending = true
		r.Resolved = r.Resolved && c.usable(r.Hop.Ifindex)
		return
	}
	if n.failed {
		r.Resolved = false
		return
	}
	if mtu == 0 || mtu > l.MTU {
		mtu = l.MTU
	}
	r.Hop = Hop{Dst: n.mac, Src: l.MAC, Port: c.ports[l.Index].Number, Ifindex: l.Index, MTU: mtu}
	r.Resolved = true
}

// egress finds the neighbour that a target is reached through, and the route's
// MTU (0: none of its own). A zero Via: not reachable.
func (c *Core) egress(target netip.Addr) (Via, int) {
	for _, r := range c.table.Lookup(target) {
		if r.Reject {
			return Via{}, 0
		}
		if h, ok := c.choose(r.Hops); ok {
			via := Via{h.Gateway, h.Ifindex}
			if !via.Addr.IsValid() {
				via.Addr = target
			}
			return via, r.MTU
		}
	}
	return Via{}, 0
}

// choose picks one way of several: the first that is up and attached, else the
// first that is up.
func (c *Core) choose(hops []RouteHop) (RouteHop, bool) {
	for _, h := range hops {
		if c.usable(h.Ifindex) {
			return h, true
		}
	}
	for _, h := range hops {
		if c.links[h.Ifindex].Up {
			return h, true
		}
	}
	return RouteHop{}, false
}

func sortedIDs[V any](m map[uint32]V) []uint32 { return slices.Sorted(maps.Keys(m)) }
