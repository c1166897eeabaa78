// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"fmt"
	"net/netip"
	"time"
)

// record is a next hop and what it is for. Three kinds: of a real server
// (refs > 0), of a registered gateway (gateway), and orphans, which only
// connections may still refer to. Servers and orphans follow the route of
// their target; a gateway stays on its interface.
type record struct {
	Record
	written  Record // what the maps hold
	via      Via    // the neighbour that it leads through; zero: no route
	gateway  bool
	refs     int       // real servers that refer to it
	origin   Via       // orphans: the gateway that it was registered for
	orphaned time.Time // orphans: since when
	pending  bool      // its neighbour has not answered yet
}

// adopt takes over a record of an earlier process.
func (c *Core) adopt(r Record, refs int, now time.Time) {
	c.pool.Adopt(r.ID)
	c.records[r.ID] = &record{Record: r, written: r, refs: refs, orphaned: now}
	if other, taken := c.servers[r.Target]; !taken || refs > c.records[other].refs {
		c.servers[r.Target] = r.ID
	}
}

// adoptGateway takes over a registration of an earlier process.
func (c *Core) adoptGateway(g Gateway) {
	r := c.records[g.ID]
	if r == nil {
		return // points nowhere; registered anew if it is still needed
	}
	if c.servers[r.Target] == g.ID {
		delete(c.servers, r.Target)
	}
	r.gateway, r.via, r.Target = true, g.Via, g.Addr
	c.gateways[g.Via] = g.ID
}

// Claim returns the next hop of a real server's address, and counts one more
// real server that refers to it. The changes are to be carried out before
// anything points at the id.
func (c *Core) Claim(target netip.Addr, now time.Time) (uint32, Changes, error) {
	var out Changes
	if id, ok := c.servers[target]; ok {
		c.records[id].refs++
		return id, out, nil
	}
	r, err := c.newRecord(target, now)
	if err != nil {
		return 0, out, err
	}
	r.refs = 1
	c.servers[target] = r.ID
	c.settleRecord(r, &out)
	c.keep(r.via, &out)
	return r.ID, out, nil
}

// Release is the reverse of Claim; when the last real server has let go, the
// next hop is freed.
func (c *Core) Release(id uint32, now time.Time) Changes {
	var out Changes
	r := c.records[id]
	if r == nil || r.refs == 0 {
		return out
	}
	if r.refs--; r.refs == 0 && !r.gateway {
		c.free(r, now, &out)
	}
	return out
}

// Pending is how many next hops wait for a neighbour's first answer.
func (c *Core) Pending() int {
	n := 0
	for _, r := range c.records {
		if r.pending {
			n++
		}
	}
	return n
}

// Referenced tells which next hops connections refer to, seen by a look at all
// of them that began at Since. Orphans that it does not name are freed.
type Referenced struct {
	Since time.Time
	IDs   map[uint32]bool
}

func (e Referenced) apply(c *Core, now time.Time, out *Changes) {
	for _, id := range sortedIDs(c.records) {
		r := c.records[id]
		orphan := r.refs == 0 && !r.gateway
		// A packet that read the registration just before it was withdrawn
		// creates its connection within the grace period.
		if orphan && !e.IDs[id] && e.Since.Sub(r.orphaned) >= time.Second {
			c.free(r, now, out)
		}
	}
}

// compareRecords takes in what the maps hold; what differs from what they
// should hold is written when everything is settled.
func (c *Core) compareRecords(held []Record) {
	byID := make(map[uint32]Record, len(held))
	for _, r := range held {
		byID[r.ID] = r
	}
	for id, r := range c.records {
		r.written = byID[id]
	}
}

func (c *Core) newRecord(target netip.Addr, now time.Time) (*record, error) {
	id, err := c.pool.Take(now)
	if err != nil {
		return nil, fmt.Errorf("next hop for %s: %w", target, err)
	}
	r := &record{Record: Record{ID: id, Target: target}}
	c.records[id] = r
	return r, nil
}

func (c *Core) free(r *record, now time.Time, out *Changes) {
	delete(c.records, r.ID)
	if c.servers[r.Target] == r.ID {
		delete(c.servers, r.Target)
	}
	c.pool.Return(r.ID, now)
	out.Freed = append(out.Freed, r.ID)
	if len(c.through(r.via)) == 0 {
		c.drop(r.via, out)
	}
}
