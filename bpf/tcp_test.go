// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

// TestTCPConversation plays a whole connection: once with time standing still, where packets take the short way, and once with a tick
// between any two packets, where each keeps time; to a server behind another interface, and behind the clients' own.
func TestTCPConversation(t *testing.T) {
	t.Parallel()
	for _, arms := range []string{"two arms", "one arm"} {
		for _, pace := range []string{"within a tick", "a tick a packet"} {
			t.Run(arms+", "+pace, func(t *testing.T) {
				s, tick := setup{tickShift: frozen}, func() {}
				if pace != "within a tick" {
					s.tickShift = live
				}
				d := s.director(t)
				if s.tickShift == live {
					tick = func() { d.nextTick(t) }
				}
				server := d.server(1)
				if arms == "one arm" {
					server = d.oneArmed(1)
				}
				converse(t, d.serve(t, packet.ProtoTCP, vip, server).flow(0, 40000), tick)
			})
		}
	}
}

// converse plays f from SYN to data, calling tick between packets, and looks at tables and counts after each step.
func converse(t *testing.T, f flow, tick func()) {
	t.Helper()
	f.opens(t, syn)
	f.isHalfOpen(t, bpf.LbConnStateConnSynRecv, 0)
	f.loadIs(t, 0, load{HalfOpen: 1})
	tick()
	f.sends(t, syn) // again
	f.isHalfOpen(t, bpf.LbConnStateConnSynRecv, 0)
	f.loadIs(t, 0, load{HalfOpen: 1})
	tick()
	f.answers(t, synAck)
	f.isHalfOpen(t, bpf.LbConnStateConnSynRecv, bpf.LbConnFlagConnFlagAnswered)
	tick()
	f.answers(t, synAck) // again
	tick()
	f.sends(t, ack)
	f.isEstablished(t, bpf.LbConnStateConnEstablished)
	f.loadIs(t, 0, load{Active: 1})
	for range 3 {
		tick()
		f.sends(t, request)
		tick()
		f.answers(t, answer)
		tick()
		f.sends(t, ack)
	}
	f.isEstablished(t, bpf.LbConnStateConnEstablished)
	f.loadIs(t, 0, load{Active: 1})
}

// TestTCPContents sends what is unusual within a valid segment, both ways.
func TestTCPContents(t *testing.T) {
	t.Parallel()
	options := slices.Concat(packet.MSS(1460), packet.SACKPermitted(), packet.Timestamps(1, 2), packet.WindowScale(7))
	cases := map[string]message{
		"no data":                      ack,
		"one byte":                     {flags: packet.ACK, data: "x"},
		"odd length":                   {flags: packet.ACK, data: "odd"},
		"as much as the MTU allows":    {flags: packet.ACK, data: strings.Repeat("m", mtu-40)},
		"TCP options":                  {flags: packet.ACK, tcpOptions: options, data: "data"},
		"as many TCP options as fit":   {flags: packet.ACK, tcpOptions: slices.Repeat([]byte{1}, 40)},
		"IP options":                   {flags: packet.ACK, ipOptions: []byte{0x94, 4, 0, 0}, data: "data"}, // router alert
		"as many IP options as fit":    {flags: packet.ACK, ipOptions: slices.Repeat([]byte{1}, 40), data: "data"},
		"both kinds of options":        {flags: packet.ACK, ipOptions: slices.Repeat([]byte{1}, 40), tcpOptions: options},
		"urgent, ECN":                  {flags: packet.ACK | packet.URG | packet.ECE | packet.CWR, data: "!"},
		"no flags":                     {data: "none"},
		"padded to Ethernet's minimum": {flags: packet.ACK, pad: 60},
		"data and padding":             {flags: packet.ACK, data: "x", pad: 60},
		"TTL 2":                        {flags: packet.ACK, ttl: 2},
		"TTL 255":                      {flags: packet.ACK, ttl: 255},
		"SYN again":                    syn,
	}
	d := newDirector(t)
	f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
	f.establishes(t)
	for name, m := range cases {
		t.Run(name, func(t *testing.T) {
			f.sends(t, m)
			f.answers(t, m)
			f.isEstablished(t, bpf.LbConnStateConnEstablished)
		})
	}
}

