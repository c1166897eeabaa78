// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"testing"
	"time"
)

// held is what w's maps hold, for the next process.
func (w *world) held(refs map[uint32]int) Held {
	h := Held{Refs: refs}
	for _, r := range w.hops {
		h.Records = append(h.Records, r)
	}
	for via, id := range w.gateways {
		h.Gateways = append(h.Gateways, Gateway{via, id})
	}
	return h
}

// A restart in a world that has not changed writes nothing, and gives the same
// numbers for the same addresses.
func TestRestart(t *testing.T) {
	w := newWorld(t).start(Held{})
	id := w.claim(server)
	w.hear(viaS, mac(1), Reachable)
	w.hear(viaGW1, mac(0xa1), Reachable)
	gw := w.gateway(viaGW1)
	before := w.writes

	w.start(w.held(map[uint32]int{id: 1}))
	w.wantWrites(before)
	if got := w.claim(server); got != id {
		t.Fatalf("server has next hop %d now, had %d", got, id)
	}
	if got := w.gateway(viaGW1); got != gw {
		t.Fatalf("gateway has next hop %d now, had %d", got, gw)
	}
	if other := w.claim(server.Next()); other == id || other == gw {
		t.Fatalf("%d was given out twice", other)
	}
	w.release(id) // one is left
	if _, there := w.hops[id]; !there {
		t.Fatal("freed while the adopted real server refers to it")
	}
}

// A restart with an empty neighbour table keeps what works until it is known
// to have failed.
func TestRestartKeepsWhatWorks(t *testing.T) {
	w := newWorld(t).start(Held{})
	id := w.claim(server)
	w.hear(viaS, mac(1), Reachable)
	w.neighbours = map[Via]Neighbour{}
	w.start(w.held(map[uint32]int{id: 1}))
	w.wantHop(id, hop2(mac(1)))
	w.hear(viaS, MAC{}, Failed)
	w.wantUnresolved(id)
}

// What changed while nobody was looking.
func TestRestartFollows(t *testing.T) {
	w := newWorld(t).start(Held{})
	id := w.claim(server)
	w.hear(viaS, mac(1), Reachable)
	w.hear(viaGW1, mac(0xa1), Reachable)
	gw := w.gateway(viaGW1)
	held := w.held(map[uint32]int{id: 1})

	w.neighbours[viaS] = Neighbour{Via: viaS, MAC: mac(2), State: Stale}
	w.neighbours[viaGW2] = Neighbour{Via: viaGW2, MAC: mac(0xa2), State: Stale}
	w.routes[3] = through("0.0.0.0/0", gw2, 1)
	w.now = w.now.Add(time.Hour)
	w.start(held)
	w.wantHop(id, hop2(mac(2)))
	w.wantGateways(viaGW2)
	w.wantHop(gw, hop1(mac(0xa2))) // connections have it still
	w.step(Referenced{Since: w.now.Add(time.Minute)})
	if _, there := w.hops[gw]; there {
		t.Fatal("never freed")
	}
}

// Whatever somebody else did to the maps is mended by a look at everything.
func TestResyncMends(t *testing.T) {
	w := newWorld(t).start(Held{})
	id := w.claim(server)
	w.hear(viaS, mac(1), Reachable)
	w.hear(viaGW1, mac(0xa1), Reachable)
	gw := w.gateway(viaGW1)

	w.hops[id] = Record{ID: id, Target: server, Hop: hop2(mac(0x66)), Resolved: true}
	delete(w.hops, gw)
	w.gateways = map[Via]uint32{viaGW1: id, viaGW2: 31}
	w.snapshot()
	w.wantHop(id, hop2(mac(1)))
	w.wantHop(gw, hop1(mac(0xa1)))
	w.wantGateways(viaGW1)
	if got := w.gateway(viaGW1); got != gw {
		t.Fatalf("gateway has next hop %d, want %d", got, gw)
	}
}

// A crash between a next hop and the real server that was to point at it.
func TestRestartAfterACrash(t *testing.T) {
	w := newWorld(t).start(Held{})
	claimed, left := w.claim(server), w.claim(server.Next())
	w.start(w.held(nil))
	if got := w.claim(server); got != claimed {
		t.Fatalf("got %d, want the record that is there, %d", got, claimed)
	}
	w.step(Referenced{Since: w.now.Add(time.Minute)})
	if _, there := w.hops[left]; there {
		t.Fatal("a record of nobody was not freed")
	}
	if _, there := w.hops[claimed]; !there {
		t.Fatal("the claimed record was freed")
	}
}

// A registration that points at no record is made anew.
func TestRestartWithDanglingGateway(t *testing.T) {
	w := newWorld(t)
	w.gateways[viaGW1] = 17
	w.start(Held{Gateways: []Gateway{{viaGW1, 17}}})
	if id := w.gateway(viaGW1); w.hops[id].Target != gw1 {
		t.Fatalf("gateway points at %+v", w.hops[id])
	}
}

// Two records lead to one address: the one that real servers use is it.
func TestRestartPrefersTheReferredRecord(t *testing.T) {
	w := newWorld(t)
	h := Held{Records: []Record{{ID: 3, Target: server}, {ID: 9, Target: server}}, Refs: map[uint32]int{9: 2}}
	w.hops[3], w.hops[9] = h.Records[0], h.Records[1]
	w.start(h)
	if got := w.claim(server); got != 9 {
		t.Fatalf("got %d, want 9", got)
	}
}

// A gateway's record is not given to a server of the same address: it stays on
// its interface.
func TestGatewayThatIsAServerToo(t *testing.T) {
	w := newWorld(t).start(Held{})
	gw := w.gateway(viaGW1)
	id := w.claim(gw1)
	if id == gw {
		t.Fatal("one record for two purposes")
	}
	w.start(w.held(map[uint32]int{id: 1}))
	if got := w.claim(gw1); got != id || w.gateway(viaGW1) != gw {
		t.Fatalf("after a restart: server %d (was %d), gateway %d (was %d)", got, id, w.gateway(viaGW1), gw)
	}
}
