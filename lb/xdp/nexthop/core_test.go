// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever happens to the network, in whatever order: the maps hold what a
// look at the whole network would give, nothing points at a free record, and
// a frame is only ever sent to an address that was heard and not withdrawn.
func TestCoreProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		w.fakeMaps.t = fatalf{t, rt}
		w.start(Held{})
		m := &model{world: w, refs: map[uint32]int{}, byAddr: map[netip.Addr]uint32{}}
		rt.Repeat(map[string]func(*rapid.T){
			"claim": m.claimOne, "release": m.releaseOne, "neighbour": m.neighbour,
			"link": m.linkOne, "route": m.route, "detach": m.detach, "attach": m.attach,
			"restart": m.restart, "sweep": m.sweep, "resync": func(*rapid.T) { w.snapshot() },
			"": m.check,
		})
	})
}

type model struct {
	*world
	refs   map[uint32]int
	byAddr map[netip.Addr]uint32
}

var (
	someServers  = []netip.Addr{server, addr("10.2.0.11"), addr("10.3.0.5"), addr("192.168.1.1"), gw1}
	someGateways = []netip.Addr{gw1, gw2, addr("10.2.0.1"), addr("10.3.0.1")}
	someStates   = []NeighbourState{Gone, Incomplete, Reachable, Stale, Delay, Probe, Failed, Permanent}
)

func (m *model) claimOne(t *rapid.T) {
	a := rapid.SampledFrom(someServers).Draw(t, "server")
	id := m.claim(a)
	if had, ok := m.byAddr[a]; ok && had != id {
		t.Fatalf("%v had next hop %d, now %d", a, had, id)
	}
	m.byAddr[a] = id
	m.refs[id]++
}

func (m *model) releaseOne(t *rapid.T) {
	a := rapid.SampledFrom(someServers).Draw(t, "server")
	id, ok := m.byAddr[a]
	if !ok {
		return
	}
	m.release(id)
	if m.refs[id]--; m.refs[id] == 0 {
		delete(m.refs, id)
		delete(m.byAddr, a)
	}
}

func (m *model) neighbour(t *rapid.T) {
	a := rapid.SampledFrom(slices.Concat(someServers, someGateways)).Draw(t, "address")
	state := rapid.SampledFrom(someStates).Draw(t, "state")
	var lladdr MAC
	if state&valid != 0 {
		lladdr = mac(rapid.Byte().Draw(t, "mac"))
	}
	m.hear(Via{a, rapid.IntRange(1, 3).Draw(t, "interface")}, lladdr, state)
}

func (m *model) linkOne(t *rapid.T) {
	m.link(rapid.IntRange(1, 3).Draw(t, "interface"), func(l *Link) {
		l.Up = rapid.Bool().Draw(t, "up")
		l.MAC = mac(0xd0 + rapid.Byte().Draw(t, "mac")&7)
	})
}

func (m *model) route(t *rapid.T) {
	dst := rapid.SampledFrom([]string{"0.0.0.0/0", "192.168.0.0/16", "192.168.1.0/24"}).Draw(t, "to")
	var routes []Route
	for range rapid.IntRange(0, 2).Draw(t, "routes") {
		r := through(dst, rapid.SampledFrom(someGateways).Draw(t, "gateway"), rapid.IntRange(1, 3).Draw(t, "interface"))
		r.Metric = rapid.IntRange(0, 1).Draw(t, "metric")
		routes = append(routes, r)
	}
	m.reroute(dst, routes...)
}

func (m *model) detach(t *rapid.T) {
	number := uint16(rapid.IntRange(1, 3).Draw(t, "port"))
	m.ports = slices.DeleteFunc(slices.Clone(m.ports), func(p Port) bool { return p.Number == number })
	m.step(m.ports)
}

func (m *model) attach(t *rapid.T) {
	index := rapid.IntRange(1, 3).Draw(t, "interface")
	if slices.ContainsFunc(m.ports, func(p Port) bool { return p.Ifindex == index }) {
		return
	}
	m.ports = append(slices.Clone(m.ports), Port{Number: uint16(index), Ifindex: index})
	m.step(m.ports)
}

func (m *model) restart(*rapid.T) { m.start(m.held(m.refs)) }

func (m *model) sweep(*rapid.T) {
	m.now = m.now.Add(time.Minute)
	m.step(Referenced{Since: m.now})
}

func (m *model) check(t *rapid.T) {
	m.now = m.now.Add(time.Second)
	for via, id := range m.gateways {
		if r, there := m.hops[id]; !there || r.Target != via.Addr {
			t.Fatalf("gateway %v has %+v", via, r)
		}
	}
	for a, id := range m.byAddr {
		if r, there := m.hops[id]; !there || r.Target != a {
			t.Fatalf("server %v has %+v", a, r)
		}
	}
	for _, r := range m.hops {
		m.checkHop(t, r)
	}
	if c := m.core.Step(m.now, m.network()); len(c.Hops)+len(c.Gateways)+len(c.Withdrawn)+len(c.Keep)+len(c.Drop) > 0 {
		t.Fatalf("nothing changed, and yet: %+v", c)
	}
}

// checkHop holds a resolved record against the network.
func (m *model) checkHop(t *rapid.T, r Record) {
	if !r.Resolved {
		return
	}
	if !m.core.usable(r.Hop.Ifindex) {
		t.Fatalf("%+v leaves by an interface that is down or not attached", r)
	}
	via, _ := m.core.egress(r.Target)
	for g, id := range m.gateways {
		if id == r.ID {
			via = g
		}
	}
	n, known := m.neighbours[via]
	if !known || n.State == Incomplete {
		return // what worked until now
	}
	if n.State == Failed {
		t.Fatalf("%+v is resolved, and %v failed", r, via)
	}
	if r.Hop.Dst != n.MAC || r.Hop.Ifindex != via.Ifindex {
		t.Fatalf("%+v, but %v is at %v", r, via, n.MAC)
	}
}

// fatalf lets the fake maps fail a property.
type fatalf struct {
	testing.TB
	rt *rapid.T
}

func (f fatalf) Fatalf(format string, args ...any) { f.rt.Fatalf(format, args...) }
func (f fatalf) Fatal(args ...any)                 { f.rt.Fatal(args...) }
func (f fatalf) Helper()                           {}
