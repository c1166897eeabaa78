// SPDX-License-Identifier: Apache-2.0

package packet_test

import (
	"net/netip"
	"slices"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/test/packet"
)

// drawFrame draws a well-formed IPv4 frame with TCP, UDP or ICMP in it, whose checksums all are there.
func drawFrame(t *rapid.T) []byte {
	ip := packet.IPv4{
		Src: drawAddr(t, "src"), Dst: drawAddr(t, "dst"),
		TTL: packet.Force(uint16(rapid.IntRange(1, 255).Draw(t, "ttl"))),
		TOS: rapid.Byte().Draw(t, "tos"), ID: rapid.Uint16().Draw(t, "id"), DF: rapid.Bool().Draw(t, "df"),
		Options: slices.Repeat([]byte{1}, rapid.IntRange(0, 40).Draw(t, "ip options")),
	}
	payload := packet.Payload(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "payload"))
	return packet.Build(ether, ip, drawTransport(t), payload)
}

func drawTransport(t *rapid.T) packet.Layer {
	src, dst := rapid.Uint16().Draw(t, "src port"), rapid.Uint16().Draw(t, "dst port")
	switch rapid.SampledFrom([]string{"tcp", "udp", "icmp"}).Draw(t, "transport") {
	case "tcp":
		options := rapid.SliceOfN(rapid.SampledFrom([][]byte{
			packet.MSS(1460), packet.WindowScale(7), packet.SACKPermitted(), packet.Timestamps(1, 2), {1},
		}), 0, 3).Draw(t, "tcp options")
		return packet.TCP{
			SrcPort: src, DstPort: dst, Seq: rapid.Uint32().Draw(t, "seq"), Ack: rapid.Uint32().Draw(t, "ack"),
			Flags: packet.Flags(rapid.Byte().Draw(t, "flags")), Window: packet.Force(rapid.Uint16().Draw(t, "window")),
			Options: slices.Concat(options...),
		}
	case "udp":
		return packet.UDP{SrcPort: src, DstPort: dst}
	default:
		return packet.ICMPv4{Type: 8, ID: src, Seq: dst}
	}
}

func drawAddr(t *rapid.T, label string) netip.Addr {
	return netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, label)))
}
