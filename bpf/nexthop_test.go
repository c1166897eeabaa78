// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"strings"
	"testing"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

// TestUnresolved: without a next hop the stack finds the way for a request, rewritten; until there is one.
func TestUnresolved(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
	word := func(v uint64) { edit(t, d.NextHops, f.server.id, func(n *bpf.LbNextHop) { n.Word = v }) }
	stack := func(m message, opens uint64) {
		t.Helper()
		in, o := f.toServer(m)
		// The MAC addresses are the frame's own: the stack makes new ones, and takes the TTL down.
		o.frame = m.frame(f.proto, leg{f.client.mac, f.client.link.mac, f.client.addr, f.server.addr}, 64)
		o.reason = bpf.LbReasonReasonPassResolve
		o.counts.Connections = opens
		d.expect(t, d.clients, in, o)
	}
	word(0)
	stack(syn, 1)
	f.isHalfOpen(t, bpf.LbConnStateConnSynRecv, 0)
	f.answers(t, synAck) // to an on-link client, whose MAC is known
	stack(ack, 0)
	f.isEstablished(t, bpf.LbConnStateConnEstablished)
	stack(request, 0)
	word(2)
	f.sends(t, request)
	word(0)
	stack(request, 0)
	edit(t, d.Established4, f.requestKey(), func(c *bpf.LbConn4) { c.NextHop = 0 })
	stack(request, 0)
	edit(t, d.Established4, f.requestKey(), func(c *bpf.LbConn4) { c.NextHop = 1 << 20 })
	stack(request, 0)
}

// TestNextHopChanges: a record is rewritten in the copy that does not count, and made to count at once.
func TestNextHopChanges(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
	f.establishes(t)
	f.sends(t, request)
	old := f.server.host
	moved := d.server(9)
	moved.addr = old.addr // another NIC
	edit(t, d.NextHops, f.server.id, func(n *bpf.LbNextHop) { n.Copy[1] = moved.hop(mtu) })
	f.sends(t, request)
	edit(t, d.NextHops, f.server.id, func(n *bpf.LbNextHop) { n.Word = 2<<32 | 3 })
	f.server.host = moved
	f.sends(t, request)

	near := d.oneArmed(1)
	near.addr = old.addr // another interface
	edit(t, d.NextHops, f.server.id, func(n *bpf.LbNextHop) { n.Copy[0] = near.hop(mtu) })
	f.sends(t, request)
	edit(t, d.NextHops, f.server.id, func(n *bpf.LbNextHop) { n.Word = 3<<32 | 2 })
	f.server.host = near
	f.sends(t, request)
	f.answers(t, answer)
}

// TestTooBig: what does not fit the next hop is dropped, by the length of the IP packet, to the byte.
func TestTooBig(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
	f.establishes(t)
	const small = 600
	d.hop(t, f.server.id, f.server.host, small)
	edit(t, d.Ports, uint32(d.clients.port), func(p *bpf.LbPort) { p.Mtu = small - 100 })
	sized := func(n int) message { return message{flags: packet.ACK, data: strings.Repeat("m", n-40)} }
	f.sends(t, sized(small))
	f.answers(t, sized(small-100))

	in, o := f.toServer(sized(small + 1))
	o.reason = bpf.LbReasonReasonTooBig
	d.expect(t, d.clients, in, o)
	in, o = f.toClient(sized(small - 99))
	o.reason = bpf.LbReasonReasonTooBig
	d.expect(t, d.servers, in, o)

	padded := sized(45)
	padded.pad = 1000 // which is not part of the packet
	f.sends(t, padded)
}

