// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

// flow is a connection as a test wants it: who speaks to which virtual server, and which real server answers.
type flow struct {
	*service
	client host
	server real
}

// flow returns a flow from a port of the usual client to the nth real server.
func (s *service) flow(n int, port uint16) flow {
	return flow{s, s.d.client(port), s.reals[n]}
}

// message is what the ends say, which is the same before and after the director, except for the TTL.
type message struct {
	flags      packet.Flags // TCP
	data       string
	ttl        uint8 // on arrival; 0: 64
	id         uint16
	ipOptions  []byte
	tcpOptions []byte
	unsummed   bool // UDP without a checksum
	pad        int  // length of the frame at least
}

// leg is one stretch of a packet's way.
type leg struct {
	srcMAC, dstMAC net.HardwareAddr
	src, dst       netip.AddrPort
}

// frame returns the message on a leg, from scratch.
func (m message) frame(proto uint8, l leg, ttl uint8) []byte {
	ip := packet.IPv4{
		Src: l.src.Addr(), Dst: l.dst.Addr(), TTL: packet.Force(uint16(ttl)), ID: m.id, DF: true, Options: m.ipOptions,
	}
	var transport packet.Layer = packet.TCP{
		SrcPort: l.src.Port(), DstPort: l.dst.Port(), Seq: 1000, Ack: 2000, Flags: m.flags, Options: m.tcpOptions,
	}
	if proto == packet.ProtoUDP {
		udp := packet.UDP{SrcPort: l.src.Port(), DstPort: l.dst.Port()}
		if m.unsummed {
			udp.Checksum = packet.Force(0)
		}
		transport = udp
	}
	return packet.Pad(unpadded(packet.Ethernet{Src: l.srcMAC, Dst: l.dstMAC}, ip, transport, packet.Text(m.data)), m.pad)
}

// unpadded builds a frame that ends where its IPv4 packet says.
func unpadded(layers ...packet.Layer) []byte {
	frame := packet.Build(layers...)
	return packet.Truncate(frame, 14+int(binary.BigEndian.Uint16(frame[16:])))
}

// request returns a frame from the client, and as it must reach the server.
func (f flow) request(m message) (in, out []byte) {
	ttl := or(m.ttl, 64)
	in = m.frame(f.proto, leg{f.client.mac, f.client.link.mac, f.client.addr, f.addr}, ttl)
	out = m.frame(f.proto, leg{f.server.link.mac, f.server.mac, f.client.addr, f.server.addr}, ttl-1)
	return in, out
}

// reply returns a frame from the server, and as it must reach the client.
func (f flow) reply(m message) (in, out []byte) {
	ttl := or(m.ttl, 64)
	in = m.frame(f.proto, leg{f.server.mac, f.server.link.mac, f.server.addr, f.client.addr}, ttl)
	out = m.frame(f.proto, leg{f.client.link.mac, f.client.mac, f.addr, f.client.addr}, ttl-1)
	return in, out
}

// forwarded is the outcome of a frame that leaves for to, having come from from.
func (f flow) forwarded(from, to host, out []byte) outcome {
	o := outcome{reason: bpf.LbReasonReasonRedirect, frame: out, service: f.id, real: f.server.id}
	if from.link.ifindex == to.link.ifindex {
		o.reason = bpf.LbReasonReasonTx
	}
	return o
}

// size returns the length of the IP packet: what comes after 14 bytes of Ethernet, without padding.
func (m message) size(proto uint8) uint64 {
	m.pad = 0
	any4 := netip.AddrPortFrom(netip.IPv4Unspecified(), 1)
	return uint64(len(m.frame(proto, leg{src: any4, dst: any4}, 64)) - 14)
}

// toServer is what must become of a request.
func (f flow) toServer(m message) (in []byte, o outcome) {
	in, out := f.request(m)
	o = f.forwarded(f.client, f.server.host, out)
	o.counts = counters{InPackets: 1, InBytes: m.size(f.proto)}
	return in, o
}

// toClient is what must become of a reply.
func (f flow) toClient(m message) (in []byte, o outcome) {
	in, out := f.reply(m)
	o = f.forwarded(f.server.host, f.client, out)
	o.counts = counters{OutPackets: 1, OutBytes: m.size(f.proto)}
	return in, o
}

// opens sends a request that begins a connection.
func (f flow) opens(t testing.TB, m message) {
	t.Helper()
	in, o := f.toServer(m)
	o.counts.Connections = 1
	f.d.expect(t, f.client.link, in, o)
}

// sends sends a request that must reach the server.
func (f flow) sends(t testing.TB, m message) {
	t.Helper()
	in, o := f.toServer(m)
	f.d.expect(t, f.client.link, in, o)
}

