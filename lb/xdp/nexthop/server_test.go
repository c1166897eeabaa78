// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"errors"
	"slices"
	"testing"

	"github.com/xlb-project/xlb/lb/xdp/internal/ids"
)

func TestServerOnTheLink(t *testing.T) {
	w := newWorld(t).start(Held{})
	id := w.claim(server)
	w.wantUnresolved(id)
	if !w.kept[viaS] {
		t.Fatal("the server is not asked for ahead of need")
	}
	if n := w.core.Pending(); n != 2 {
		t.Fatalf("%d are pending, want the gateway and the server", n)
	}
	w.hear(viaS, mac(1), Reachable)
	w.wantHop(id, hop2(mac(1)))
	if r := w.hops[id]; r.Target != server {
		t.Fatalf("target %v", r.Target)
	}
}

func TestServerBehindARouter(t *testing.T) {
	w := newWorld(t)
	w.routes = append(w.routes, through("192.168.0.0/16", addr("10.2.0.1"), 2))
	w.start(Held{})
	far := w.claim(addr("192.168.7.7"))
	w.hear(Via{addr("10.2.0.1"), 2}, mac(9), Stale)
	w.wantHop(far, hop2(mac(9)))
}

// Whatever tells of a new MAC: one write to one record.
func TestNewMACIsOneWrite(t *testing.T) {
	for name, tell := range map[string]func(w *world){
		"announced":          func(w *world) { w.hear(viaS, mac(2), Reachable) },
		"gratuitous ARP":     func(w *world) { w.hear(viaS, mac(2), Stale) },
		"after failing":      func(w *world) { w.neighbours[viaS] = Neighbour{viaS, mac(2), Reachable, true}; w.snapshot() },
		"set by an operator": func(w *world) { w.hear(viaS, mac(2), Permanent) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t).start(Held{})
			id := w.claim(server)
			w.hear(viaS, mac(1), Reachable)
			before := w.writes
			tell(w)
			w.wantHop(id, hop2(mac(2)))
			w.wantWrites(before + 1)
		})
	}
}

func TestNeighbourStates(t *testing.T) {
	w := newWorld(t).start(Held{})
	id := w.claim(server)
	w.hear(viaS, mac(1), Reachable)
	before := w.writes
	for _, s := range []NeighbourState{Stale, Delay, Probe, Reachable, Incomplete, Reachable} {
		m := mac(1)
		if s == Incomplete {
			m = MAC{}
		}
		w.hear(viaS, m, s)
		w.wantHop(id, hop2(mac(1)))
	}
	w.wantWrites(before)

	w.hear(viaS, MAC{}, Failed)
	w.wantUnresolved(id)
	w.hear(viaS, MAC{}, Incomplete) // asked again: nothing is known yet
	w.wantUnresolved(id)
	if d := w.core.Doubtful(); len(d) != 0 {
		t.Fatalf("the kernel is asking everybody itself, and so do we: %v", d)
	}
	w.hear(viaS, mac(1), Reachable)
	w.wantHop(id, hop2(mac(1)))
	w.wantWrites(before + 2)
}

func TestDoubtful(t *testing.T) {
	w := newWorld(t).start(Held{})
	w.claim(server)
	stranger := Via{addr("10.2.0.77"), 2}
	for _, s := range []NeighbourState{Probe, Failed} {
		w.hear(viaS, mac(1), s)
		w.hear(stranger, mac(7), s)
		if d := w.core.Doubtful(); !slices.Equal(d, []Via{viaS}) {
			t.Fatalf("state %#x: doubtful are %v, want the server", s, d)
		}
	}
	w.hear(viaS, mac(1), Reachable)
	if d := w.core.Doubtful(); len(d) != 0 {
		t.Fatalf("doubtful: %v", d)
	}
}

