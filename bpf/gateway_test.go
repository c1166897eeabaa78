// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

// gatewayHop is the next hop of the gateway in these tests; real servers have lower ones.
const gatewayHop = 40

// gateway returns the router that leads to distant clients. Its port means nothing.
func (d *director) gateway() host {
	return host{netip.MustParseAddrPort("198.51.100.254:9"), packet.MAC("02:00:00:00:01:fe"), d.clients}
}

// distant makes f's client one behind the gateway: its frames bear the gateway's MAC.
func (f flow) distant() flow {
	f.client = host{netip.MustParseAddrPort("192.0.2.77:40000"), f.d.gateway().mac, f.d.clients}
	return f
}

// routed returns a director with a route to the distant clients, and a flow from there.
func (s setup) routed(t *testing.T) (*director, flow) {
	t.Helper()
	d := s.director(t)
	if err := d.ns.AddRoute(netip.MustParsePrefix("192.0.2.0/24"), d.gateway().addr.Addr()); err != nil {
		t.Fatal(err)
	}
	return d, d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 0).distant()
}

// register makes the gateway known to the data path, as user space does.
func (d *director) register(t testing.TB) {
	t.Helper()
	d.hop(t, gatewayHop, d.gateway(), mtu)
	put(t, d.Gateways4, bpf.LbGateway4Key{Addr: be32(d.gateway().addr.Addr()), Ifindex: d.clients.ifindex}, uint32(gatewayHop))
}

// neighbour tells the kernel a MAC address for good.
func neighbour(t testing.TB, h host) {
	t.Helper()
	if err := h.link.SetNeigh(h.addr.Addr(), h.mac); err != nil {
		t.Fatal(err)
	}
}

// goesBy fails the test unless the reply half has this next hop; 0: the inline one.
func (f flow) goesBy(t testing.TB, id uint32) {
	t.Helper()
	_, want := f.halves(bpf.LbConnStateConnEstablished, 0)
	if want.NextHop = id; id != 0 {
		want.Status &^= uint32(bpf.LbConnFlagConnFlagInline)
	}
	sameEntry(t, "reply half", want, find[bpf.LbConn4](t, f.d.Established4, f.replyKey()))
}

// TestGateway: answers to distant clients go by the gateway's next hop, which user space keeps true.
func TestGateway(t *testing.T) {
	t.Parallel()
	for _, resolved := range []bool{true, false} {
		d, f := setup{tickShift: frozen}.routed(t)
		d.register(t)
		if resolved {
			neighbour(t, d.gateway()) // whether the kernel has it does not matter
		}
		f.establishes(t)
		f.goesBy(t, gatewayHop)
		f.answers(t, answer)

		moved := d.gateway()
		moved.mac = packet.MAC("02:00:00:00:01:fd")
		d.hop(t, gatewayHop, moved, mtu)
		f.sends(t, request) // still from the old one
		f.client.mac = moved.mac
		f.answers(t, answer)
	}
}

// TestGatewayUnresolved: the stack would take an answer for a martian, so it waits for the next hop.
func TestGatewayUnresolved(t *testing.T) {
	t.Parallel()
	d, f := setup{tickShift: frozen}.routed(t)
	d.register(t)
	f.establishes(t)
	edit(t, d.NextHops, uint32(gatewayHop), func(n *bpf.LbNextHop) { n.Word = 0 })
	in, o := f.toClient(answer)
	o.reason = bpf.LbReasonReasonNoNeighbour
	d.expect(t, d.servers, in, o)
	f.sends(t, request)
	d.register(t)
	f.answers(t, answer)
}

// TestGatewayUnknown: without a gateway that user space knows, answers go where the request came from.
func TestGatewayUnknown(t *testing.T) {
	t.Parallel()
	cases := map[string]func(*testing.T, *director, flow) flow{
		"not registered": func(_ *testing.T, _ *director, f flow) flow { return f },
		"no route": func(t *testing.T, d *director, f flow) flow {
			if err := d.ns.DelRoute(netip.MustParsePrefix("192.0.2.0/24")); err != nil {
				t.Fatal(err)
			}
			d.register(t)
			return f
		},
		"no forwarding": func(t *testing.T, d *director, f flow) flow {
			if err := d.ns.SetSysctl("net.ipv4.ip_forward", "0"); err != nil {
				t.Fatal(err)
			}
			d.register(t)
			return f
		},
		"the client is on the link": func(t *testing.T, d *director, f flow) flow {
			d.register(t)
			f.client = d.client(40000)
			other := f.client
			other.mac = d.gateway().mac // what ARP says does not count
			neighbour(t, other)
			return f
		},
	}
	for name, arrange := range cases {
		t.Run(name, func(t *testing.T) {
			d, f := setup{tickShift: frozen}.routed(t)
			f = arrange(t, d, f)
			f.establishes(t)
			f.goesBy(t, 0)
			f.answers(t, answer)
		})
	}
}

