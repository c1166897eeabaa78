// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/xdp/nexthop"
	"github.com/xlb-project/xlb/maps"
	"github.com/xlb-project/xlb/test/netns"
)

const patience = 10 * time.Second

// wantHop waits until a real server's next hop leads to a link.
func (p *plane) wantHop(t testing.TB, real netip.AddrPort, to *netns.Link) {
	t.Helper()
	r, _ := p.set.Reals.Get(idOf(t, p.set, real))
	netns.Eventually(t, patience, func() error {
		mac, err := to.MAC()
		if err != nil {
			return err
		}
		hop, err := p.set.NextHops.Get(r.NextHop)
		if err == nil && (!hop.Resolved || hop.Hop.DstMAC != maps.MACFrom(mac) || hop.Hop.Port != serverPort || hop.Hop.MTU != 1500) {
			err = fmt.Errorf("next hop of %v is %+v, want %v", real, hop, mac)
		}
		return err
	})
}

// Without a daemon Apply itself resolves, and says how it went.
func TestApplySettles(t *testing.T) {
	p := newPlane(t, small(), 2)
	apply(t, p.Engine, p.serving(1, 1))
	for n, s := range p.Servers {
		r, _ := p.set.Reals.Get(idOf(t, p.set, server(n+1)))
		hop, err := p.set.NextHops.Get(r.NextHop)
		mac, _ := s.Link.MAC()
		if err != nil || !hop.Resolved || hop.Hop.DstMAC != maps.MACFrom(mac) || hop.Target != s.Addr {
			t.Errorf("server %d: %+v, %v", n, hop, err)
		}
	}
	if route, err := p.Route(p.Servers[0].Addr); err != nil || !route.Attached || route.Interface != "eth1" {
		t.Errorf("route %+v, %v", route, err)
	}
	if !p.IsLocal(p.VIP) || p.IsLocal(p.Client.Addr) {
		t.Error("the virtual server's address is the director's, the client's is not")
	}
}

// A neighbour that changes its MAC is one change of the record, packets that
// belong to connections included.
func TestFollowChangesRecords(t *testing.T) {
	p := newPlane(t, small(), 1)
	apply(t, p.Engine, p.serving(1))
	p.follow(t)
	p.wantHop(t, server(1), p.Servers[0].Link)
	r, _ := p.set.Reals.Get(idOf(t, p.set, server(1)))
	before, _ := p.set.NextHops.Get(r.NextHop)
	if err := p.ServerSide.SetNeigh(p.Servers[0].Addr, net.HardwareAddr{2, 0, 0, 0xcc, 0, 1}); err != nil {
		t.Fatal(err)
	}
	netns.Eventually(t, patience, func() error {
		hop, err := p.set.NextHops.Get(r.NextHop)
		if err == nil && (hop.Hop.DstMAC != maps.MAC{2, 0, 0, 0xcc, 0, 1} || hop.Changes != before.Changes+1) {
			err = fmt.Errorf("%+v after %+v", hop, before)
		}
		return err
	})
}

// An engine that takes over keeps the numbers and writes nothing anew.
func TestFollowerTakesOver(t *testing.T) {
	p := newPlane(t, small(), 2)
	far := netip.MustParsePrefix("192.168.0.0/16")
	if err := p.Director.AddRoute(far, p.Client.Addr); err != nil {
		t.Fatal(err)
	}
	p.Engine = p.newEngine(t)
	apply(t, p.Engine, p.serving(1, 1))
	p.wantHop(t, server(1), p.Servers[0].Link)
	p.wantHop(t, server(2), p.Servers[1].Link)
	before := p.hops(t)
	if len(before) != 3 { // two real servers and a gateway
		t.Fatalf("next hops %+v", before)
	}
	p.Engine = p.newEngine(t)
	for id, hop := range p.hops(t) {
		if hop != before[id] {
			t.Errorf("next hop %d is %+v, was %+v", id, hop, before[id])
		}
	}
	wantServices(t, p.Engine, p.serving(1, 1))
}

func (p *plane) hops(t testing.TB) map[uint32]maps.NextHop {
	t.Helper()
	out := map[uint32]maps.NextHop{}
	for id, h := range p.set.NextHops.All() {
		out[id] = h
	}
	return out
}

// A client behind a router: answers go by the router's registered next hop, and
// when the router is replaced by another, existing connections follow.
func TestGatewayIsReplacedUnderConnections(t *testing.T) {
	p := newPlane(t, small(), 2)
	far := netip.MustParsePrefix("192.168.0.0/16")
	if err := p.Director.AddRoute(far, p.Client.Addr); err != nil {
		t.Fatal(err)
	}
	apply(t, p.Engine, p.serving(1))
	p.follow(t)
	gateway := p.gatewayHop(t, p.ClientSide, p.Client.Addr)
	c := connection(1, 1, "ESTABLISHED")
	c.Service, c.Client = p.vip, netip.MustParseAddrPort("192.168.7.7:1234")
	if n, err := p.Restore(t.Context(), func(yield func(lb.Connection) bool) { yield(c) }); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	reply, err := p.set.Established.Lookup(maps.Tuple{Src: server(1), Dst: c.Client, Proto: 6})
	if err != nil || reply.NextHop != gateway || reply.Flags.Has(maps.FlagInline) {
		t.Fatalf("answers go by %+v, %v, want next hop %d", reply, err, gateway)
	}

	if err := p.Director.AddRoute(far, p.Servers[1].Addr); err != nil {
		t.Fatal(err)
	}
	netns.Eventually(t, patience, func() error {
		hop, err := p.set.NextHops.Get(gateway)
		mac, _ := p.Servers[1].Link.MAC()
		if err == nil && (!hop.Resolved || hop.Hop.DstMAC != maps.MACFrom(mac) || hop.Target != p.Servers[1].Addr) {
			err = fmt.Errorf("next hop %d is %+v, want %v", gateway, hop, mac)
		}
		return err
	})
	// Sweeps free it when the connection is gone, and not before.
	late := nexthop.Referenced{Since: time.Now().Add(time.Minute), IDs: map[uint32]bool{gateway: true}}
	for _, want := range []bool{true, false} {
		if err := p.Engine.hops.Referenced(late); err != nil {
			t.Fatal(err)
		}
		if hop, _ := p.set.NextHops.Get(gateway); hop.Free() == want {
			t.Fatalf("in use: %v, and %+v", want, hop)
		}
		late.IDs = nil
	}
}

// gatewayHop is the next hop of a registered gateway.
func (p *plane) gatewayHop(t testing.TB, l *netns.Link, gw netip.Addr) (id uint32) {
	t.Helper()
	index, err := l.Index()
	if err != nil {
		t.Fatal(err)
	}
	netns.Eventually(t, patience, func() (err error) {
		id, err = p.set.Gateways4.Lookup(maps.Gateway{Addr: gw, Ifindex: uint32(index)})
		return err
	})
	return id
}