// A flushed entry says nothing against the address that worked until now.
func TestFlushedNeighbourIsAskedForAgain(t *testing.T) {
	w := newWorld(t).start(Held{})
	id := w.claim(server)
	w.hear(viaS, mac(1), Reachable)
	c := w.hear(viaS, MAC{}, Gone)
	if !slices.Contains(c.Keep, viaS) {
		t.Fatalf("not asked for again: %+v", c)
	}
	w.wantHop(id, hop2(mac(1)))
	w.hear(viaS, MAC{}, Failed)
	w.wantUnresolved(id)
}

func TestNeighbourFixedByAnOperatorIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.neighbours[viaS] = Neighbour{Via: viaS, MAC: mac(5), State: Permanent}
	w.start(Held{})
	id := w.claim(server)
	w.wantHop(id, hop2(mac(5)))
	if w.kept[viaS] {
		t.Fatal("a permanent entry would lose its address")
	}
	// One that becomes so is not touched any more either.
	other := Via{addr("10.2.0.11"), 2}
	w.claim(other.Addr)
	w.hear(other, mac(6), Permanent)
	c := w.step(w.network())
	if slices.Contains(c.Drop, other) || slices.Contains(w.core.Kept(), other) {
		t.Fatalf("still kept, or touched: %+v", c)
	}
}

func TestInterface(t *testing.T) {
	w := newWorld(t).start(Held{})
	id := w.claim(server)
	w.hear(viaS, mac(1), Reachable)
	want := hop2(mac(1))

	t.Run("down and up", func(t *testing.T) {
		w.link(2, func(l *Link) { l.Up = false })
		w.wantUnresolved(id)
		w.link(2, func(l *Link) { l.Up = true })
		w.wantHop(id, want)
	})
	t.Run("own MAC and MTU", func(t *testing.T) {
		c := w.link(2, func(l *Link) { l.MAC, l.MTU = mac(0xee), 9000 })
		want.Src, want.MTU = mac(0xee), 9000
		w.wantHop(id, want)
		if wantPort := []Port{{2, 2, mac(0xee), 9000}}; !slices.Equal(c.Ports, wantPort) {
			t.Fatalf("ports %+v, want %+v", c.Ports, wantPort)
		}
		if c := w.step(w.network()); len(c.Ports) != 0 {
			t.Fatalf("written again: %+v", c.Ports)
		}
	})
	t.Run("the route's MTU", func(t *testing.T) {
		r := onLink("10.2.0.0/24", 2)
		r.MTU = 1400
		w.reroute("10.2.0.0/24", r)
		want.MTU = 1400
		w.wantHop(id, want)
	})
	t.Run("detached and attached as another port", func(t *testing.T) {
		w.step(Ports{{1, 1, mac0, 1500}})
		w.wantUnresolved(id)
		w.step(Ports{{1, 1, mac0, 1500}, {7, 2, mac(0xee), 9000}})
		want.Port = 7
		w.wantHop(id, want)
	})
}

func TestServerOnAnInterfaceThatIsNotAttached(t *testing.T) {
	w := newWorld(t).start(Held{})
	id := w.claim(addr("10.3.0.10"))
	via := Via{addr("10.3.0.10"), 3}
	w.hear(via, mac(1), Reachable)
	w.wantUnresolved(id)
	if w.kept[via] {
		t.Fatal("neighbours on foreign interfaces are not ours to keep")
	}
	w.ports = append(w.ports, Port{3, 3, mac2, 1500})
	w.step(w.ports)
	w.wantHop(id, Hop{Dst: mac(1), Src: mac2, Port: 3, Ifindex: 3, MTU: 1500})
}