// alone returns a director whose daemon has been gone for long.
func alone(t *testing.T) (*director, flow) {
	t.Helper()
	d, f := setup{tickShift: live, heartbeatLimit: 1000}.routed(t)
	d.tune(t, func(v *bpf.LbTunables) { v.Heartbeat = uint64(d.now(t) - 1001) })
	return d, f
}

// forget makes a next hop unresolved.
func (d *director) forget(t testing.TB, id uint32) {
	t.Helper()
	edit(t, d.NextHops, id, func(n *bpf.LbNextHop) { n.Word, n.Copy = 0, [2]bpf.LbHop{} })
}

// TestAlone: without a daemon the data path resolves next hops by itself, servers' and gateways'.
func TestAlone(t *testing.T) {
	t.Parallel()
	d, f := alone(t)
	d.register(t)
	neighbour(t, f.server.host)
	neighbour(t, d.gateway())
	d.forget(t, f.server.id)
	d.forget(t, gatewayHop)
	f.opens(t, syn)
	f.answers(t, synAck)
	f.sends(t, ack)
	f.goesBy(t, gatewayHop)
	d.nextTick(t)
	f.answers(t, answer)

	hop := find[bpf.LbNextHop](t, d.NextHops, f.server.id)
	if diff := cmp.Diff(f.server.hop(mtu), hop.Copy[hop.Word&1]); diff != "" || hop.Word&2 == 0 || hop.Word>>32 == 0 {
		t.Errorf("next hop, word %#x (-want +got):\n%s", hop.Word, diff)
	}
}

// resolveInterval is XLB_RESOLVE_INTERVAL in config.h: ticks between two looks of the data path at a next hop.
const resolveInterval = 8

// TestAloneFollows: the data path notices a MAC that changes, after at most an interval.
func TestAloneFollows(t *testing.T) {
	t.Parallel()
	d, f := alone(t)
	neighbour(t, f.server.host)
	f.establishes(t)
	for _, mac := range []string{"02:00:00:00:02:e1", "02:00:00:00:02:e2", "02:00:00:00:02:e3"} {
		f.server.mac = packet.MAC(mac)
		neighbour(t, f.server.host)
		d.await(t, d.now(t)+resolveInterval+1)
		f.sends(t, request)
		d.nextTick(t)
		f.sends(t, request)
	}
}

// TestAloneWithoutNeighbour: what the kernel does not know either is left to the stack.
func TestAloneWithoutNeighbour(t *testing.T) {
	t.Parallel()
	cases := map[string]func(testing.TB, *director, flow){
		"no neighbour": func(testing.TB, *director, flow) {},
		"an interface that is no port": func(t testing.TB, d *director, f flow) {
			neighbour(t, f.server.host)
			if err := d.PortIds.Delete(d.servers.ifindex); err != nil {
				t.Fatal(err)
			}
		},
		"a record of another family": func(t testing.TB, d *director, f flow) {
			neighbour(t, f.server.host)
			edit(t, d.NextHops, f.server.id, func(n *bpf.LbNextHop) { n.Family = 6 })
		},
	}
	for name, arrange := range cases {
		t.Run(name, func(t *testing.T) {
			d, f := alone(t)
			arrange(t, d, f)
			d.forget(t, f.server.id)
			in, o := f.toServer(syn)
			o.reason = bpf.LbReasonReasonPassResolve
			o.frame = syn.frame(f.proto, leg{f.client.mac, f.client.link.mac, f.client.addr, f.server.addr}, 64)
			o.counts.Connections = 1
			d.expect(t, d.clients, in, o)
		})
	}
}

// TestNotAlone: while the daemon lives, its word counts and not the kernel's.
func TestNotAlone(t *testing.T) {
	t.Parallel()
	d, f := alone(t)
	d.tune(t, func(v *bpf.LbTunables) { v.Heartbeat = uint64(d.now(t)) })
	f.establishes(t)
	other := f.server.host
	other.mac = packet.MAC("02:00:00:00:02:e1")
	neighbour(t, other)
	d.await(t, d.now(t)+resolveInterval+1)
	f.sends(t, request)
	d.nextTick(t)
	f.sends(t, request)
}
