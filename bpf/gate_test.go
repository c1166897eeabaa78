// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"testing"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

// instance is one whose gate the tests open and close.
const instance = 7

// gated makes a virtual server for each protocol that belongs to the instance, and opens its gate.
func gated(t *testing.T) (d *director, tcp, udp *service) {
	t.Helper()
	d = newDirector(t)
	tcp = d.serve(t, packet.ProtoTCP, vip, d.server(1))
	udp = d.serve(t, packet.ProtoUDP, dns, d.server(1))
	for _, s := range []*service{tcp, udp} {
		edit(t, d.Services, s.id, func(v *bpf.LbService) { v.Config |= instance << 16 })
	}
	d.gate(t, true)
	return d, tcp, udp
}

func (d *director) gate(t testing.TB, open bool) {
	t.Helper()
	put(t, d.Gates, uint32(instance), bpf.LbGate{Open: map[bool]uint64{true: 1}[open]})
}

// TestGateClosed: new connections go up the stack as they are, for this node may be a real server of the active one.
func TestGateClosed(t *testing.T) {
	t.Parallel()
	d, tcp, udp := gated(t)
	d.gate(t, false)
	for name, m := range map[string]message{"SYN": syn, "ACK": ack, "FIN": fin, "RST": rst, "exhausted": {flags: packet.SYN, ttl: 1}} {
		t.Run(name, func(t *testing.T) {
			in, _ := tcp.flow(0, 40000).request(m)
			d.passes(t, d.clients, in, bpf.LbReasonReasonGateClosed)
		})
	}
	in, _ := udp.flow(0, 40000).request(message{data: "question"})
	d.passes(t, d.clients, in, bpf.LbReasonReasonGateClosed)
	tcp.loadIs(t, 0, load{})
	udp.loadIs(t, 0, load{})

	d.gate(t, true)
	tcp.flow(0, 40000).opens(t, syn)
	udp.flow(0, 40000).opens(t, message{data: "question"})
}

// TestGateClosedLater: what began before goes on, whatever its state.
func TestGateClosedLater(t *testing.T) {
	t.Parallel()
	d, tcp, udp := gated(t)
	begun, done, question, said := tcp.flow(0, 40000), tcp.flow(0, 40001), udp.flow(0, 40000), udp.flow(0, 40001)
	begun.opens(t, syn)
	done.establishes(t)
	question.opens(t, message{data: "question"})
	said.establishes(t)

	d.gate(t, false)
	begun.sends(t, syn)
	begun.answers(t, synAck)
	begun.sends(t, ack)
	begun.isEstablished(t, bpf.LbConnStateConnEstablished)
	done.sends(t, request)
	done.answers(t, answer)
	question.sends(t, message{data: "question"})
	question.answers(t, message{data: "answer"})
	question.isEstablished(t, bpf.LbConnStateConnUdp)
	said.sends(t, message{data: "more"})
	done.sends(t, fin)
	done.answers(t, fin)
	done.isEstablished(t, bpf.LbConnStateConnTimeWait)

	in, _ := done.request(syn) // begins anew, which the gate forbids
	d.passes(t, d.clients, in, bpf.LbReasonReasonGateClosed)
	done.isNotEstablished(t)
	tcp.loadIs(t, 0, load{Active: 1})
}

// TestGatesAreApart: an instance's gate says nothing of another's.
func TestGatesAreApart(t *testing.T) {
	t.Parallel()
	d, tcp, _ := gated(t)
	free := d.serve(t, packet.ProtoTCP, otherVIP, d.server(2))
	d.gate(t, false)
	free.flow(0, 40000).establishes(t)
	put(t, d.Gates, uint32(0), bpf.LbGate{})
	d.gate(t, true)
	tcp.flow(0, 40000).establishes(t)
	in, _ := free.flow(0, 40001).request(syn)
	d.passes(t, d.clients, in, bpf.LbReasonReasonGateClosed)
}

