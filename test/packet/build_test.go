// SPDX-License-Identifier: Apache-2.0

package packet_test

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/xlb-project/xlb/test/packet"
)

var (
	client = netip.MustParseAddr("10.1.0.1")
	vip    = netip.MustParseAddr("10.1.0.100")
	v6a    = netip.MustParseAddr("2001:db8::1")
	v6b    = netip.MustParseAddr("2001:db8::2")
	ether  = packet.Ethernet{Src: packet.MAC("02:00:00:00:00:01"), Dst: packet.MAC("02:00:00:00:00:02")}
)

// etherHex is ether without its type.
const etherHex = "020000000002 020000000001 "

// knownAnswers are frames with their bytes written out by hand; the checksums were summed up by another program.
var knownAnswers = map[string]struct {
	layers []packet.Layer
	want   string
}{
	"tcp syn": {
		[]packet.Layer{
			ether, packet.IPv4{Src: client, Dst: vip, ID: 0x1234, DF: true},
			packet.TCP{
				SrcPort: 40000, DstPort: 80, Seq: 0x01020304, Flags: packet.SYN,
				Options: slices.Concat(packet.MSS(1460), packet.SACKPermitted(), packet.WindowScale(7)),
			},
		},
		etherHex + "0800" +
			"45 00 0034 1234 4000 40 06 142a 0a010001 0a010064" +
			"9c40 0050 01020304 00000000 80 02 ffff ba14 0000 020405b4 01010402 01030307",
	},
	"udp with an odd length": {
		[]packet.Layer{
			ether, packet.IPv4{Src: client, Dst: vip},
			packet.UDP{SrcPort: 40000, DstPort: 53}, packet.Text("hello"),
		},
		etherHex + "0800" + "45 00 0021 0000 0000 40 11 6666 0a010001 0a010064" + "9c40 0035 000d 0b26 68656c6c6f",
	},
	"udp without a checksum": {
		[]packet.Layer{
			ether, packet.IPv4{Src: client, Dst: vip},
			packet.UDP{SrcPort: 40000, DstPort: 53, Checksum: packet.Force(0)}, packet.Text("hello"),
		},
		etherHex + "0800" + "45 00 0021 0000 0000 40 11 6666 0a010001 0a010064" + "9c40 0035 000d 0000 68656c6c6f",
	},
	"udp whose checksum comes out as zero and is sent as all ones (RFC 768)": {
		[]packet.Layer{
			ether, packet.IPv4{Src: client, Dst: vip},
			packet.UDP{SrcPort: 40000, DstPort: 53}, packet.Payload{0x4e, 0xfe},
		},
		etherHex + "0800" + "45 00 001e 0000 0000 40 11 6669 0a010001 0a010064" + "9c40 0035 000a ffff 4efe",
	},
	"udp over IPv6 in a VLAN": {
		[]packet.Layer{
			ether, packet.VLAN{ID: 100, Priority: 5}, packet.IPv6{Src: v6a, Dst: v6b, HopLimit: packet.Force(255)},
			packet.UDP{SrcPort: 40000, DstPort: 53}, packet.Text("hello"),
		},
		etherHex + "8100 a064 86dd" +
			"60000000 000d 11 ff 20010db8000000000000000000000001 20010db8000000000000000000000002" +
			"9c40 0035 000d c417 68656c6c6f",
	},
	"icmp echo": {
		[]packet.Layer{
			ether, packet.IPv4{Src: client, Dst: vip},
			packet.ICMPv4{Type: 8, ID: 0x1234, Seq: 1}, packet.Text("ping"),
		},
		etherHex + "0800" + "45 00 0020 0000 0000 40 01 6677 0a010001 0a010064" + "08 00 06fa 1234 0001 70696e67",
	},
	"icmpv6 echo": {
		[]packet.Layer{
			ether, packet.IPv6{Src: v6a, Dst: v6b},
			packet.ICMPv6{Type: 128, Body: 0x12340001}, packet.Text("ping"),
		},
		etherHex + "86dd" +
			"60000000 000c 3a 40 20010db8000000000000000000000001 20010db8000000000000000000000002" +
			"80 00 333e 12340001 70696e67",
	},
	"arp request": {
		[]packet.Layer{
			packet.Ethernet{Src: ether.Src, Dst: packet.MAC("ff:ff:ff:ff:ff:ff")},
			packet.ARP{SenderMAC: ether.Src, SenderIP: client, TargetIP: vip},
		},
		"ffffffffffff 020000000001 0806" + "0001 0800 06 04 0001 020000000001 0a010001 000000000000 0a010064",
	},
	"a later fragment with a router alert": {
		[]packet.Layer{
			ether,
			packet.IPv4{
				Src: client, Dst: vip, ID: 1, MF: true, Offset: 0x00ff * 8, TTL: packet.Force(1), TOS: 0xb8,
				Options: []byte{0x94, 4, 0, 0}, Protocol: packet.Force(0xfd),
			},
		},
		etherHex + "0800" + "46 b8 0018 0001 20ff 01 fd edc6 0a010001 0a010064 94040000",
	},
	"everything forced": {
		[]packet.Layer{
			packet.Ethernet{Type: packet.Force(0x1234)},
			packet.IPv4{
				Src: client, Dst: vip, Version: packet.Force(7), IHL: packet.Force(3), Length: packet.Force(9), TTL: packet.Force(0),
				Checksum: packet.Force(0xdead), Protocol: packet.Force(99),
			},
			packet.TCP{Window: packet.Force(0), DataOffset: packet.Force(15), Checksum: packet.Force(0xbeef), Flags: packet.FIN | packet.CWR},
		},
		"000000000000 000000000000 1234" + "73 00 0009 0000 0000 00 63 dead 0a010001 0a010064" +
			"0000 0000 00000000 00000000 f0 81 0000 beef 0000",
	},
}

