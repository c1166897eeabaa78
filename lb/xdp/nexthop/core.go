// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/xlb-project/xlb/lb/xdp/internal/ids"
)

// Core decides what the next hops are. It does no I/O and reads no clock: it
// is told what the network looks like and answers what is to be written. It is
// not safe for concurrent use.
//
// Before its first [Snapshot] it changes no record that it adopted, so that a
// restart leaves what works as it is.
type Core struct {
	pool       *ids.Pool
	links      map[int]Link
	ports      map[int]Port // by interface index
	table      Table
	neighbours map[Via]*neighbour
	records    map[uint32]*record
	servers    map[netip.Addr]uint32 // records found by their target
	gateways   map[Via]uint32        // records of registered gateways
	kept       map[Via]bool          // neighbours that are kept resolved
	own        ownership
}

// Held is what the maps hold when a Core starts.
type Held struct {
	Size     uint32 // of the map of next hops, in records
	Records  []Record
	Gateways []Gateway
	Ports    []Port
	// Refs counts, by next hop, the real servers that refer to it.
	Refs map[uint32]int
	// Interfaces are names of interfaces that should be attached, in addition
	// to those of Ports. May be nil.
	Interfaces []string
}

// NewCore adopts what an earlier process left in the maps.
func NewCore(held Held, now time.Time) *Core {
	c := &Core{
		pool:       ids.NewPool(held.Size),
		ports:      byIndex(held.Ports),
		neighbours: make(map[Via]*neighbour),
		records:    make(map[uint32]*record),
		servers:    make(map[netip.Addr]uint32),
		gateways:   make(map[Via]uint32),
		kept:       make(map[Via]bool),
		own:        newOwnership(held.Interfaces),
	}
	for _, r := range held.Records {
		c.adopt(r, held.Refs[r.ID], now)
	}
	for _, g := range held.Gateways {
		c.adoptGateway(g)
	}
	return c
}

// Changes are what a step wants done, in the order of the fields.
type Changes struct {
	Ports     []Port    // write the MAC address and MTU of these
	Withdrawn []Via     // unregister these gateways
	Hops      []Record  // write these next hops
	Gateways  []Gateway // then register these gateways
	Freed     []uint32  // clear these next hops
	Keep      []Via     // keep these neighbours resolved from now on
	Drop      []Via     // and these no longer
	Lost      []string  // attached interfaces that have disappeared, by name
	Returned  []string  // and those that are here again and not attached
	Failed    []error   // what could not be done
}

// Event is something that a Core is told: [Snapshot], [Network], [Ports],
// [Neighbour] or [Referenced].
type Event interface {
	apply(c *Core, now time.Time, out *Changes)
}

// Snapshot is everything as it is at one moment: at the start, and whenever
// notifications were lost.
type Snapshot struct {
	Ports      []Port
	Network    Network
	Neighbours []Neighbour
	// Records and Gateways are what the maps hold: without a daemon's
	// heartbeat the data path changes next hops too.
	Records  []Record
	Gateways []Gateway
}

// Network is all links and all routes of the main table.
type Network struct {
	Links  []Link
	Routes []Route
}

// Ports are all attached interfaces.
type Ports []Port

// Step takes in an event and answers what is to be done about it.
func (c *Core) Step(now time.Time, e Event) Changes {
	var out Changes
	e.apply(c, now, &out)
	return out
}

func (e Snapshot) apply(c *Core, now time.Time, out *Changes) {
	c.replacePorts(e.Ports)
	c.replaceNeighbours(e.Neighbours)
	c.compareRecords(e.Records)
	e.Network.apply(c, now, out)
	c.compareGateways(e.Gateways, out)
	for _, via := range sortedVias(c.kept) {
		// Entries that lost the kernel's care; the fresh ones are named already.
		if n := c.neighbours[via]; (n == nil || !n.managed) && !slices.Contains(out.Keep, via) {
			out.Keep = append(out.Keep, via)
		}
	}
}

func (e Network) apply(c *Core, now time.Time, out *Changes) {
	c.links = make(map[int]Link, len(e.Links))
	for _, l := range e.Links {
		c.links[l.Index] = l
	}
	c.reroute(NewTable(e.Routes), now, out)
	c.settle(out)
}

func (e Ports) apply(c *Core, now time.Time, out *Changes) {
	c.replacePorts(e)
	c.reroute(c.table, now, out)
	c.settle(out)
}

func (e Neighbour) apply(c *Core, _ time.Time, out *Changes) {
	n := c.neighbours[e.Via]
	if n == nil {
		n = new(neighbour)
		c.neighbours[e.Via] = n
	}
	fixed := n.fixed()
	if n.hear(e) {
		c.settleVia(e.Via, out)
	}
	if e.State == Gone {
		c.forget(e.Via, out)
	}
	if fixed != n.fixed() {
		c.settleKept(out)
	}
}