// TestNoConnection: of all combinations of flags, a SYN without ACK, FIN and RST begins a connection. What belongs to none is dropped: the stack
// would reset the client.
func TestNoConnection(t *testing.T) {
	t.Parallel()
	_, tcp, _ := gated(t)
	for flags := range packet.Flags(0xff) {
		f := tcp.flow(0, 40000+uint16(flags))
		if opening := flags & (packet.SYN | packet.ACK | packet.FIN | packet.RST); opening == packet.SYN {
			f.opens(t, message{flags: flags})
			f.isHalfOpen(t, bpf.LbConnStateConnSynRecv, 0)
			continue
		}
		f.dropped(t, message{flags: flags}, bpf.LbReasonReasonNoConnection)
	}
	tcp.loadIs(t, 0, load{HalfOpen: 16})
}

// TestNoServer: a virtual server without a usable real server takes nothing.
func TestNoServer(t *testing.T) {
	t.Parallel()
	cases := map[string]func(testing.TB, *director, *service){
		"no slots": func(t testing.TB, d *director, s *service) {
			edit(t, d.Services, s.id, func(v *bpf.LbService) { v.Slots = 0 })
		},
		"a slot that names nobody": func(t testing.TB, d *director, s *service) {
			put(t, d.Slots, uint32(0), bpf.LbSlot{})
		},
		"a slot that names a free record": func(t testing.TB, d *director, s *service) {
			put(t, d.Slots, uint32(0), bpf.LbSlot{Real: 60})
		},
		"a slot that names nothing that can be": func(t testing.TB, d *director, s *service) {
			put(t, d.Slots, uint32(0), bpf.LbSlot{Real: 1 << 20})
		},
		"slots beyond the table": func(t testing.TB, d *director, s *service) {
			edit(t, d.Services, s.id, func(v *bpf.LbService) { v.Slots = 0xffffff | 1<<24 })
		},
		"a scheduler that is not there": func(t testing.TB, d *director, s *service) {
			edit(t, d.Services, s.id, func(v *bpf.LbService) { v.Config = 0xff })
		},
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			d := newDirector(t)
			s := d.serve(t, packet.ProtoTCP, vip, d.server(1))
			before := s.flow(0, 40000)
			before.establishes(t)
			spoil(t, d, s)
			s.flow(0, 40001).dropped(t, syn, bpf.LbReasonReasonNoServer)
			before.sends(t, request)
			before.answers(t, answer)
			s.loadIs(t, 0, load{Active: 1})
		})
	}
}

// TestMigrating: while tables are exchanged, what may have a connection in the other one is held back, not judged.
func TestMigrating(t *testing.T) {
	t.Parallel()
	d, tcp, udp := gated(t)
	f := tcp.flow(0, 40000)
	f.establishes(t)
	d.tune(t, func(v *bpf.LbTunables) { v.Migrating = 1 })

	f.sends(t, request)
	f.answers(t, answer)
	tcp.flow(0, 40001).establishes(t)
	tcp.flow(0, 40002).dropped(t, ack, bpf.LbReasonReasonMigrating)
	tcp.flow(0, 40002).dropped(t, rst, bpf.LbReasonReasonMigrating)
	udp.flow(0, 40002).dropped(t, message{data: "question"}, bpf.LbReasonReasonMigrating)
	d.drops(t, d.servers, first(tcp.flow(0, 40002).reply(answer)), bpf.LbReasonReasonMigrating)
	ssh, _ := flow{&service{proto: packet.ProtoTCP, addr: stranger}, d.client(40002), real{host: d.server(1)}}.request(ack)
	d.passes(t, d.clients, ssh, bpf.LbReasonReasonNotOurs)

	d.tune(t, func(v *bpf.LbTunables) { v.Migrating = 0 })
	tcp.flow(0, 40002).dropped(t, ack, bpf.LbReasonReasonNoConnection)
	udp.flow(0, 40002).opens(t, message{data: "question"})
	d.passes(t, d.servers, first(tcp.flow(0, 40002).reply(answer)), bpf.LbReasonReasonNoService)
}

// first returns the frame that goes in.
func first(in, _ []byte) []byte { return in }
