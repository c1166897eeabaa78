// SPDX-License-Identifier: Apache-2.0

package maps

import "net"

// MAC is an Ethernet address, comparable and without a backing array.
type MAC [6]byte

// String is the usual notation with colons.
func (m MAC) String() string { return net.HardwareAddr(m[:]).String() }

// IsZero says that no address is set.
func (m MAC) IsZero() bool { return m == MAC{} }

// MACFrom takes the first six bytes of an address; a shorter one, such as that
// of a tunnel, gives the zero MAC.
func MACFrom(a net.HardwareAddr) MAC {
	if len(a) < 6 {
		return MAC{}
	}
	return MAC(a[:6])
}
