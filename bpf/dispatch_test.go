// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/test/packet"
)

// scene is one frame of a play.
type scene struct {
	name  string
	from  link
	frame []byte
}

// conversation is a play that tries most of what can become of a frame.
func conversation(d *director) []scene {
	s := &service{d: d, proto: packet.ProtoTCP, addr: vip}
	f := flow{s, d.client(40000), real{host: d.server(1)}}
	client := func(name string, m message) scene { return scene{name, d.clients, first(f.request(m))} }
	server := func(name string, m message) scene { return scene{name, d.servers, first(f.reply(m))} }
	c := d.client(40000)
	return []scene{
		client("no connection", ack),
		client("SYN", syn),
		server("SYN and ACK", synAck),
		client("ACK", ack),
		client("request", request),
		server("answer", answer),
		client("TTL 1", message{flags: packet.ACK, ttl: 1}),
		client("FIN", fin),
		server("FIN back", fin),
		{"cut off", d.clients, packet.Truncate(first(f.request(ack)), 50)},
		{"not ours", d.clients, ack.frame(packet.ProtoTCP, leg{c.mac, d.clients.mac, c.addr, stranger}, 64)},
		{"ARP", d.clients, packet.Build(packet.Ethernet{Src: c.mac}, packet.ARP{SenderIP: c.addr.Addr(), TargetIP: vip.Addr()})},
	}
}

// TestDispatchEmpty: with nothing in the slot everything passes, and nothing is counted or remembered.
func TestDispatchEmpty(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	d.serve(t, packet.ProtoTCP, vip, d.server(1))
	before := d.tally(t)
	for _, s := range conversation(d) {
		t.Run(s.name, func(t *testing.T) {
			verdict, out := d.run(t, d.XlbDispatch, s.from, s.frame)
			if verdict != xdpPass || !bytes.Equal(s.frame, out) {
				t.Errorf("verdict %d:\n%s", verdict, packet.Diff(s.frame, out))
			}
		})
	}
	if diff := cmp.Diff(before, d.tally(t)); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

// TestDispatch: with the program in the slot the dispatcher does what the program does.
func TestDispatch(t *testing.T) {
	t.Parallel()
	direct, through := newDirector(t), newDirector(t)
	for _, d := range []*director{direct, through} {
		d.serve(t, packet.ProtoTCP, vip, d.server(1))
	}
	put(t, through.Programs, uint32(0), through.XlbIngress)
	scenes := conversation(through)
	for i, s := range conversation(direct) {
		t.Run(s.name, func(t *testing.T) {
			want, wantFrame := direct.run(t, direct.XlbIngress, s.from, s.frame)
			got, gotFrame := through.run(t, through.XlbDispatch, scenes[i].from, scenes[i].frame)
			if want != got {
				t.Errorf("verdict %d, want %d", got, want)
			}
			if diff := packet.Diff(wantFrame, gotFrame); diff != "" {
				t.Errorf("frame (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(direct.tally(t), through.tally(t)); diff != "" {
				t.Errorf("counters (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("emptied again", func(t *testing.T) {
		before := through.tally(t)
		if err := through.Programs.Delete(uint32(0)); err != nil {
			t.Fatal(err)
		}
		if verdict, _ := through.run(t, through.XlbDispatch, scenes[1].from, scenes[1].frame); verdict != xdpPass {
			t.Errorf("verdict %d, want %d", verdict, xdpPass)
		}
		if diff := cmp.Diff(before, through.tally(t)); diff != "" {
			t.Errorf("counters (-want +got):\n%s", diff)
		}
	})
}
