// SPDX-License-Identifier: Apache-2.0

package packet_test

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/test/packet"
)

func TestDiff(t *testing.T) {
	ip := packet.IPv4{Src: client, Dst: vip}
	syn := packet.TCP{SrcPort: 40000, DstPort: 80, Flags: packet.SYN}
	want := with(ip, syn)
	tests := map[string]struct {
		got  []byte
		want string
	}{
		"equal": {want, ""},
		"an address and the checksums over it": {
			with(packet.IPv4{Src: client, Dst: client}, syn),
			"IPv4.Dst: -10.1.0.100 +10.1.0.1\n" +
				"IPv4.Checksum: -0x666a +0x66cd\n" +
				"TCP.Checksum: -0xfeeb +0xff4e\n" +
				"first difference at byte 25 (IPv4): -[6a 0a 01 00 01 0a 01 00] +[cd 0a 01 00 01 0a 01 00]; lengths -54 +54\n",
		},
		"what is wrong with it is said": {
			with(ip, packet.TCP{SrcPort: 40000, DstPort: 80, Flags: packet.SYN | packet.ACK, Checksum: packet.Force(0xfeeb)}),
			"TCP.Flags: -SYN +SYN|ACK\n" +
				"! TCP: checksum 0xfeeb, recomputed 0xfedb\n" +
				"first difference at byte 47 (TCP): -[02 ff ff fe eb 00 00] +[12 ff ff fe eb 00 00]; lengths -54 +54\n",
		},
		"another layer": {
			with(ip, packet.UDP{SrcPort: 40000, DstPort: 80, Checksum: packet.Force(0)}),
			"IPv4.Length: -40 +28\n" +
				"IPv4.Protocol: -6 +17\n" +
				"IPv4.Checksum: -0x666a +0x666b\n" +
				"- TCP SrcPort=40000 DstPort=80 Seq=0 Ack=0 DataOffset=5 Reserved=0x0 Flags=SYN Window=65535 Checksum=0xfeeb Urgent=0\n" +
				"+ UDP SrcPort=40000 DstPort=80 Length=8 Checksum=0x0000\n" +
				"first difference at byte 17 (IPv4): -[28 00 00 00 00 40 06 66] +[1c 00 00 00 00 40 11 66]; lengths -54 +42\n",
		},
		"a field that was not there": {
			with(ip, packet.TCP{SrcPort: 40000, DstPort: 80, Flags: packet.SYN, Options: packet.MSS(1460)}),
			"IPv4.Length: -40 +44\n" +
				"IPv4.Checksum: -0x666a +0x6666\n" +
				"TCP.DataOffset: -5 +6\n" +
				"TCP.Checksum: -0xfeeb +0xe72f\n" +
				"TCP.Options: +mss:1460\n" +
				"first difference at byte 17 (IPv4): -[28 00 00 00 00 40 06 66] +[2c 00 00 00 00 40 06 66]; lengths -54 +58\n",
		},
		"nothing": {
			nil,
			"- Ethernet Dst=02:00:00:00:00:02 Src=02:00:00:00:00:01 Type=0x0800\n" +
				"- IPv4 Src=10.1.0.1 Dst=10.1.0.100 Version=4 IHL=5 TOS=0x00 Length=40 ID=0 Reserved=0 DF=0 MF=0 Offset=0 TTL=64 Protocol=6 Checksum=0x666a\n" +
				"- TCP SrcPort=40000 DstPort=80 Seq=0 Ack=0 DataOffset=5 Reserved=0x0 Flags=SYN Window=65535 Checksum=0xfeeb Urgent=0\n" +
				"! Ethernet: truncated: 0 bytes where the header needs 14\n" +
				"first difference at byte 0 (before any layer): -[02 00 00 00 00 02 02 00] +end; lengths -54 +0\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := packet.Diff(want, tt.got); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// Padding and the end of a long payload are no fields, and still make a difference.
func TestDiffNeverMissesAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawFrame(t)
		b := rapid.OneOf(
			rapid.Just(bytes.Clone(a)),
			rapid.Custom(func(t *rapid.T) []byte { return packet.FlipBit(a, rapid.IntRange(0, len(a)*8-1).Draw(t, "bit")) }),
			rapid.Custom(func(t *rapid.T) []byte { return packet.Truncate(a, rapid.IntRange(0, len(a)).Draw(t, "length")) }),
			rapid.Custom(func(t *rapid.T) []byte { return packet.Pad(a, rapid.IntRange(0, 500).Draw(t, "size")) }),
			rapid.SliceOf(rapid.Byte()),
		).Draw(t, "other")
		if diff := packet.Diff(a, b); (diff == "") != bytes.Equal(a, b) {
			t.Fatalf("equal is %v, the difference\n%s", bytes.Equal(a, b), diff)
		}
	})
}

func TestDissectionString(t *testing.T) {
	frame := with(packet.VLAN{ID: 7}, packet.IPv4{Src: client, Dst: vip, Options: []byte{1, 1, 1, 0}},
		packet.UDP{SrcPort: 1, DstPort: 2, Checksum: packet.Force(1)}, packet.Payload(strings.Repeat("x", 50)))
	want := "Ethernet Dst=02:00:00:00:00:02 Src=02:00:00:00:00:01 Type=0x8100\n" +
		"VLAN ID=7 Priority=0 DEI=0 Type=0x0800\n" +
		"IPv4 Src=10.1.0.1 Dst=10.1.0.100 Version=4 IHL=6 TOS=0x00 Length=82 ID=0 Reserved=0 DF=0 MF=0 Offset=0 TTL=64 Protocol=17 Checksum=0x6334 Options=01 01 01 00\n" +
		"UDP SrcPort=1 DstPort=2 Length=58 Checksum=0x0001\n" +
		"Payload Length=50 Data=\"" + strings.Repeat("x", 48) + "\"...\n" +
		"! UDP: checksum 0x0001, recomputed 0x274d\n"
	d := packet.Dissect(frame)
	if got := d.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for i, offset := range []int{0, 14, 18, 42, 50} {
		if got := d.Sections[i].Offset; got != offset {
			t.Errorf("%s begins at %d, want %d", d.Sections[i].Name, got, offset)
		}
	}
	if v, ok := d.Field("IPv4", "TTL"); v != "64" || !ok {
		t.Errorf("TTL %q, %v", v, ok)
	}
	for _, absent := range [][2]string{{"TCP", "Seq"}, {"UDP", "Seq"}} {
		if v, ok := d.Field(absent[0], absent[1]); ok {
			t.Errorf("there is %v: %s", absent, v)
		}
	}
}