// TestJumbo: a frame that the driver hands over in several pieces is forwarded as one that comes whole.
func TestJumbo(t *testing.T) {
	t.Parallel()
	const jumbo = 9000
	d := newDirector(t)
	tcp := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
	udp := d.serve(t, packet.ProtoUDP, dns, d.server(1)).flow(0, 40000)
	for _, f := range []flow{tcp, udp} {
		f.establishes(t)
		d.hop(t, f.server.id, f.server.host, jumbo)
	}
	edit(t, d.Ports, uint32(d.clients.port), func(p *bpf.LbPort) { p.Mtu = jumbo })
	for name, size := range map[string]int{"one piece": 3000, "two pieces": 5000, "three pieces": jumbo - 40} {
		m := message{flags: packet.ACK, data: strings.Repeat("jumbo", size/5)}
		t.Run(name+", TCP request", func(t *testing.T) { tcp.sends(t, m) })
		t.Run(name+", TCP reply", func(t *testing.T) { tcp.answers(t, m) })
		t.Run(name+", UDP request", func(t *testing.T) { udp.sends(t, m) })
		t.Run(name+", UDP reply", func(t *testing.T) { udp.answers(t, m) })
	}
}

// TestNoDevice: what cannot leave is dropped with the reason, not aborted.
func TestNoDevice(t *testing.T) {
	t.Parallel()
	cases := map[string]func(testing.TB, flow){
		"no device for the port": func(t testing.TB, f flow) {
			if err := f.d.Devices.Delete(uint32(f.d.servers.port)); err != nil {
				t.Error(err)
			}
		},
		"a port beyond the table": func(t testing.TB, f flow) {
			edit(t, f.d.NextHops, f.server.id, func(n *bpf.LbNextHop) { n.Copy[0].Port = 4000 })
		},
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			d := newDirector(t)
			f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
			f.establishes(t)
			spoil(t, f)
			in, o := f.toServer(request)
			o.reason = bpf.LbReasonReasonNoDevice
			d.expect(t, d.clients, in, o)
		})
	}
	t.Run("the client's port is free", func(t *testing.T) {
		d := newDirector(t)
		f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
		f.establishes(t)
		edit(t, d.Ports, uint32(d.clients.port), func(p *bpf.LbPort) { p.Ifindex = 0 })
		in, o := f.toClient(answer)
		o.reason = bpf.LbReasonReasonNoDevice
		d.expect(t, d.servers, in, o)
	})
	t.Run("a request from an interface that is no port", func(t *testing.T) {
		d := newDirector(t)
		f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
		if err := d.PortIds.Delete(d.clients.ifindex); err != nil {
			t.Fatal(err)
		}
		f.dropped(t, syn, bpf.LbReasonReasonNoDevice)
		f.loadIs(t, 0, load{})
	})
}

// TestClientMoves: answers go to where the last request came from, from the next tick on.
func TestClientMoves(t *testing.T) {
	t.Parallel()
	for name, proto := range map[string]uint8{"TCP": packet.ProtoTCP, "UDP": packet.ProtoUDP} {
		t.Run(name, func(t *testing.T) {
			d := setup{tickShift: live}.director(t)
			f := d.serve(t, proto, vip, d.server(1)).flow(0, 40000)
			f.establishes(t)
			f.client.mac = packet.MAC("02:00:00:00:01:ee") // another NIC, or a router that took over
			d.nextTick(t)
			f.sends(t, request)
			f.answers(t, answer)
			f.client.link = d.servers // another interface
			d.nextTick(t)
			f.sends(t, request)
			f.answers(t, answer)
			f.client.link, f.client.mac = d.clients, d.client(0).mac
			d.nextTick(t)
			f.sends(t, request)
			f.answers(t, answer)
		})
	}
}

// TestServersMACIsNotFollowed: only requests say where to send to, so an answer from another MAC changes nothing.
func TestServersMACIsNotFollowed(t *testing.T) {
	t.Parallel()
	d := setup{tickShift: live}.director(t)
	f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
	f.establishes(t)
	d.nextTick(t)
	in, o := f.toClient(answer)
	in = packet.Set(in, 6, packet.MAC("02:00:00:00:02:ee")...)
	d.expect(t, d.servers, in, o)
	f.sends(t, request)
	f.answers(t, answer)
}