// answers sends a reply that must reach the client.
func (f flow) answers(t testing.TB, m message) {
	t.Helper()
	in, o := f.toClient(m)
	f.d.expect(t, f.server.link, in, o)
}

// dropped sends a request that must be dropped uncounted.
func (f flow) dropped(t testing.TB, m message, why bpf.LbReason) {
	t.Helper()
	in, _ := f.request(m)
	f.d.drops(t, f.client.link, in, why)
}

var (
	syn     = message{flags: packet.SYN, tcpOptions: packet.MSS(1460)}
	synAck  = message{flags: packet.SYN | packet.ACK, tcpOptions: packet.MSS(1460)}
	ack     = message{flags: packet.ACK}
	rst     = message{flags: packet.RST}
	fin     = message{flags: packet.FIN | packet.ACK}
	request = message{flags: packet.PSH | packet.ACK, data: "GET / HTTP/1.1\r\n\r\n"}
	answer  = message{flags: packet.PSH | packet.ACK, data: "HTTP/1.1 204 No Content\r\n\r\n"}
)

// establishes plays the beginning of a connection: TCP's handshake, UDP's first exchange.
func (f flow) establishes(t testing.TB) {
	t.Helper()
	if f.proto == packet.ProtoUDP {
		f.opens(t, message{data: "question"})
		f.answers(t, message{data: "answer"})
		return
	}
	f.opens(t, syn)
	f.answers(t, synAck)
	f.sends(t, ack)
}

// requestKey is what requests are found by.
func (f flow) requestKey() bpf.LbConn4Key { return key(f.proto, f.client.addr, f.addr) }

// replyKey is what replies are found by.
func (f flow) replyKey() bpf.LbConn4Key { return key(f.proto, f.server.addr, f.client.addr) }

func key(proto uint8, src, dst netip.AddrPort) bpf.LbConn4Key {
	return bpf.LbConn4Key{
		Saddr: be32(src.Addr()), Daddr: be32(dst.Addr()), Sport: be16(src.Port()), Dport: be16(dst.Port()), Proto: proto,
	}
}

// halves returns the entries of a table that a connection to an on-link client must have. Time and checksums are not in them.
func (f flow) halves(state bpf.LbConnState, flags bpf.LbConnFlag) (request, reply bpf.LbConn4) {
	request = bpf.LbConn4{
		Saddr: be32(f.client.addr.Addr()), Sport: be16(f.client.addr.Port()),
		Daddr: be32(f.server.addr.Addr()), Dport: be16(f.server.addr.Port()),
		Service: f.id, Real: f.server.id, NextHop: f.server.id, Status: uint32(state) | uint32(flags),
		Mac: [6]byte(f.client.mac), Port: f.client.link.port,
	}
	reply = request
	reply.Saddr, reply.Sport = be32(f.addr.Addr()), be16(f.addr.Port())
	reply.Daddr, reply.Dport = request.Saddr, request.Sport
	reply.NextHop = 0
	reply.Status = uint32(state) | uint32(bpf.LbConnFlagConnFlagReply|bpf.LbConnFlagConnFlagInline)
	return request, reply
}

// isEstablished fails the test unless the established table has the connection in a state.
func (f flow) isEstablished(t testing.TB, state bpf.LbConnState) {
	t.Helper()
	request, reply := f.halves(state, 0)
	sameEntry(t, "request half", request, find[bpf.LbConn4](t, f.d.Established4, f.requestKey()))
	sameEntry(t, "reply half", reply, find[bpf.LbConn4](t, f.d.Established4, f.replyKey()))
}

// isHalfOpen fails the test unless the half-open table has the connection, and the established one has not.
func (f flow) isHalfOpen(t testing.TB, state bpf.LbConnState, flags bpf.LbConnFlag) {
	t.Helper()
	request, reply := f.halves(state, flags)
	sameEntry(t, "half-open request half", request, find[bpf.LbConn4](t, f.d.HalfOpen4, f.requestKey()))
	sameEntry(t, "half-open reply half", reply, find[bpf.LbConn4](t, f.d.HalfOpen4, f.replyKey()))
	f.isNotEstablished(t)
}

// isNotEstablished fails the test if the established table has a half of the connection.
func (f flow) isNotEstablished(t testing.TB) {
	t.Helper()
	for _, k := range []bpf.LbConn4Key{f.requestKey(), f.replyKey()} {
		if c := find[bpf.LbConn4](t, f.d.Established4, k); c != nil {
			t.Fatalf("established: %+v", c)
		}
	}
}

func sameEntry(t testing.TB, what string, want bpf.LbConn4, got *bpf.LbConn4) {
	t.Helper()
	if got == nil {
		t.Fatalf("%s: there is none", what)
	}
	if diff := cmp.Diff(want, *got, cmpopts.IgnoreFields(bpf.LbConn4{}, "L3Delta", "L4Delta", "Seen")); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}
