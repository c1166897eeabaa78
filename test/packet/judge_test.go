// SPDX-License-Identifier: Apache-2.0

package packet_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/test/packet"
)

// with returns a frame with the given layers in Ethernet.
func with(layers ...packet.Layer) []byte {
	return packet.Build(append([]packet.Layer{ether}, layers...)...)
}

func TestCheckAccepts(t *testing.T) {
	ip := packet.IPv4{Src: client, Dst: vip}
	tests := map[string][]byte{
		"a padded short frame":             packet.Pad(with(ip, packet.UDP{}), 60),
		"a padded short frame with a tag":  packet.Pad(with(packet.VLAN{ID: 1}, ip, packet.UDP{}), 64),
		"a padded ARP packet":              packet.Pad(with(packet.ARP{SenderIP: client, TargetIP: vip}), 60),
		"an unknown EtherType":             packet.Build(packet.Ethernet{Type: packet.Force(0x88cc)}, packet.Text("lldp")),
		"an unknown protocol":              with(packet.IPv4{Src: client, Dst: vip, Protocol: packet.Force(112)}, packet.Text("vrrp")),
		"a first fragment":                 with(packet.IPv4{Src: client, Dst: vip, MF: true}, packet.UDP{Checksum: packet.Force(7)}, packet.Text("12345678")),
		"a later fragment":                 with(packet.IPv4{Src: client, Dst: vip, Offset: 8, Protocol: packet.Force(17)}, packet.Text("12345678")),
		"UDP without a checksum":           with(ip, packet.UDP{Checksum: packet.Force(0)}),
		"two tags":                         with(packet.VLAN{ID: 1, Type: packet.Force(0x88a8)}, packet.VLAN{ID: 2}, ip, packet.TCP{}),
		"IPv6 with no next header":         with(packet.IPv6{Src: v6a, Dst: v6b, NextHeader: packet.Force(59)}),
		"IPv6 with extension headers":      with(packet.IPv6{Src: v6a, Dst: v6b, NextHeader: packet.Force(0)}, extended),
		"a fragment of IPv6":               with(packet.IPv6{Src: v6a, Dst: v6b, NextHeader: packet.Force(44)}, packet.Payload(unhex(t, "1100 0009 00000001 aabb"))),
		"an ICMP error with a short quote": with(ip, packet.ICMPv4{Type: 11}, packet.Payload(packet.Truncate(quoted(packet.TCP{Checksum: packet.Force(1)}), 28))),
		"an ICMP error with a bare quote":  with(ip, packet.ICMPv4{Type: 3}, packet.Payload(packet.Truncate(quoted(packet.UDP{}), 20))),
		"a quote whose TTL ran out":        with(ip, packet.ICMPv4{Type: 11}, packet.Payload(packet.Build(packet.IPv4{Src: client, Dst: vip, TTL: packet.Force(0)}, packet.UDP{}))),
	}
	for name, frame := range tests {
		t.Run(name, func(t *testing.T) {
			if err := packet.Check(frame); err != nil {
				t.Errorf("%v\n%v", err, packet.Dissect(frame))
			}
		})
	}
	for name, tt := range knownAnswers {
		if err := packet.Check(unhex(t, tt.want)); (err != nil) && !strings.Contains(name, "forced") && !strings.Contains(name, "fragment") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// extended is a hop-by-hop header and destination options around a UDP datagram without data; its checksum is in the test's hands.
var extended = packet.Payload("\x3c\x00\x01\x04\x00\x00\x00\x00" + "\x11\x00\x01\x04\x00\x00\x00\x00" + "\x00\x01\x00\x02\x00\x08\xa4\x66")

// quoted returns a packet without Ethernet.
func quoted(inner packet.Layer) []byte {
	return packet.Build(packet.IPv4{Src: client, Dst: vip}, inner, packet.Text("data"))
}

func TestCheckFinds(t *testing.T) {
	force := packet.Force
	ip := packet.IPv4{Src: client, Dst: vip}
	tests := map[string]struct {
		frame []byte
		want  []string // what each problem begins with
	}{
		"nothing at all":          {nil, []string{"Ethernet: truncated: 0 bytes"}},
		"IP version":              {with(packet.IPv4{Src: client, Dst: vip, Version: force(5)}, packet.UDP{}), []string{"IPv4: version 5"}},
		"short IHL":               {with(packet.IPv4{Src: client, Dst: vip, IHL: force(4)}, packet.UDP{}), []string{"IPv4: header length 16"}},
		"long IHL":                {with(packet.IPv4{Src: client, Dst: vip, IHL: force(15)}, packet.UDP{}), []string{"IPv4: header length 60"}},
		"IHL past the frame":      {with(packet.IPv4{Src: client, Dst: vip, IHL: force(15), Length: force(80)}, packet.UDP{}), []string{"IPv4: truncated: 28 bytes where the header needs 60"}},
		"total length":            {with(packet.IPv4{Src: client, Dst: vip, Length: force(100)}, packet.UDP{}), []string{"IPv4: length 100, but only 28"}},
		"IP checksum":             {with(packet.IPv4{Src: client, Dst: vip, Checksum: force(1)}, packet.UDP{}), []string{"IPv4: checksum 0x0001, recomputed 0x666b"}},
		"TTL 0":                   {with(packet.IPv4{Src: client, Dst: vip, TTL: force(0)}, packet.UDP{}), []string{"IPv4: TTL 0"}},
		"odd fragment":            {with(packet.IPv4{Src: client, Dst: vip, MF: true}, packet.UDP{}, packet.Text("123")), []string{"IPv4: a fragment before the last carries 11 bytes"}},
		"fragment too far":        {with(packet.IPv4{Src: client, Dst: vip, Offset: 0xfff8, Protocol: force(17)}, packet.Text("12345678")), []string{"IPv4: the fragment ends at byte 65536"}},
		"TCP checksum":            {with(ip, packet.TCP{Checksum: force(2)}), []string{"TCP: checksum 0x0002, recomputed 0x"}},
		"short TCP header":        {with(ip, packet.TCP{DataOffset: force(4)}), []string{"TCP: header length 16"}},
		"long TCP header":         {with(ip, packet.TCP{DataOffset: force(6)}), []string{"TCP: header length 24 in a segment of 20"}},
		"TCP option past its end": {with(ip, packet.TCP{Options: []byte{2, 10, 0, 0}}), []string{"TCP: malformed options: ?02 0a 00 00"}},
		"TCP option of length 0":  {with(ip, packet.TCP{Options: []byte{1, 1, 9, 0}}), []string{"TCP: malformed options: nop,nop,?09 00"}},
		"TCP option cut off":      {with(ip, packet.TCP{Options: []byte{1, 1, 1, 9}}), []string{"TCP: malformed options: nop,nop,nop,?09"}},
		"UDP checksum":            {with(ip, packet.UDP{Checksum: force(3)}), []string{"UDP: checksum 0x0003, recomputed 0x"}},
		"UDP zero not sent as ones": {
			with(ip, packet.UDP{SrcPort: 40000, DstPort: 53, Checksum: force(0xfffe)}, packet.Payload{0x4e, 0xfe}),
			[]string{"UDP: checksum 0xfffe, recomputed 0xffff"},
		},
		"UDP length":            {with(ip, packet.UDP{Length: force(9)}), []string{"UDP: length 9 where IP carries 8"}},
		"UDP length below 8":    {with(ip, packet.UDP{Length: force(7)}), []string{"UDP: length 7"}},
		"no UDP checksum, IPv6": {with(packet.IPv6{Src: v6a, Dst: v6b}, packet.UDP{Checksum: force(0)}), []string{"UDP: no checksum"}},
		"UDP checksum, IPv6":    {with(packet.IPv6{Src: v6a, Dst: v6b}, packet.UDP{Checksum: force(9)}), []string{"UDP: checksum 0x0009"}},
		"IPv6 hop limit":        {with(packet.IPv6{Src: v6a, Dst: v6b, HopLimit: force(0)}, packet.UDP{}), []string{"IPv6: hop limit 0"}},
		"IPv6 length":           {with(packet.IPv6{Src: v6a, Dst: v6b, Length: force(9)}, packet.UDP{}), []string{"IPv6: length 49, but only 48"}},
		"IPv6 version":          {packet.Set(with(packet.IPv6{Src: v6a, Dst: v6b}, packet.UDP{}), 14, 0x40), []string{"IPv6: version 4"}},
		"IPv6 extension":        {with(packet.IPv6{Src: v6a, Dst: v6b, NextHeader: force(60)}, packet.Payload("\x11\x01\x01\x04\x00\x00\x00\x00")), []string{"Destination: truncated: 8 bytes where the header needs 16"}},
		"IPv6 no extension":     {with(packet.IPv6{Src: v6a, Dst: v6b, NextHeader: force(43)}, packet.Payload("\x11")), []string{"Routing: truncated: 1 bytes"}},
		"ICMP checksum":         {with(ip, packet.ICMPv4{Checksum: force(4)}), []string{"ICMP: checksum 0x0004"}},
		"ICMPv6 checksum":       {with(packet.IPv6{Src: v6a, Dst: v6b}, packet.ICMPv6{Type: 128, Checksum: force(5)}), []string{"ICMPv6: checksum 0x0005"}},
		"ICMP quoting a bad header": {
			with(ip, packet.ICMPv4{Type: 3}, packet.Payload(packet.Build(packet.IPv4{Src: client, Dst: vip, Checksum: force(6)}, packet.UDP{}))),
			[]string{"quoted IPv4: checksum 0x0006"},
		},
		"ARP for something else": {packet.Set(with(packet.ARP{SenderIP: client, TargetIP: vip}), 14, 0, 6), []string{"ARP: not for IPv4 over Ethernet"}},
		"bytes after the end":    {packet.Pad(with(ip, packet.UDP{}), 61), []string{"IPv4: 19 bytes after its end in a frame of 61"}},
		"inner packet": {
			with(ip, packet.IPv4{Src: client, Dst: vip, Checksum: force(7)}, packet.UDP{Checksum: force(8)}),
			[]string{"IPv4: checksum 0x0007", "UDP: checksum 0x0008"},
		},
		"several at once": {
			with(packet.IPv4{Src: client, Dst: vip, TTL: force(0), Checksum: force(9)}, packet.TCP{Checksum: force(10)}),
			[]string{"IPv4: checksum 0x0009", "IPv4: TTL 0", "TCP: checksum 0x000a"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := problems(tt.frame)
			ok := len(got) == len(tt.want)
			for i := range min(len(got), len(tt.want)) {
				ok = ok && strings.HasPrefix(got[i], tt.want[i])
			}
			if !ok {
				t.Errorf("got  %q\nwant %q\n%v", got, tt.want, packet.Dissect(tt.frame))
			}
			if err := packet.Check(tt.frame); fmt.Sprint(err) != strings.Join(got, "\n") {
				t.Errorf("Check returns %v, Problems %q", err, got)
			}
		})
	}
}

func problems(frame []byte) []string {
	var out []string
	for _, p := range packet.Problems(frame) {
		out = append(out, p.Error())
	}
	return out
}

// Every frame that Build makes without a forced value is well-formed, and two programs have computed its checksums: gopacket's sum and
// the judge's.
func TestBuiltFramesAreWellFormed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		frame := drawFrame(t)
		if err := packet.Check(frame); err != nil {
			t.Fatalf("%v\n%v", err, packet.Dissect(frame))
		}
		d := packet.Dissect(frame)
		if again := packet.Dissect(slices.Clone(frame)); !cmp.Equal(d, again, cmp.Comparer(sameTuple)) {
			t.Fatal("two dissections differ")
		}
	})
}

