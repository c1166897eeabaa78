// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"slices"
	"testing"
)

func (w *world) unlink(index int) Changes {
	w.t.Helper()
	w.links = slices.DeleteFunc(w.links, func(l Link) bool { return l.Index == index })
	return w.step(w.network())
}

func (w *world) addLink(l Link) Changes {
	w.t.Helper()
	w.links = append(w.links, l)
	return w.step(w.network())
}

func wantNames(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s: %q, want %q", what, got, want)
	}
}

func TestInterfaceDisappearsAndReturns(t *testing.T) {
	w := newWorld(t).start(Held{})
	id := w.claim(server)
	w.hear(viaS, mac(1), Reachable)

	c := w.unlink(2)
	wantNames(t, "lost", c.Lost, "eth1")
	wantNames(t, "returned", c.Returned)
	w.wantUnresolved(id)

	c = w.step(w.network())
	wantNames(t, "told twice", c.Lost)

	w.routes[1] = onLink("10.2.0.0/24", 12)
	c = w.addLink(Link{12, "eth1", mac1, 1500, true, nil})
	wantNames(t, "lost", c.Lost)
	wantNames(t, "returned", c.Returned, "eth1")
	wantNames(t, "told twice", w.step(w.network()).Returned)

	// Attached again under its old number.
	w.ports = Ports{{1, 1, mac0, 1500}, {2, 12, mac1, 1500}}
	w.step(w.ports)
	via := Via{server, 12}
	w.hear(via, mac(1), Reachable)
	w.wantHop(id, Hop{Dst: mac(1), Src: mac1, Port: 2, Ifindex: 12, MTU: 1500})

	c = w.unlink(12)
	wantNames(t, "lost once more", c.Lost, "eth1")
}

// Deleted and made again between two looks.
func TestInterfaceIsReplaced(t *testing.T) {
	w := newWorld(t).start(Held{})
	w.links[1].Index = 12
	c := w.step(w.network())
	wantNames(t, "lost", c.Lost, "eth1")
	wantNames(t, "returned", c.Returned, "eth1")
}

func TestDetachedInterfaceIsNobodysBusiness(t *testing.T) {
	w := newWorld(t).start(Held{})
	c := w.step(w.ports[:1])
	wantNames(t, "lost", c.Lost)
	wantNames(t, "returned", c.Returned)
	c = w.unlink(2)
	wantNames(t, "lost", c.Lost)
	c = w.addLink(Link{12, "eth1", mac1, 1500, true, nil})
	wantNames(t, "returned", c.Returned)
}

// Names that should be attached, known from elsewhere: there, not there.
func TestNamedInterfaces(t *testing.T) {
	w := newWorld(t)
	w.core = NewCore(Held{Size: 8, Ports: w.ports, Interfaces: []string{"eth0", "eth2", "eth9"}}, w.now)
	c := w.core.Step(w.now, Snapshot{Ports: w.ports, Network: w.network()})
	wantNames(t, "lost", c.Lost)
	wantNames(t, "returned", c.Returned, "eth2")
	c = w.addLink(Link{9, "eth9", mac(9), 1500, true, nil})
	wantNames(t, "returned", c.Returned, "eth9")
}
