// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

const (
	ethernetSize = 14
	ipSize       = 20
)

// bent is a frame that no valid sender makes, on its way from a client to an address.
type bent func(dst netip.Addr) []byte

// bentFrames are all that is wrong within a frame that is long enough to tell.
func bentFrames(d *director) map[string]bent {
	c := d.client(40000)
	tcp := packet.TCP{SrcPort: 40000, DstPort: 80, Flags: packet.ACK}
	udp := packet.UDP{SrcPort: 40000, DstPort: 53}
	build := func(ip packet.IPv4, layers ...packet.Layer) bent {
		return func(dst netip.Addr) []byte {
			ip.Src, ip.Dst = c.addr.Addr(), dst
			return packet.Build(append([]packet.Layer{packet.Ethernet{Src: c.mac, Dst: d.clients.mac}, ip}, layers...)...)
		}
	}
	data := packet.Payload(make([]byte, 40))
	frames := map[string]bent{
		"IP version 6":                           build(packet.IPv4{Version: packet.Force(6)}, tcp, data),
		"IP version 0":                           build(packet.IPv4{Version: packet.Force(0)}, tcp, data),
		"total length beyond the frame":          build(packet.IPv4{Length: packet.Force(20 + 20 + 40 + 1)}, tcp, data),
		"total length 65535":                     build(packet.IPv4{Length: packet.Force(65535)}, tcp, data),
		"total length 0":                         build(packet.IPv4{Length: packet.Force(0)}, tcp, data),
		"total length below the header's":        build(packet.IPv4{Length: packet.Force(19)}, tcp, data),
		"total length below that of the options": build(packet.IPv4{IHL: packet.Force(15), Length: packet.Force(59)}, tcp, data),
		"header length beyond the frame": func(dst netip.Addr) []byte {
			return packet.Truncate(build(packet.IPv4{IHL: packet.Force(15), Length: packet.Force(60)}, tcp)(dst), ethernetSize+59)
		},
		"no room for TCP":                        build(packet.IPv4{Length: packet.Force(20)}, tcp, data),
		"one byte too few for TCP":               build(packet.IPv4{Length: packet.Force(39)}, tcp, data),
		"no room for TCP after options":          build(packet.IPv4{IHL: packet.Force(6), Length: packet.Force(43)}, tcp, data),
		"TCP header beyond the packet":           build(packet.IPv4{Length: packet.Force(40)}, packet.TCP{DataOffset: packet.Force(6)}, data),
		"TCP header far beyond the packet":       build(packet.IPv4{}, packet.TCP{DataOffset: packet.Force(15)}, packet.Text("39 bytes")),
		"no room for UDP":                        build(packet.IPv4{Length: packet.Force(20)}, udp, data),
		"one byte too few for UDP":               build(packet.IPv4{Length: packet.Force(27)}, udp, data),
		"UDP length beyond the packet":           build(packet.IPv4{}, packet.UDP{DstPort: 53, Length: packet.Force(8 + 40 + 1)}, data),
		"UDP length beyond it, in the padding":   build(packet.IPv4{Length: packet.Force(28)}, packet.UDP{Length: packet.Force(9)}, data),
		"UDP length 65535":                       build(packet.IPv4{}, packet.UDP{DstPort: 53, Length: packet.Force(65535)}, data),
		"UDP length below the header's":          build(packet.IPv4{}, packet.UDP{DstPort: 53, Length: packet.Force(7)}, data),
		"UDP length 0, which IPv4 has no use of": build(packet.IPv4{}, packet.UDP{DstPort: 53, Length: packet.Force(0)}, data),
	}
	for i := range uint16(5) {
		frames[fmt.Sprintf("IP header of %d words", i)] = build(packet.IPv4{IHL: packet.Force(i)}, tcp, data)
		frames[fmt.Sprintf("TCP header of %d words", i)] = build(packet.IPv4{}, packet.TCP{DataOffset: packet.Force(i)}, data)
	}
	return frames
}

// TestMalformed: dropped when it is to a virtual server's address for certain, else passed as it is.
func TestMalformed(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000).establishes(t)
	d.serve(t, packet.ProtoUDP, dns, d.server(1)).flow(0, 40000).establishes(t)
	srv := d.server(1)
	for name, bent := range bentFrames(d) {
		t.Run(name, func(t *testing.T) {
			d.drops(t, d.clients, bent(vip.Addr()), bpf.LbReasonReasonMalformed)
			d.passes(t, d.clients, bent(stranger.Addr()), bpf.LbReasonReasonNotOurs)
			d.passes(t, d.clients, bent(lookalike(vip.Addr())), bpf.LbReasonReasonNotOurs)
			fromServer := packet.Set(bent(d.client(40000).addr.Addr()), ethernetSize+12, srv.addr.Addr().AsSlice()...)
			d.passes(t, d.servers, fromServer, bpf.LbReasonReasonNotOurs)
		})
	}
}

