// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"net/netip"
	"testing"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

// stranger is an address that is nobody's here.
var stranger = netip.MustParseAddrPort("192.0.2.200:80")

// TestPass: what is not ours goes up the stack byte for byte, and under the right reason.
func TestPass(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	s := d.serve(t, packet.ProtoTCP, vip, d.server(1))
	s.flow(0, 40000).establishes(t)
	c, srv := d.client(40000), d.server(1)
	eth := packet.Ethernet{Src: c.mac, Dst: d.clients.mac}
	toVIP := packet.IPv4{Src: c.addr.Addr(), Dst: vip.Addr()}
	toPort := func(port uint16) packet.TCP { return packet.TCP{SrcPort: 40000, DstPort: port, Flags: packet.SYN} }
	udp := packet.UDP{SrcPort: 40000, DstPort: 80}
	away := packet.IPv4{Src: c.addr.Addr(), Dst: stranger.Addr()}
	similar := packet.IPv4{Src: c.addr.Addr(), Dst: lookalike(vip.Addr())}
	six := packet.IPv6{Src: netip.MustParseAddr("2001:db8::1"), Dst: netip.MustParseAddr("2001:db8::80")}
	cases := map[string]struct {
		from   link
		frame  []byte
		reason bpf.LbReason
	}{
		"TCP to another address": {d.clients, packet.Build(eth, away, toPort(80)), bpf.LbReasonReasonNotOurs},
		"UDP to another address": {d.clients, packet.Build(eth, away, udp), bpf.LbReasonReasonNotOurs},
		"TCP to an address that only the bitmap takes for ours": {
			d.clients, packet.Build(eth, similar, toPort(80)), bpf.LbReasonReasonNoService},
		"SSH to the virtual server's address": {d.clients, packet.Build(eth, toVIP, toPort(22)), bpf.LbReasonReasonNoService},
		"port 0 of the virtual server":        {d.clients, packet.Build(eth, toVIP, toPort(0)), bpf.LbReasonReasonNoService},
		"the virtual server's port with the other protocol": {
			d.clients, packet.Build(eth, toVIP, udp), bpf.LbReasonReasonNoService},
		"ping to the virtual server": {
			d.clients, packet.Build(eth, toVIP, packet.ICMPv4{Type: 8, ID: 1, Seq: 1}, packet.Text("ping")), bpf.LbReasonReasonNotTransport},
		"ping's answer from the real server": {
			d.servers, packet.Build(packet.Ethernet{Src: srv.mac, Dst: d.servers.mac},
				packet.IPv4{Src: srv.addr.Addr(), Dst: c.addr.Addr()}, packet.ICMPv4{ID: 1, Seq: 1}), bpf.LbReasonReasonNotTransport},
		"SCTP to the virtual server": {
			d.clients, packet.Build(eth, packet.IPv4{Src: c.addr.Addr(), Dst: vip.Addr(), Protocol: packet.Force(132)},
				packet.Text("0123456789abcdef")), bpf.LbReasonReasonNotTransport},
		"a fragmented ping to the virtual server": {
			d.clients, packet.Build(eth, packet.IPv4{Src: c.addr.Addr(), Dst: vip.Addr(), MF: true},
				packet.ICMPv4{Type: 8}, packet.Text("12345678")), bpf.LbReasonReasonNotTransport},
		"VRRP": {d.clients, packet.Build(eth, packet.IPv4{Src: c.addr.Addr(), Dst: netip.MustParseAddr("224.0.0.18"),
			Protocol: packet.Force(112)}, packet.Text("vrrp")), bpf.LbReasonReasonNotOurs},
		"ARP for the virtual server": {d.clients, packet.Build(eth, packet.ARP{SenderMAC: c.mac, SenderIP: c.addr.Addr(), TargetIP: vip.Addr()}),
			bpf.LbReasonReasonNotIp},
		"IPv6": {d.clients, packet.Build(eth, six, toPort(80)), bpf.LbReasonReasonNotIp},
		"VLAN": {d.clients, packet.Build(eth, packet.VLAN{ID: 5}, toVIP, toPort(80)), bpf.LbReasonReasonNotIp},
		"no EtherType that we know": {d.clients, packet.Build(packet.Ethernet{Src: c.mac, Type: packet.Force(0x88cc)}, packet.Text("LLDP")),
			bpf.LbReasonReasonNotIp},
		"the real server speaks for itself": {
			d.servers, message{flags: packet.SYN}.frame(packet.ProtoTCP, leg{srv.mac, d.servers.mac, srv.addr, stranger}, 64),
			bpf.LbReasonReasonNoService},
		"the real server answers a connection that is not there": {
			d.servers, answer.frame(packet.ProtoTCP, leg{srv.mac, d.servers.mac, srv.addr, d.client(40001).addr}, 64),
			bpf.LbReasonReasonNoService},
		"the real server answers from another port": {
			d.servers, answer.frame(packet.ProtoTCP,
				leg{srv.mac, d.servers.mac, netip.AddrPortFrom(srv.addr.Addr(), 22), c.addr}, 64),
			bpf.LbReasonReasonNoService},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { d.passes(t, c.from, c.frame, c.reason) })
	}
}

// TestPassExhausted: a TTL that is used up is ours to judge only in what is ours.
func TestPassExhausted(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
	f.establishes(t)
	c := d.client(40000)
	for _, ttl := range []uint8{0, 1} {
		for name, dst := range map[string]netip.AddrPort{
			"stranger": stranger, "lookalike": netip.AddrPortFrom(lookalike(vip.Addr()), 80), "other port": netip.AddrPortFrom(vip.Addr(), 22),
		} {
			t.Run(name, func(t *testing.T) {
				reason := bpf.LbReasonReasonNoService
				if name == "stranger" {
					reason = bpf.LbReasonReasonNotOurs
				}
				d.passes(t, d.clients, ack.frame(packet.ProtoTCP, leg{c.mac, d.clients.mac, c.addr, dst}, ttl), reason)
			})
		}
	}
}

// TestTTL: a connection's packet is dropped when its TTL would reach 0, in both directions.
func TestTTL(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
	f.establishes(t)
	requests := leg{f.client.mac, d.clients.mac, f.client.addr, vip}
	replies := leg{f.server.mac, d.servers.mac, f.server.addr, f.client.addr}
	for _, ttl := range []uint8{0, 1} {
		d.drops(t, d.clients, ack.frame(packet.ProtoTCP, requests, ttl), bpf.LbReasonReasonTtlExceeded)
		d.drops(t, d.servers, ack.frame(packet.ProtoTCP, replies, ttl), bpf.LbReasonReasonTtlExceeded)
	}
	f.sends(t, message{flags: packet.ACK, ttl: 2})
	f.answers(t, message{flags: packet.ACK, ttl: 2})
}