// forget handles a deleted entry: one that is needed is asked for again.
func (c *Core) forget(via Via, out *Changes) {
	if c.kept[via] {
		out.Keep = append(out.Keep, via)
		return
	}
	delete(c.neighbours, via)
}

// replacePorts takes in what is attached. An interface that was taken away
// while it exists was detached on purpose, and is nobody's business any more.
func (c *Core) replacePorts(ports []Port) {
	is := byIndex(ports)
	for index := range c.ports {
		if _, attached := is[index]; attached {
			continue
		}
		if l, exists := c.links[index]; exists {
			c.own.disown(l.Name)
		}
	}
	c.ports = is
}

// replaceNeighbours takes in the whole table: what is not in it is gone.
func (c *Core) replaceNeighbours(all []Neighbour) {
	listed := make(map[Via]bool, len(all))
	for _, e := range all {
		listed[e.Via] = true
		if c.neighbours[e.Via] == nil {
			c.neighbours[e.Via] = new(neighbour)
		}
		c.neighbours[e.Via].hear(e)
	}
	for via, n := range c.neighbours {
		if listed[via] {
			continue
		}
		n.hear(Neighbour{Via: via, State: Gone})
		if !c.kept[via] {
			delete(c.neighbours, via)
		}
	}
}

// settle brings everything in line with what is known.
func (c *Core) settle(out *Changes) {
	c.followPorts(out)
	for _, id := range sortedIDs(c.records) {
		c.settleRecord(c.records[id], out)
	}
	c.settleKept(out)
	c.own.settle(c.links, c.ports, out)
}

// settleVia is settle for what depends on one neighbour.
func (c *Core) settleVia(via Via, out *Changes) {
	for _, id := range c.through(via) {
		c.settleRecord(c.records[id], out)
	}
}

// through are the records that lead through a neighbour, by id.
func (c *Core) through(via Via) []uint32 {
	var ids []uint32
	for id, r := range c.records {
		if r.via == via {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// followPorts keeps the attached interfaces' own address and MTU true.
func (c *Core) followPorts(out *Changes) {
	for _, index := range slices.Sorted(maps.Keys(c.ports)) {
		l, exists := c.links[index]
		p := c.ports[index]
		if !exists || l.MAC == p.MAC && l.MTU == p.MTU {
			continue
		}
		p.MAC, p.MTU = l.MAC, l.MTU
		c.ports[index] = p
		out.Ports = append(out.Ports, p)
	}
}

// settleKept keeps the neighbours resolved that records lead through, on
// interfaces that are ours and up, and lets go of the others.
func (c *Core) settleKept(out *Changes) {
	want := make(map[Via]bool)
	for _, r := range c.records {
		if c.keepable(r.via) {
			want[r.via] = true
		}
	}
	for _, via := range sortedVias(want) {
		c.keep(via, out)
	}
	for _, via := range sortedVias(c.kept) {
		if !want[via] {
			c.drop(via, out)
		}
	}
}

// keepable reports whether a neighbour is ours to keep resolved: on an
// interface that is attached and up, and not fixed by an administrator.
func (c *Core) keepable(via Via) bool {
	n := c.neighbours[via]
	return c.usable(via.Ifindex) && (n == nil || !n.fixed())
}

// keep has a neighbour kept resolved, if it is not yet.
func (c *Core) keep(via Via, out *Changes) {
	if !c.kept[via] && c.keepable(via) {
		c.kept[via] = true
		out.Keep = append(out.Keep, via)
	}
}

// drop lets go of a neighbour. One whose interface is gone went with it, and
// one that an administrator has fixed meanwhile is his.
func (c *Core) drop(via Via, out *Changes) {
	if !c.kept[via] {
		return
	}
	delete(c.kept, via)
	n := c.neighbours[via]
	if _, exists := c.links[via.Ifindex]; exists && (n == nil || !n.fixed()) {
		out.Drop = append(out.Drop, via)
	}
}

// Kept are the neighbours that are to be kept resolved.
func (c *Core) Kept() []Via { return sortedVias(c.kept) }

// Doubtful are those of them that do not answer where they last were.
func (c *Core) Doubtful() []Via {
	var out []Via
	for _, via := range sortedVias(c.kept) {
		if n := c.neighbours[via]; n != nil && n.doubtful() {
			out = append(out, via)
		}
	}
	return out
}

// usable reports whether frames can leave by an interface.
func (c *Core) usable(index int) bool {
	_, attached := c.ports[index]
	return attached && c.links[index].Up
}

func byIndex(ports []Port) map[int]Port {
	m := make(map[int]Port, len(ports))
	for _, p := range ports {
		m[p.Ifindex] = p
	}
	return m
}

func sortedVias[V any](m map[Via]V) []Via {
	return slices.SortedFunc(maps.Keys(m), Via.compare)
}
