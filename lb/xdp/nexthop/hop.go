// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"fmt"
	"net"
	"net/netip"
)

// MAC is an Ethernet address.
type MAC [6]byte

// String is the usual form, "02:00:00:00:00:01".
func (m MAC) String() string { return net.HardwareAddr(m[:]).String() }

// IsZero reports whether no address is known.
func (m MAC) IsZero() bool { return m == MAC{} }

// macOf converts what netlink gives; anything but six bytes is no Ethernet
// address and comes out as zero.
func macOf(b net.HardwareAddr) (m MAC) {
	if len(b) == len(m) {
		copy(m[:], b)
	}
	return m
}

// Hop is how a frame leaves: the content of one next hop.
type Hop struct {
	Dst, Src MAC
	Port     uint16 // number of the attached interface, in the map of ports
	Ifindex  int
	MTU      int // largest IP packet
}

// Via names a neighbour: an address on the link of an interface.
type Via struct {
	Addr    netip.Addr
	Ifindex int
}

// String is for logs: "192.0.2.1 on interface 3".
func (v Via) String() string { return fmt.Sprintf("%s on interface %d", v.Addr, v.Ifindex) }

// compare orders by address, then by interface.
func (v Via) compare(w Via) int {
	if c := v.Addr.Compare(w.Addr); c != 0 {
		return c
	}
	return v.Ifindex - w.Ifindex
}

// Record is one next hop as the maps hold it.
type Record struct {
	ID       uint32
	Target   netip.Addr // what it leads to, by the routing table
	Hop      Hop        // meaningless until it was resolved once
	Resolved bool
}

// Gateway is a registered gateway and the number of its next hop.
type Gateway struct {
	Via
	ID uint32
}
