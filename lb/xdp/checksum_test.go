// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/maps"
	"github.com/xlb-project/xlb/test/packet"
)

func drawAddrPort(t *rapid.T, name string) netip.AddrPort {
	var a [4]byte
	for i := range a {
		a[i] = rapid.Byte().Draw(t, name)
	}
	return netip.AddrPortFrom(netip.AddrFrom4(a), uint16(rapid.IntRange(1, 65535).Draw(t, name+" port")))
}

// Applied to a packet's checksums as the data path applies them, the deltas
// give the checksums of the rewritten packet, worked out from scratch.
func TestDeltasProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := maps.Tuple{Src: drawAddrPort(t, "from"), Dst: drawAddrPort(t, "to"), Proto: 6}
		src, dst := drawAddrPort(t, "new from"), drawAddrPort(t, "new to")
		frame := func(src, dst netip.AddrPort, ttl uint16) []byte {
			return packet.Build(
				packet.Ethernet{},
				packet.IPv4{Src: src.Addr(), Dst: dst.Addr(), TTL: packet.Force(ttl)},
				packet.TCP{SrcPort: src.Port(), DstPort: dst.Port(), Flags: packet.SYN},
				packet.Text("data"),
			)
		}
		before, after := frame(from.Src, from.Dst, 64), frame(src, dst, 63)
		l3, l4 := deltas(from, src, dst)
		for _, c := range []struct {
			name   string
			offset int
			delta  uint16
		}{{"IP", 14 + 10, l3}, {"TCP", 14 + 20 + 16, l4}} {
			got := applied(binary.NativeEndian.Uint16(before[c.offset:]), c.delta)
			want := binary.NativeEndian.Uint16(after[c.offset:])
			if got != want && (got != 0 || want != 0xffff) && (got != 0xffff || want != 0) {
				t.Fatalf("%s checksum %#04x, want %#04x", c.name, got, want)
			}
		}
	})
}

// applied is csum_apply in bpf/csum.h.
func applied(check, delta uint16) uint16 {
	sum := uint32(^check) + uint32(delta)
	return ^uint16(sum&0xffff + sum>>16)
}
