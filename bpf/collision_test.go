// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"net/netip"
	"testing"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

// A client that uses one port towards two virtual servers may get the same real server for both: the answers would be the same tuple.

// TestCollisionElsewhere: another real server takes the second connection.
func TestCollisionElsewhere(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"half-open", "established"} {
		t.Run(state, func(t *testing.T) {
			d := newDirector(t)
			f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
			s := d.serve(t, packet.ProtoTCP, otherVIP, d.server(1), d.server(2))
			begin(t, f, state)
			second := s.flow(1, 40000)
			second.establishes(t)
			f.answers(t, synAck)
			f.sends(t, ack)
			f.isEstablished(t, bpf.LbConnStateConnEstablished)
			second.isEstablished(t, bpf.LbConnStateConnEstablished)
			f.sends(t, request)
			second.sends(t, request)
			f.answers(t, answer)
			second.answers(t, answer)
			f.loadIs(t, 0, load{Active: 1})
			second.loadIs(t, 0, load{})
			second.loadIs(t, 1, load{Active: 1})
			s.flow(0, 40001).establishes(t) // rr goes on where it was
		})
	}
}

// begin brings a flow into a state.
func begin(t testing.TB, f flow, state string) {
	t.Helper()
	if state == "established" {
		f.establishes(t)
		return
	}
	f.opens(t, syn)
}

// TestCollisionRefused: with no other real server the second connection is refused, and the first goes on unharmed.
func TestCollisionRefused(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"half-open", "established"} {
		t.Run(state, func(t *testing.T) {
			d := newDirector(t)
			f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
			s := d.serve(t, packet.ProtoTCP, otherVIP, d.server(1))
			begin(t, f, state)
			s.flow(0, 40000).dropped(t, syn, bpf.LbReasonReasonCollision)
			s.loadIs(t, 0, load{})
			s.flow(0, 40001).establishes(t)
			f.answers(t, synAck)
			f.sends(t, ack)
			f.isEstablished(t, bpf.LbConnStateConnEstablished)
			f.loadIs(t, 0, load{Active: 1})
		})
	}
}

// TestCollisionTries: real servers are tried in their order, four at most.
func TestCollisionTries(t *testing.T) {
	t.Parallel()
	const tries = 4
	for taken := range tries + 1 {
		d := newDirector(t)
		var servers []host
		for i := range tries + 1 {
			servers = append(servers, d.server(i+1))
			if i < taken {
				other := netip.AddrPortFrom(vip.Addr(), uint16(8000+i))
				d.serve(t, packet.ProtoTCP, other, d.server(i+1)).flow(0, 40000).establishes(t)
			}
		}
		s := d.serve(t, packet.ProtoTCP, otherVIP, servers...)
		if taken < tries {
			s.flow(taken, 40000).opens(t, syn)
			continue
		}
		s.flow(0, 40000).dropped(t, syn, bpf.LbReasonReasonCollision)
	}
}

// TestCollisionOver: what has ended is in nobody's way.
func TestCollisionOver(t *testing.T) {
	t.Parallel()
	cases := map[string]func(testing.TB, flow){
		"refused half-open": func(t testing.TB, f flow) {
			f.opens(t, syn)
			f.answers(t, message{flags: packet.RST | packet.ACK})
		},
		"half-open and idle": func(t testing.TB, f flow) {
			f.opens(t, syn)
			f.age(t, f.d.HalfOpen4, idleTicks, f.requestKey(), f.replyKey())
		},
		"established and idle": func(t testing.TB, f flow) {
			f.establishes(t)
			f.age(t, f.d.Established4, idleTicks, f.requestKey(), f.replyKey())
		},
		"cut": func(t testing.TB, f flow) {
			f.establishes(t)
			f.cut(t)
		},
	}
	for name, end := range cases {
		t.Run(name, func(t *testing.T) {
			d := newDirector(t)
			f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
			s := d.serve(t, packet.ProtoTCP, otherVIP, d.server(1))
			end(t, f)
			s.flow(0, 40000).establishes(t)
			f.loadIs(t, 0, load{})
			s.loadIs(t, 0, load{Active: 1})
		})
	}
}

// TestReuse: a SYN after the end begins a new connection, with the next real server, and the counts stay right.
func TestReuse(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	s := d.serve(t, packet.ProtoTCP, vip, d.server(1), d.server(2))
	alone := d.serve(t, packet.ProtoTCP, otherVIP, d.server(3)).flow(0, 40000)
	for _, state := range closing {
		t.Run(state, func(t *testing.T) {
			old, next := s.flow(0, 40000), s.flow(1, 40000)
			old.establishes(t)
			old.setState(t, state)
			next.opens(t, syn)
			old.isNotEstablished(t)
			s.loadIs(t, 0, load{})
			s.loadIs(t, 1, load{HalfOpen: 1})
			next.answers(t, synAck)
			next.sends(t, ack)
			next.isEstablished(t, bpf.LbConnStateConnEstablished)
			s.loadIs(t, 0, load{})
			s.loadIs(t, 1, load{Active: 1})
			d.passes(t, d.servers, first(old.reply(answer)), bpf.LbReasonReasonNoService)
			next.cut(t)
		})
		t.Run(state+", only one real server", func(t *testing.T) {
			for range 3 {
				alone.establishes(t)
				alone.setState(t, state)
			}
			alone.establishes(t)
			alone.isEstablished(t, bpf.LbConnStateConnEstablished)
			alone.loadIs(t, 0, load{Active: 1})
			alone.cut(t)
		})
	}
}
