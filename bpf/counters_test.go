// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

// TestCounters adds up a connection by hand: IP lengths, whatever the frame's.
func TestCounters(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	s := d.serve(t, packet.ProtoTCP, vip, d.server(1), d.server(2))
	padded := message{flags: packet.ACK, pad: 60}
	f := s.flow(0, 40000)
	f.opens(t, syn)                                                 // 44 bytes
	f.answers(t, synAck)                                            // 44
	f.sends(t, padded)                                              // 40
	f.sends(t, message{flags: packet.ACK, data: "0123456789"})      // 50
	f.answers(t, message{flags: packet.ACK, data: "01234", ttl: 2}) // 45
	s.flow(1, 40001).opens(t, syn)
	want := map[uint32]counters{
		1: {Connections: 1, InPackets: 3, InBytes: 134, OutPackets: 2, OutBytes: 89},
		2: {Connections: 1, InPackets: 1, InBytes: 44},
	}
	got := d.tally(t)
	if diff := cmp.Diff(want, got.Reals); diff != "" {
		t.Errorf("real servers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[uint32]counters{1: want[1].plus(want[2])}, got.Services); diff != "" {
		t.Errorf("virtual server (-want +got):\n%s", diff)
	}
	for n := range s.reals {
		if l := find[bpf.LbRealLoad](t, d.Loads, s.reals[n].id); l.Total != 1 {
			t.Errorf("real server %d had %d connections in total, want 1", n, l.Total)
		}
	}
}
