// SPDX-License-Identifier: Apache-2.0

package packet_test

import (
	"testing"

	"github.com/xlb-project/xlb/test/packet"
)

// FuzzDissect feeds the judge what a broken data path could send: it must never panic, and must account for every byte in order.
func FuzzDissect(f *testing.F) {
	for _, tt := range knownAnswers {
		f.Add(unhex(f, tt.want))
	}
	f.Add(with(packet.IPv4{Src: client, Dst: vip}, packet.ICMPv4{Type: 3}, packet.Payload(quoted(packet.TCP{}))))
	f.Add(with(packet.IPv6{Src: v6a, Dst: v6b, NextHeader: packet.Force(0)}, extended))
	f.Add(with(packet.VLAN{ID: 1}, packet.VLAN{ID: 2}, packet.IPv4{Src: client, Dst: vip}, packet.IPv4{Src: vip, Dst: client}, packet.UDP{}))
	f.Fuzz(func(t *testing.T, frame []byte) {
		d := packet.Dissect(frame)
		end := -1
		for _, s := range d.Sections {
			if s.Offset <= end || s.Offset >= len(frame) {
				t.Fatalf("%s begins at %d in a frame of %d, after a section at %d", s.Name, s.Offset, len(frame), end)
			}
			end = s.Offset
		}
		if tuple, err := packet.TupleOf(frame); err == nil && (d.Tuple == nil || *d.Tuple != tuple) {
			t.Fatalf("two tuples: %v and %v", tuple, d.Tuple)
		}
		if (packet.Check(frame) == nil) != (len(d.Problems) == 0) {
			t.Fatal("Check and Dissect disagree")
		}
		if packet.Diff(frame, frame) != "" {
			t.Fatal("a frame differs from itself")
		}
		_ = packet.Diff(frame, nil) + d.String()
	})
}