// A single wrong bit is always found, wherever a checksum or a length covers it: from the IP header on.
func TestEveryFlippedBitIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		frame := drawFrame(t)
		bit := rapid.IntRange(14*8, len(frame)*8-1).Draw(t, "bit")
		if field, _ := packet.Dissect(frame).Field("UDP", "Checksum"); field == "0x0000" {
			t.Skip("no checksum")
		}
		bad := packet.FlipBit(frame, bit)
		if sum, _ := packet.Dissect(bad).Field("UDP", "Checksum"); sum == "0x0000" {
			t.Skip("the flipped bit was the only one of the checksum, and zero means none")
		}
		if len(packet.Problems(bad)) == 0 {
			t.Fatalf("bit %d was flipped, which nobody noticed:\n%v", bit, packet.Diff(frame, bad))
		}
	})
}

func TestEveryTruncationIsFound(t *testing.T) {
	for name, tt := range knownAnswers {
		if strings.Contains(name, "forced") {
			continue
		}
		frame := unhex(t, tt.want)
		n := 0
		for short := range packet.Truncations(frame) {
			if len(short) != n {
				t.Fatalf("%s: truncation %d has %d bytes", name, n, len(short))
			}
			if n++; len(packet.Problems(short)) == 0 {
				t.Errorf("%s: cut to %d bytes, which nobody noticed", name, len(short))
			}
		}
		if n != len(frame) {
			t.Errorf("%s: %d truncations of %d bytes", name, n, len(frame))
		}
	}
}

func sameTuple(a, b *packet.Tuple) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