// A server that is reached another way now: the old way serves until the new
// one is resolved, or has failed.
func TestRouteToServerMoves(t *testing.T) {
	router := Via{addr("10.1.0.9"), 1}
	setup := func(t *testing.T) (*world, uint32) {
		w := newWorld(t).start(Held{})
		id := w.claim(server)
		w.hear(viaS, mac(1), Reachable)
		w.reroute("10.2.0.10/32", through("10.2.0.10/32", router.Addr, 1))
		return w, id
	}
	t.Run("answers", func(t *testing.T) {
		w, id := setup(t)
		w.wantHop(id, hop2(mac(1)))
		if w.kept[viaS] || !w.kept[router] {
			t.Fatalf("kept: %v", w.kept)
		}
		w.hear(router, mac(9), Reachable)
		w.wantHop(id, hop1(mac(9)))
	})
	t.Run("does not answer", func(t *testing.T) {
		w, id := setup(t)
		w.hear(router, MAC{}, Failed)
		w.wantUnresolved(id)
	})
	t.Run("the old interface goes down", func(t *testing.T) {
		w, id := setup(t)
		w.link(2, func(l *Link) { l.Up = false })
		w.wantUnresolved(id)
	})
	t.Run("back again", func(t *testing.T) {
		w, id := setup(t)
		w.hear(router, mac(9), Reachable)
		w.reroute("10.2.0.10/32")
		w.wantHop(id, hop2(mac(1)))
	})
}

func TestNoRoute(t *testing.T) {
	for name, routes := range map[string][]Route{
		"none":        {onLink("10.1.0.0/24", 1)},
		"unreachable": {{Dst: prefixes("10.2.0.0/16")[0], Reject: true}, onLink("0.0.0.0/0", 1)},
		"dead":        {{Dst: prefixes("10.2.0.0/16")[0]}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.routes = routes
			w.start(Held{})
			w.wantUnresolved(w.claim(server))
		})
	}
}

// The first way that is up and attached, in the order of metrics.
func TestSeveralWays(t *testing.T) {
	w := newWorld(t)
	hops := []RouteHop{{addr("10.3.0.1"), 3}, {addr("10.1.0.8"), 1}, {addr("10.2.0.8"), 2}}
	w.routes = append(w.routes,
		Route{Dst: prefixes("172.16.0.0/12")[0], Metric: 10, Hops: hops},
		Route{Dst: prefixes("172.16.0.0/12")[0], Metric: 20, Hops: []RouteHop{{addr("10.2.0.9"), 2}}})
	for i, h := range append(hops, RouteHop{addr("10.2.0.9"), 2}) {
		w.neighbours[Via{h.Gateway, h.Ifindex}] = Neighbour{Via: Via{h.Gateway, h.Ifindex}, MAC: mac(byte(i)), State: Reachable}
	}
	w.start(Held{})
	id := w.claim(addr("172.16.1.1"))
	w.wantHop(id, hop1(mac(1)))
	w.link(1, func(l *Link) { l.Up = false })
	w.wantHop(id, hop2(mac(2)))
	w.reroute("172.16.0.0/12", Route{Dst: prefixes("172.16.0.0/12")[0], Metric: 20, Hops: []RouteHop{{addr("10.2.0.9"), 2}}})
	w.wantHop(id, hop2(mac(3)))
}

func TestClaimsAreCounted(t *testing.T) {
	w := newWorld(t).start(Held{})
	a, b := w.claim(server), w.claim(server)
	if a != b {
		t.Fatalf("one address, two next hops: %d and %d", a, b)
	}
	w.release(a)
	if _, there := w.hops[a]; !there {
		t.Fatal("freed while a real server refers to it")
	}
	w.release(a)
	if _, there := w.hops[a]; there || w.kept[viaS] {
		t.Fatal("not freed, or its neighbour is still kept")
	}
	w.release(a) // harmless
	if c := w.claim(server); c == a {
		t.Fatalf("%d was given out again at once", a)
	}
}

func TestFull(t *testing.T) {
	w := newWorld(t).start(Held{}) // 31 records, one of the gateway
	a := server
	for range 30 {
		w.claim(a)
		a = a.Next()
	}
	if _, _, err := w.core.Claim(a, w.now); !errors.Is(err, ids.ErrFull) {
		t.Fatalf("got %v, want ErrFull", err)
	}
}
