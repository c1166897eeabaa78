// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"maps"
	"slices"
	"testing"
	"time"
)

func (w *world) gateway(via Via) uint32 {
	w.t.Helper()
	id, ok := w.gateways[via]
	if !ok {
		w.t.Fatalf("gateway %v is not registered: %v", via, w.gateways)
	}
	return id
}

func (w *world) wantGateways(vias ...Via) {
	w.t.Helper()
	want := map[Via]bool{}
	for _, via := range vias {
		want[via] = true
	}
	got := map[Via]bool{}
	for via := range w.gateways {
		got[via] = true
	}
	if !maps.Equal(got, want) {
		w.t.Fatalf("registered gateways %v, want %v", got, want)
	}
}

func TestGatewaysOfAttachedInterfacesAreRegistered(t *testing.T) {
	w := newWorld(t)
	inside := Via{addr("10.2.0.1"), 2}
	w.routes = append(w.routes,
		through("192.168.0.0/16", inside.Addr, 2),
		through("192.168.1.0/24", inside.Addr, 2), // the same once more
		through("172.16.0.0/12", addr("10.3.0.1"), 3))
	w.start(Held{})
	w.wantGateways(viaGW1, inside)
	id := w.gateway(viaGW1)
	w.wantUnresolved(id)
	w.hear(viaGW1, mac(0xa1), Reachable)
	w.wantHop(id, hop1(mac(0xa1)))

	w.ports = append(w.ports, Port{3, 3, mac2, 1500})
	w.step(w.ports)
	w.wantGateways(viaGW1, inside, Via{addr("10.3.0.1"), 3})
}

// A gateway that becomes another machine under the same address, or another
// address: the number that connections hold leads to it.
func TestGatewayMoves(t *testing.T) {
	setup := func(t *testing.T) (*world, uint32) {
		w := newWorld(t).start(Held{})
		w.hear(viaGW1, mac(0xa1), Reachable)
		return w, w.gateway(viaGW1)
	}
	t.Run("another MAC is one write", func(t *testing.T) {
		w, id := setup(t)
		before := w.writes
		w.hear(viaGW1, mac(0xbb), Reachable)
		w.wantHop(id, hop1(mac(0xbb)))
		w.wantWrites(before + 1)
	})
	t.Run("another address", func(t *testing.T) {
		w, id := setup(t)
		w.reroute("0.0.0.0/0", through("0.0.0.0/0", gw2, 1))
		w.wantGateways(viaGW2)
		w.wantHop(id, hop1(mac(0xa1))) // until the new one answers
		w.hear(viaGW2, mac(0xa2), Reachable)
		w.wantHop(id, hop1(mac(0xa2)))
		w.wantHop(w.gateway(viaGW2), hop1(mac(0xa2)))
		if r := w.hops[id]; r.Target != gw2 {
			t.Fatalf("without a daemon it would be looked for at %v, not at %v", r.Target, gw2)
		}
		// And follows on: a new MAC, a third gateway.
		w.hear(viaGW2, mac(0xcc), Reachable)
		w.wantHop(id, hop1(mac(0xcc)))
	})
	t.Run("another interface", func(t *testing.T) {
		w, id := setup(t)
		other := Via{addr("10.2.0.1"), 2}
		w.neighbours[other] = Neighbour{Via: other, MAC: mac(0xa3), State: Reachable, Managed: true}
		w.step(w.neighbours[other])
		w.reroute("0.0.0.0/0", through("0.0.0.0/0", other.Addr, 2))
		w.wantHop(id, hop2(mac(0xa3)))
	})
	t.Run("and comes back to its number", func(t *testing.T) {
		w, id := setup(t)
		w.reroute("0.0.0.0/0", through("0.0.0.0/0", gw2, 1))
		w.hear(viaGW2, mac(0xa2), Reachable)
		w.reroute("0.0.0.0/0", through("0.0.0.0/0", gw1, 1))
		w.hear(viaGW1, mac(0xa1), Reachable)
		w.wantGateways(viaGW1)
		if got := w.gateway(viaGW1); got != id {
			t.Fatalf("gateway has number %d now, had %d", got, id)
		}
		w.wantHop(id, hop1(mac(0xa1)))
	})
	t.Run("its link goes down and comes up", func(t *testing.T) {
		w, id := setup(t)
		routes := w.routes
		w.routes = []Route{onLink("10.2.0.0/24", 2)}
		w.link(1, func(l *Link) { l.Up = false })
		w.wantGateways()
		w.wantUnresolved(id)
		w.routes = routes
		w.link(1, func(l *Link) { l.Up = true })
		w.wantHop(id, hop1(mac(0xa1)))
		if got := w.gateway(viaGW1); got != id {
			t.Fatalf("gateway has number %d now, had %d", got, id)
		}
	})
	t.Run("no heir", func(t *testing.T) {
		w, id := setup(t)
		w.reroute("0.0.0.0/0")
		w.wantGateways()
		w.wantHop(id, hop1(mac(0xa1))) // it may still be on the link
	})
}