// TestTCPChecksums sends many different sums, and those that come out as 0: for TCP, unlike UDP, that is a sum like any other.
func TestTCPChecksums(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
	f.establishes(t)
	t.Run("many", func(t *testing.T) {
		for i := range 500 {
			m := message{flags: packet.ACK, id: uint16(i * 131), data: string([]byte{byte(i), byte(i * 7)})}
			f.sends(t, m)
			f.answers(t, m)
		}
	})
	both := map[string]func(message) (in, out []byte){"request": f.request, "reply": f.reply}
	play := map[string]func(testing.TB, message){"request": f.sends, "reply": f.answers}
	for way, frames := range both {
		t.Run(way+", IP 0", func(t *testing.T) {
			play[way](t, search(t, frames, func(i uint16) message { return message{flags: packet.ACK, id: i} }, 24, 0))
		})
		t.Run(way+", TCP 0", func(t *testing.T) {
			play[way](t, search(t, frames, func(i uint16) message {
				return message{flags: packet.ACK, data: string([]byte{byte(i >> 8), byte(i)})}
			}, 50, 0))
		})
	}
}

// search returns the message that comes out with a certain 16-bit value at an offset.
func search(t testing.TB, frames func(message) (in, out []byte), make func(uint16) message, offset int, value uint16) message {
	t.Helper()
	for i := range 1 << 16 {
		m := make(uint16(i))
		if _, out := frames(m); uint16(out[offset])<<8|uint16(out[offset+1]) == value {
			return m
		}
	}
	t.Fatalf("no message comes out with %#04x at %d", value, offset)
	return message{}
}

// TestTCPWrongChecksum: what was damaged before the director must not come out as good.
func TestTCPWrongChecksum(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
	f.establishes(t)
	for name, offset := range map[string]int{"IP": 24, "TCP": 50, "data": 54} {
		t.Run(name, func(t *testing.T) {
			in, o := f.toServer(request)
			bad := packet.Set(in, offset, in[offset]^0x55)
			_, out := d.run(t, d.XlbIngress, f.client.link, bad)
			if packet.Check(out) == nil {
				t.Errorf("a damaged frame came out good:\n%v", packet.Dissect(out))
			}
			if name == "data" && packet.Diff(packet.Set(o.frame, offset, bad[offset]), out) != "" {
				t.Errorf("the checksum is not that of the undamaged frame")
			}
		})
	}
}

// TestTCPHalfOpen sends what does not complete a handshake.
func TestTCPHalfOpen(t *testing.T) {
	t.Parallel()
	cases := map[string]func(testing.TB, flow){
		"ACK before the server answered": func(t testing.TB, f flow) {
			f.sends(t, ack)
			f.isHalfOpen(t, bpf.LbConnStateConnSynRecv, 0)
		},
		"data before the server answered": func(t testing.TB, f flow) {
			f.sends(t, request)
			f.isHalfOpen(t, bpf.LbConnStateConnSynRecv, 0)
		},
		"the server's ACK without SYN": func(t testing.TB, f flow) {
			f.answers(t, ack)
			f.sends(t, ack)
			f.isHalfOpen(t, bpf.LbConnStateConnSynRecv, 0)
		},
		"the client answers with SYN and ACK too": func(t testing.TB, f flow) {
			f.answers(t, synAck)
			f.sends(t, synAck)
			f.isHalfOpen(t, bpf.LbConnStateConnSynRecv, bpf.LbConnFlagConnFlagAnswered)
		},
		"no ACK": func(t testing.TB, f flow) {
			f.answers(t, synAck)
			f.isHalfOpen(t, bpf.LbConnStateConnSynRecv, bpf.LbConnFlagConnFlagAnswered)
		},
	}
	for name, play := range cases {
		t.Run(name, func(t *testing.T) {
			d := newDirector(t)
			f := d.serve(t, packet.ProtoTCP, vip, d.server(1), d.server(2)).flow(0, 40000)
			f.opens(t, syn)
			play(t, f)
			f.loadIs(t, 0, load{HalfOpen: 1})
			f.loadIs(t, 1, load{})
		})
	}
}

// TestTCPRefused: a reset ends a half-open connection, and the next SYN is a new one.
func TestTCPRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]func(testing.TB, flow){
		"by the server": func(t testing.TB, f flow) {
			f.answers(t, message{flags: packet.RST | packet.ACK})
		},
		"by the client": func(t testing.TB, f flow) { f.sends(t, rst) },
		"by the client after the answer": func(t testing.TB, f flow) {
			f.answers(t, synAck)
			f.sends(t, rst)
		},
	}
	for name, refuse := range cases {
		t.Run(name, func(t *testing.T) {
			d := newDirector(t)
			s := d.serve(t, packet.ProtoTCP, vip, d.server(1), d.server(2))
			f := s.flow(0, 40000)
			f.opens(t, syn)
			refuse(t, f)
			f.loadIs(t, 0, load{})
			f.dropped(t, ack, bpf.LbReasonReasonNoConnection)
			s.flow(1, 40000).opens(t, syn)
			f.loadIs(t, 0, load{})
			f.loadIs(t, 1, load{HalfOpen: 1})
		})
	}
}