func TestBuildKnownAnswers(t *testing.T) {
	for name, tt := range knownAnswers {
		t.Run(name, func(t *testing.T) {
			if diff := packet.Diff(unhex(t, tt.want), packet.Build(tt.layers...)); diff != "" {
				t.Errorf("(-by hand +built)\n%s", diff)
			}
		})
	}
}

// Layers nest, which tunnels and ICMP errors need.
func TestBuildNests(t *testing.T) {
	inner := packet.Build(packet.IPv4{Src: client, Dst: vip}, packet.UDP{SrcPort: 1, DstPort: 2}, packet.Text("x"))
	layers := map[string]packet.Layer{
		"ip in ip":   packet.IPv4{Src: vip, Dst: client},
		"ip in ipv6": packet.IPv6{Src: v6a, Dst: v6b},
	}
	for name, outer := range layers {
		frame := packet.Build(
			ether, outer, packet.IPv4{Src: client, Dst: vip}, packet.UDP{SrcPort: 1, DstPort: 2}, packet.Text("x"))
		if err := packet.Check(frame); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.HasSuffix(string(frame), string(inner)) {
			t.Errorf("%s: the inner packet is not there as it is:\n%v", name, packet.Dissect(frame))
		}
	}
	quoting := packet.Build(ether, packet.IPv4{Src: vip, Dst: client}, packet.ICMPv4{Type: 3, Code: 4, Seq: 1400}, packet.Payload(inner))
	if err := packet.Check(quoting); err != nil {
		t.Errorf("icmp error: %v", err)
	}
}

// What a test gets wrong itself stops it at once.
func TestBuildPanics(t *testing.T) {
	ip := packet.IPv4{Src: client, Dst: vip}
	long := make([]byte, 41)
	tests := map[string][]packet.Layer{
		"no such EtherType":         {ether, packet.Text("?")},
		"nothing in Ethernet":       {ether},
		"nothing in a VLAN":         {ether, packet.VLAN{ID: 1}},
		"no protocol":               {ether, ip},
		"no protocol in IPv6":       {ether, packet.IPv6{Src: v6a, Dst: v6b}},
		"IPv6 addresses in IPv4":    {ether, packet.IPv4{Src: v6a, Dst: v6b}, packet.UDP{}},
		"IPv4 addresses in IPv6":    {ether, packet.IPv6{Src: client, Dst: vip}, packet.UDP{}},
		"IPv6 addresses in ARP":     {ether, packet.ARP{SenderIP: v6a, TargetIP: v6b}},
		"no addresses":              {ether, packet.IPv4{}, packet.UDP{}},
		"a short MAC":               {packet.Ethernet{Src: []byte{1}}, ip, packet.UDP{}},
		"a long MAC in ARP":         {ether, packet.ARP{SenderIP: client, TargetIP: vip, SenderMAC: long[:8]}},
		"odd fragment offset":       {ether, packet.IPv4{Src: client, Dst: vip, Offset: 4}, packet.UDP{}},
		"large fragment offset":     {ether, packet.IPv4{Src: client, Dst: vip, Offset: 65536}, packet.UDP{}},
		"too many IP options":       {ether, packet.IPv4{Src: client, Dst: vip, Options: long}, packet.UDP{}},
		"too many TCP options":      {ether, ip, packet.TCP{Options: long}},
		"a checksum without any IP": {packet.UDP{}},
	}
	for name, layers := range tests {
		t.Run(name, func(t *testing.T) {
			expectPanic(t, func() { packet.Build(layers...) })
		})
	}
	t.Run("MAC", func(t *testing.T) { expectPanic(t, func() { packet.MAC("02:00") }) })
	t.Run("EUI-64", func(t *testing.T) { expectPanic(t, func() { packet.MAC("02:00:00:00:00:00:00:01") }) })
	t.Run("Set", func(t *testing.T) { expectPanic(t, func() { packet.Set(make([]byte, 4), 3, 1, 2) }) })
}

func TestFlagsString(t *testing.T) {
	tests := map[packet.Flags]string{
		0: "none", packet.SYN: "SYN", packet.SYN | packet.ACK: "SYN|ACK", 0xff: "FIN|SYN|RST|PSH|ACK|URG|ECE|CWR",
	}
	for f, want := range tests {
		if got := f.String(); got != want {
			t.Errorf("%#02x is %q, want %q", uint8(f), got, want)
		}
	}
}

func expectPanic(t *testing.T, fn func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	fn()
}

// unhex returns the bytes of hexadecimal digits with spaces.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
