// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"encoding/binary"
	"net/netip"

	"github.com/xlb-project/xlb/maps"
)

// deltas are what a rewrite adds to the checksums of the IP header, TTL
// included, and of TCP or UDP: the sum of ~m + m' over the words that it
// changes (RFC 1624, equation 3), as nat_deltas in bpf/nat.h works them out.
func deltas(from maps.Tuple, src, dst netip.AddrPort) (l3, l4 uint16) {
	addresses := replaced(from.Src.Addr(), src.Addr()) + replaced(from.Dst.Addr(), dst.Addr())
	ports := replacedWord(from.Src.Port(), src.Port()) + replacedWord(from.Dst.Port(), dst.Port())
	const ttl = 0x0100 // its word loses this much
	return native(fold(addresses + uint32(^uint16(ttl)))), native(fold(addresses + ports))
}

// replaced is what replacing an IPv4 address adds.
func replaced(from, to netip.Addr) uint32 {
	f, t := from.As4(), to.As4()
	return replacedWord(binary.BigEndian.Uint16(f[:2]), binary.BigEndian.Uint16(t[:2])) +
		replacedWord(binary.BigEndian.Uint16(f[2:]), binary.BigEndian.Uint16(t[2:]))
}

func replacedWord(from, to uint16) uint32 { return uint32(^from) + uint32(to) }

// fold brings a sum of 16-bit words back into 16 bits.
func fold(sum uint32) uint16 {
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return uint16(sum)
}

// native is a sum of words in network order as the data path adds it: it loads
// such words as they lie in memory.
func native(sum uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], sum)
	return binary.NativeEndian.Uint16(b[:])
}
