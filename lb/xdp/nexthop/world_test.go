// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

var start = time.Unix(1_000_000, 0)

// fakeMaps carries out changes as the maps would, and fails the test when an
// order of writes would let a packet see something absent.
type fakeMaps struct {
	t        testing.TB
	hops     map[uint32]Record
	gateways map[Via]uint32
	ports    map[uint16]Port
	kept     map[Via]bool
	writes   int // of next hops
}

func newFakeMaps(t testing.TB) *fakeMaps {
	return &fakeMaps{t: t, hops: map[uint32]Record{}, gateways: map[Via]uint32{}, ports: map[uint16]Port{}, kept: map[Via]bool{}}
}

func (m *fakeMaps) carryOut(c Changes) {
	for _, p := range c.Ports {
		m.ports[p.Number] = p
	}
	for _, via := range c.Withdrawn {
		delete(m.gateways, via)
	}
	for _, r := range c.Hops {
		m.writes++
		m.hops[r.ID] = r
	}
	for _, g := range c.Gateways {
		if _, there := m.hops[g.ID]; !there {
			m.t.Fatalf("gateway %v points at next hop %d, which is not there", g.Via, g.ID)
		}
		m.gateways[g.Via] = g.ID
	}
	for _, id := range c.Freed {
		for via, used := range m.gateways {
			if used == id {
				m.t.Fatalf("next hop %d is freed while gateway %v points at it", id, via)
			}
		}
		delete(m.hops, id)
	}
	for _, via := range c.Drop {
		delete(m.kept, via)
	}
	for _, via := range c.Keep {
		m.kept[via] = true
	}
}

// world is a network that a test changes, and the core that follows it.
type world struct {
	*fakeMaps
	now        time.Time
	core       *Core
	ports      Ports
	links      []Link
	routes     []Route
	neighbours map[Via]Neighbour
}

// The usual world: a director between clients (eth0, index 1) and servers
// (eth1, index 2), both attached, the default route through gw1 on eth0.
// Interface eth2, index 3, is not attached.
var (
	mac0, mac1, mac2 = mac(0xd0), mac(0xd1), mac(0xd2)

	gw1, gw2 = addr("10.1.0.1"), addr("10.1.0.2")
	server   = addr("10.2.0.10")
	viaGW1   = Via{gw1, 1}
	viaGW2   = Via{gw2, 1}
	viaS     = Via{server, 2}
)

func newWorld(t testing.TB) *world {
	return &world{
		fakeMaps: newFakeMaps(t),
		now:      start,
		ports:    Ports{{1, 1, mac0, 1500}, {2, 2, mac1, 1500}},
		links: []Link{
			{1, "eth0", mac0, 1500, true, prefixes("10.1.0.254/24")},
			{2, "eth1", mac1, 1500, true, prefixes("10.2.0.254/24")},
			{3, "eth2", mac2, 1500, true, prefixes("10.3.0.254/24")},
		},
		routes: []Route{
			onLink("10.1.0.0/24", 1), onLink("10.2.0.0/24", 2), onLink("10.3.0.0/24", 3),
			through("0.0.0.0/0", gw1, 1),
		},
		neighbours: map[Via]Neighbour{},
	}
}

// start makes a core of what the maps hold and shows it the world.
func (w *world) start(held Held) *world {
	w.t.Helper()
	held.Size = 32
	held.Ports = w.ports
	w.core = NewCore(held, w.now)
	return w.snapshot()
}

func (w *world) snapshot() *world {
	w.t.Helper()
	h := w.held(nil)
	s := Snapshot{Ports: w.ports, Network: w.network(), Records: h.Records, Gateways: h.Gateways}
	for _, n := range w.neighbours {
		s.Neighbours = append(s.Neighbours, n)
	}
	slices.SortFunc(s.Neighbours, func(a, b Neighbour) int { return a.Via.compare(b.Via) })
	w.step(s)
	return w
}

func (w *world) network() Network {
	return Network{Links: slices.Clone(w.links), Routes: slices.Clone(w.routes)}
}

func (w *world) step(e Event) Changes {
	w.t.Helper()
	c := w.core.Step(w.now, e)
	w.carryOut(c)
	return c
}

// hear changes the neighbour table by one entry and announces it.
func (w *world) hear(via Via, m MAC, s NeighbourState) Changes {
	w.t.Helper()
	n := Neighbour{Via: via, MAC: m, State: s, Managed: true}
	w.neighbours[via] = n
	if s == Gone {
		delete(w.neighbours, via)
	}
	return w.step(n)
}

// reroute replaces the routes to one prefix and announces it.
func (w *world) reroute(dst string, routes ...Route) Changes {
	w.t.Helper()
	w.routes = slices.DeleteFunc(w.routes, func(r Route) bool { return r.Dst == netip.MustParsePrefix(dst) })
	w.routes = append(w.routes, routes...)
	return w.step(w.network())
}

// link changes one interface and announces it.
func (w *world) link(index int, f func(*Link)) Changes {
	w.t.Helper()
	for i := range w.links {
		if w.links[i].Index == index {
			f(&w.links[i])
		}
	}
	return w.step(w.network())
}

func (w *world) claim(a netip.Addr) uint32 {
	w.t.Helper()
	id, c, err := w.core.Claim(a, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	w.carryOut(c)
	if _, there := w.hops[id]; !there {
		w.t.Fatalf("claimed next hop %d is not in the maps", id)
	}
	return id
}

func (w *world) release(id uint32) {
	w.t.Helper()
	w.carryOut(w.core.Release(id, w.now))
}

// wantHop compares a record's content.
func (w *world) wantHop(id uint32, want Hop) {
	w.t.Helper()
	if r := w.hops[id]; !r.Resolved || r.Hop != want {
		w.t.Fatalf("next hop %d is %+v, want %+v, resolved", id, r, want)
	}
}

func (w *world) wantUnresolved(id uint32) {
	w.t.Helper()
	if r := w.hops[id]; r.Resolved {
		w.t.Fatalf("next hop %d is %+v, want unresolved", id, r)
	}
}

func (w *world) wantWrites(want int) {
	w.t.Helper()
	if w.writes != want {
		w.t.Fatalf("%d writes to next hops so far, want %d", w.writes, want)
	}
}

func mac(last byte) MAC { return MAC{2, 0, 0, 0, 0, last} }

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func prefixes(ss ...string) (out []netip.Prefix) {
	for _, s := range ss {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func onLink(dst string, index int) Route {
	return Route{Dst: netip.MustParsePrefix(dst), Hops: []RouteHop{{Ifindex: index}}}
}

func through(dst string, gw netip.Addr, index int) Route {
	return Route{Dst: netip.MustParsePrefix(dst), Hops: []RouteHop{{Gateway: gw, Ifindex: index}}}
}

func hop1(dst MAC) Hop { return Hop{Dst: dst, Src: mac0, Port: 1, Ifindex: 1, MTU: 1500} }
func hop2(dst MAC) Hop { return Hop{Dst: dst, Src: mac1, Port: 2, Ifindex: 2, MTU: 1500} }
