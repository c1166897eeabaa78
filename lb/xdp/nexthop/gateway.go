// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"net/netip"
	"time"
)

// reroute takes in a new routing table: gateways that appear are registered,
// those that no route uses any more are withdrawn, and their records follow
// the gateway that has taken over.
func (c *Core) reroute(t Table, now time.Time, out *Changes) {
	was, is := c.table.gateways(), t.gateways()
	c.table = t
	for via := range is {
		if _, attached := c.ports[via.Ifindex]; !attached {
			delete(is, via)
		}
	}
	for _, via := range sortedVias(c.gateways) {
		if _, stays := is[via]; !stays {
			c.withdraw(via, was[via], now, out)
		}
	}
	for _, via := range sortedVias(is) {
		if _, known := c.gateways[via]; !known {
			c.register(via, now, out)
		}
	}
}

// withdraw makes an orphan of a gateway's record. Connections keep it: it
// leads to the gateway that the withdrawn one's prefixes are reached through
// now, or by the old address's own route when there is none.
func (c *Core) withdraw(via Via, served []netip.Prefix, now time.Time, out *Changes) {
	r := c.records[c.gateways[via]]
	delete(c.gateways, via)
	out.Withdrawn = append(out.Withdrawn, via)
	r.gateway, r.origin, r.orphaned = false, via, now
	if heir := c.heir(served, via.Addr); heir.IsValid() {
		r.Target = heir
	}
}

// heir is the gateway that most of the prefixes use now. Without prefixes (the
// gateway vanished while nobody was looking) it is the default route's.
func (c *Core) heir(served []netip.Prefix, of netip.Addr) netip.Addr {
	if len(served) == 0 {
		served = []netip.Prefix{netip.PrefixFrom(unspecified(of), 0)}
	}
	votes := make(map[Via]int)
	for _, p := range served {
		for _, r := range c.table.covering(p.Addr(), p.Bits()) {
			if h, ok := c.choose(r.Hops); ok && h.Gateway.IsValid() {
				votes[Via{h.Gateway, h.Ifindex}]++
				break
			}
		}
	}
	var best Via
	for _, via := range sortedVias(votes) {
		if votes[via] > votes[best] {
			best = via
		}
	}
	return best.Addr
}

// register gives a gateway a record: the one it had before, if connections may
// still hold that, else a new one.
func (c *Core) register(via Via, now time.Time, out *Changes) {
	r := c.returning(via)
	if r == nil {
		var err error
		if r, err = c.newRecord(via.Addr, now); err != nil {
			out.Failed = append(out.Failed, err)
			return
		}
	}
	r.gateway, r.via, r.origin = true, via, Via{}
	r.Target = via.Addr
	c.gateways[via] = r.ID
	c.settleRecord(r, out)
	out.Gateways = append(out.Gateways, Gateway{via, r.ID})
}

func (c *Core) returning(via Via) *record {
	for _, id := range sortedIDs(c.records) {
		if r := c.records[id]; !r.gateway && r.refs == 0 && r.origin == via {
			return r
		}
	}
	return nil
}

// compareGateways mends registrations that somebody else has changed. It comes
// last, when what should be registered is known.
func (c *Core) compareGateways(held []Gateway, out *Changes) {
	is := make(map[Via]uint32, len(held))
	for _, g := range held {
		is[g.Via] = g.ID
	}
	for _, via := range out.Withdrawn {
		delete(is, via)
	}
	for _, g := range out.Gateways {
		is[g.Via] = g.ID
	}
	for _, via := range sortedVias(c.gateways) {
		if id := c.gateways[via]; is[via] != id {
			out.Gateways = append(out.Gateways, Gateway{via, id})
		}
		delete(is, via)
	}
	out.Withdrawn = append(out.Withdrawn, sortedVias(is)...)
}

func unspecified(like netip.Addr) netip.Addr {
	if like.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}
