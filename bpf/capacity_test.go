// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

// TestTableFull: a connection that finds no room waits half-open, uncounted, and gets in when there is some.
func TestTableFull(t *testing.T) {
	t.Parallel()
	for _, entries := range []uint32{4, 5} { // with 5 there is room for one half of the third
		t.Run(fmt.Sprint(entries), func(t *testing.T) {
			d := setup{tickShift: frozen, established: entries}.director(t)
			s := d.serve(t, packet.ProtoTCP, vip, d.server(1))
			a, b, c := s.flow(0, 40000), s.flow(0, 40001), s.flow(0, 40002)
			a.establishes(t)
			b.establishes(t)
			c.opens(t, syn)
			c.answers(t, synAck)
			for range 3 {
				c.dropped(t, ack, bpf.LbReasonReasonTableFull)
				c.isHalfOpen(t, bpf.LbConnStateConnSynRecv, bpf.LbConnFlagConnFlagAnswered)
				s.loadIs(t, 0, load{Active: 2, HalfOpen: 1})
			}
			a.sends(t, request)
			b.answers(t, answer)
			c.answers(t, synAck)
			a.cut(t)
			c.sends(t, ack)
			c.isEstablished(t, bpf.LbConnStateConnEstablished)
			s.loadIs(t, 0, load{Active: 2})
		})
	}
}

// TestTableFullUDP: an answer that finds no room is dropped; the next one gets in.
func TestTableFullUDP(t *testing.T) {
	t.Parallel()
	d := setup{tickShift: frozen, established: 2}.director(t)
	s := d.serve(t, packet.ProtoUDP, dns, d.server(1))
	a, b := s.flow(0, 40000), s.flow(0, 40001)
	a.establishes(t)
	b.opens(t, message{data: "question"})
	d.drops(t, d.servers, first(b.reply(message{data: "answer"})), bpf.LbReasonReasonTableFull)
	s.loadIs(t, 0, load{Active: 1, HalfOpen: 1})
	a.cut(t)
	b.answers(t, message{data: "answer"})
	b.isEstablished(t, bpf.LbConnStateConnUdp)
	s.loadIs(t, 0, load{Active: 1})
}

// TestFlood: SYNs that nobody completes turn over the half-open table, and leave what is established alone.
func TestFlood(t *testing.T) {
	t.Parallel()
	const (
		connections = 200
		floods      = 200_000
	)
	d := setup{tickShift: frozen, established: 2 * (connections + 1), halfOpen: 2048}.director(t)
	s := d.serve(t, packet.ProtoTCP, vip, d.server(1), d.server(2), d.server(3))
	for i := range connections {
		s.flow(i%3, 40000+uint16(i)).establishes(t)
	}
	before := d.counted(t)["redirect"]
	d.flood(t, floods)
	counts := d.counted(t)
	if got := counts["redirect"] - before; got != floods || len(counts) != 1 {
		t.Errorf("%d of %d SYNs were forwarded; counted: %v", got, floods, counts)
	}
	for i := range connections {
		f := s.flow(i%3, 40000+uint16(i))
		f.sends(t, request)
		f.answers(t, answer)
		f.isEstablished(t, bpf.LbConnStateConnEstablished)
	}
	legitimate := s.flow((connections+floods)%3, 50000)
	legitimate.establishes(t)
}

// TestHalfEvicted: the half-open table evicts entries, not pairs. A client that repeats itself gets its connection all the same.
func TestHalfEvicted(t *testing.T) {
	t.Parallel()
	for name, proto := range map[string]uint8{"TCP": packet.ProtoTCP, "UDP": packet.ProtoUDP} {
		d := newDirector(t)
		s := d.serve(t, proto, vip, d.server(1))
		evict := func(t *testing.T, k bpf.LbConn4Key) {
			t.Helper()
			if err := d.HalfOpen4.Delete(k); err != nil {
				t.Fatal(err)
			}
		}
		goesOn := func(t *testing.T, f flow) {
			t.Helper()
			f.answers(t, synAck)
			f.sends(t, ack)
			f.answers(t, answer)
			f.sends(t, request)
		}
		t.Run(name+", the request half", func(t *testing.T) {
			f := s.flow(0, 40000)
			f.opens(t, syn)
			evict(t, f.requestKey())
			f.opens(t, syn)
			goesOn(t, f)
		})
		t.Run(name+", the reply half", func(t *testing.T) {
			f := s.flow(0, 40001)
			f.opens(t, syn)
			evict(t, f.replyKey())
			f.sends(t, syn)
			goesOn(t, f)
		})
	}
}

// flood sends n SYNs to vip from as many addresses.
func (d *director) flood(t testing.TB, n int) {
	t.Helper()
	c := d.client(1)
	var err error
	d.do(func() {
		for i := range n {
			src := netip.AddrFrom4([4]byte{100, byte(64 + i>>16), byte(i >> 8), byte(i)})
			frame := syn.frame(packet.ProtoTCP, leg{c.mac, d.clients.mac, netip.AddrPortFrom(src, 1234), vip}, 64)
			if _, _, err = runHere(d.XlbIngress, d.clients, frame); err != nil {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