// TestTruncated cuts frames of connections at every byte: as a broken link would, and with lengths that agree with the cut.
func TestTruncated(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	tcp := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
	udp := d.serve(t, packet.ProtoUDP, dns, d.server(1)).flow(0, 40000)
	tcp.establishes(t)
	udp.establishes(t)
	for name, f := range map[string]flow{"TCP": tcp, "UDP": udp} {
		m := message{flags: packet.ACK, data: "payload"}
		if f.proto == packet.ProtoTCP {
			m.tcpOptions = packet.Timestamps(1, 2)
		}
		request, _ := f.request(m)
		reply, _ := f.reply(m)
		t.Run(name+" request", func(t *testing.T) { d.truncations(t, d.clients, request, bpf.LbReasonReasonMalformed) })
		t.Run(name+" reply", func(t *testing.T) { d.truncations(t, d.servers, reply, bpf.LbReasonReasonNotOurs) })
	}
}

// truncations expects every part of a frame that ends within the IP packet to meet the same fate.
func (d *director) truncations(t *testing.T, from link, frame []byte, reason bpf.LbReason) {
	t.Helper()
	transport := transportSize(frame)
	for part := range packet.Truncations(frame) {
		if len(part) < ethernetSize {
			continue // the kernel runs no program on these
		}
		want := reason
		if len(part) < ethernetSize+ipSize {
			want = bpf.LbReasonReasonNotIp
		}
		d.expect(t, from, part, outcome{reason: want})
		if n := len(part) - ethernetSize; n >= ipSize && n < ipSize+transport {
			agreeing := packet.Set(part, ethernetSize+2, byte(n>>8), byte(n))
			d.expect(t, from, agreeing, outcome{reason: want})
			d.expect(t, from, packet.Pad(agreeing, 60), outcome{reason: want})
		}
	}
}

// transportSize returns how many bytes a frame's transport needs: TCP's header, or all of the datagram that UDP's header announces.
func transportSize(frame []byte) int {
	if frame[ethernetSize+9] == packet.ProtoUDP {
		return int(binary.BigEndian.Uint16(frame[ethernetSize+ipSize+4:]))
	}
	return int(frame[ethernetSize+ipSize+12]>>4) * 4
}

// TestFragments: a fragment to a virtual server is dropped, for its connection cannot be known; others pass.
func TestFragments(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000).establishes(t)
	d.serve(t, packet.ProtoUDP, dns, d.server(1)).flow(0, 40000).establishes(t)
	c, srv := d.client(40000), d.server(1)
	whole := packet.Build(packet.IPv4{Src: c.addr.Addr(), Dst: vip.Addr()},
		packet.UDP{SrcPort: 40000, DstPort: 53}, packet.Payload(make([]byte, 64)))[ipSize:]
	tcpHeader := packet.Build(packet.IPv4{Src: c.addr.Addr(), Dst: vip.Addr()},
		packet.TCP{SrcPort: 40000, DstPort: 80, Flags: packet.SYN}, packet.Payload(make([]byte, 44)))[ipSize:]
	pieces := map[string]struct {
		ip   packet.IPv4
		data []byte
	}{
		"first of UDP":          {packet.IPv4{MF: true, Protocol: packet.Force(17)}, whole[:24]},
		"middle of UDP":         {packet.IPv4{MF: true, Offset: 24, Protocol: packet.Force(17)}, whole[24:48]},
		"last of UDP":           {packet.IPv4{Offset: 48, Protocol: packet.Force(17)}, whole[48:]},
		"first of TCP":          {packet.IPv4{MF: true, Protocol: packet.Force(6)}, tcpHeader[:32]},
		"last of TCP":           {packet.IPv4{Offset: 32, Protocol: packet.Force(6)}, tcpHeader[32:]},
		"tiny first of TCP":     {packet.IPv4{MF: true, Protocol: packet.Force(6)}, tcpHeader[:8]},
		"overlaps TCP's flags":  {packet.IPv4{Offset: 8, Protocol: packet.Force(6)}, tcpHeader[8:]},
		"at the largest offset": {packet.IPv4{Offset: 0xfff8, Protocol: packet.Force(17)}, whole[:8]},
	}
	for name, p := range pieces {
		frame := func(src, dst netip.Addr) []byte {
			p.ip.Src, p.ip.Dst, p.ip.ID = src, dst, 77
			return packet.Build(packet.Ethernet{Src: c.mac, Dst: d.clients.mac}, p.ip, packet.Payload(p.data))
		}
		t.Run(name, func(t *testing.T) {
			d.drops(t, d.clients, frame(c.addr.Addr(), vip.Addr()), bpf.LbReasonReasonFragment)
			d.passes(t, d.clients, frame(c.addr.Addr(), stranger.Addr()), bpf.LbReasonReasonNotOurs)
			d.passes(t, d.clients, frame(c.addr.Addr(), lookalike(vip.Addr())), bpf.LbReasonReasonNotOurs)
			d.passes(t, d.servers, frame(srv.addr.Addr(), c.addr.Addr()), bpf.LbReasonReasonNotOurs)
		})
	}
}
