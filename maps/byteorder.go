// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// The C side declares addresses and ports __be32 and __be16; the generated Go
// has plain integers in their place, whose bytes in memory are what counts.

// addr4 is an address as the C side sees it: loaded natively from the packet.
func addr4(a netip.Addr) (uint32, error) {
	a = a.Unmap()
	if !a.Is4() {
		return 0, fmt.Errorf("address %v: %w: want IPv4", a, ErrFamily)
	}
	b := a.As4()
	return binary.NativeEndian.Uint32(b[:]), nil
}

// fromAddr4 reverses addr4.
func fromAddr4(v uint32) netip.Addr {
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], v)
	return netip.AddrFrom4(b)
}

// port16 swaps a port between host and network order; it is its own inverse.
func port16(p uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], p)
	return binary.NativeEndian.Uint16(b[:])
}

// endpoint is an address and port in network order, IPv4.
func endpoint(ap netip.AddrPort) (addr uint32, port uint16, err error) {
	addr, err = addr4(ap.Addr())
	return addr, port16(ap.Port()), err
}

// fromEndpoint reverses endpoint.
func fromEndpoint(addr uint32, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(fromAddr4(addr), port16(port))
}

// addr16 spreads an address over four words, IPv4 in the first, with its
// family: 4, 6, or 0 for the zero address.
func addr16(a netip.Addr) (words [4]uint32, family uint8) {
	switch a = a.Unmap(); {
	case a.Is4():
		b := a.As4()
		words[0] = binary.NativeEndian.Uint32(b[:])
		return words, 4
	case a.Is6():
		b := a.As16()
		for i := range words {
			words[i] = binary.NativeEndian.Uint32(b[4*i:])
		}
		return words, 6
	}
	return words, 0
}

// fromAddr16 reverses addr16; any family but 4 and 6 gives the zero address.
func fromAddr16(words [4]uint32, family uint32) netip.Addr {
	switch family {
	case 4:
		return fromAddr4(words[0])
	case 6:
		var b [16]byte
		for i, w := range words {
			binary.NativeEndian.PutUint32(b[4*i:], w)
		}
		return netip.AddrFrom16(b).Unmap()
	}
	return netip.Addr{}
}
