// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"encoding/binary"
	"net/netip"
)

// The data path keeps addresses and ports as they stand on the wire, and Go encodes integers in the machine's order: these are the wire's
// bytes, read as the machine reads them.

func be32(a netip.Addr) uint32 {
	b := a.As4()
	return binary.NativeEndian.Uint32(b[:])
}

func be16(port uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, port))
}

// oursBit returns where an address stands in the "ours?" bitmaps.
func oursBit(a netip.Addr) uint32 { return be32(a) * 0x9E3779B1 >> 16 }

// lookalike returns an address that the bitmaps cannot tell from a.
func lookalike(a netip.Addr) netip.Addr {
	for b := a.Next(); ; b = b.Next() {
		if oursBit(b) == oursBit(a) {
			return b
		}
	}
}