// The heir is who serves most of its prefixes now, not the default route.
func TestHeir(t *testing.T) {
	w := newWorld(t)
	old, a, b := Via{addr("10.2.0.1"), 2}, Via{addr("10.2.0.2"), 2}, Via{addr("10.2.0.3"), 2}
	for i, via := range []Via{viaGW1, a, b} {
		w.neighbours[via] = Neighbour{Via: via, MAC: mac(byte(0xa0 + i)), State: Reachable, Managed: true}
	}
	w.routes = append(w.routes,
		through("192.168.0.0/16", old.Addr, 2), through("192.168.1.0/24", old.Addr, 2), through("172.16.0.0/12", old.Addr, 2),
		// More specific than what old served: not its heir.
		through("192.168.0.0/30", gw1, 1), through("172.16.0.0/30", gw1, 1), through("192.168.1.0/30", gw1, 1))
	w.start(Held{})
	id := w.gateway(old)
	w.routes = slices.Delete(w.routes, 4, 7)
	w.routes = append(w.routes, through("192.168.0.0/16", b.Addr, 2), through("172.0.0.0/8", a.Addr, 2))
	w.step(w.network())
	w.wantHop(id, hop2(mac(0xa2)))
}

func TestReferencedFreesOrphans(t *testing.T) {
	w := newWorld(t).start(Held{})
	w.hear(viaGW1, mac(0xa1), Reachable)
	id := w.gateway(viaGW1)
	w.now = w.now.Add(time.Minute)
	w.reroute("0.0.0.0/0", through("0.0.0.0/0", gw2, 1))
	orphaned := w.now
	claimed := w.claim(server)
	w.now = w.now.Add(time.Minute)

	for name, seen := range map[string]Referenced{
		"a connection has it":          {orphaned.Add(time.Hour), map[uint32]bool{id: true}},
		"the look began too early":     {orphaned.Add(time.Second / 2), nil},
		"the look began before it all": {orphaned.Add(-time.Hour), nil},
	} {
		if c := w.step(seen); len(c.Freed) != 0 {
			t.Fatalf("%s: freed %v", name, c.Freed)
		}
	}
	w.step(Referenced{Since: orphaned.Add(time.Second)})
	if _, there := w.hops[id]; there {
		t.Fatal("not freed though nothing refers to it")
	}
	for _, id := range []uint32{claimed, w.gateway(viaGW2)} {
		if _, there := w.hops[id]; !there {
			t.Fatalf("next hop %d is in use and was freed", id)
		}
	}
}

// More gateways than records: as many as there is room for, and the failure is told.
func TestTooManyGateways(t *testing.T) {
	w := newWorld(t)
	a := addr("10.1.0.10")
	for i := range 40 {
		r := through("0.0.0.0/0", a, 1)
		r.Metric = i + 1
		w.routes = append(w.routes, r)
		a = a.Next()
	}
	w.core = NewCore(Held{Size: 32, Ports: w.ports}, w.now)
	c := w.core.Step(w.now, Snapshot{Ports: w.ports, Network: w.network()})
	if len(c.Gateways) != 31 || len(c.Failed) != 10 {
		t.Fatalf("%d registered, %d failures, want 31 and 10", len(c.Gateways), len(c.Failed))
	}
}
