// SPDX-License-Identifier: Apache-2.0

package nexthop

import "net/netip"

// Link is an interface as the kernel shows it.
type Link struct {
	Index int
	Name  string
	MAC   MAC
	MTU   int
	Up    bool           // administratively up, with carrier
	Addrs []netip.Prefix // its addresses, each with the prefix of its subnet
}

// source is the address to ask for a neighbour with: one of the neighbour's
// subnet, else any of its family, else the unspecified one (RFC 5227, an ARP
// probe, which is answered too).
func (l Link) source(neighbour netip.Addr) netip.Addr {
	var other netip.Addr
	for _, p := range l.Addrs {
		switch {
		case p.Contains(neighbour):
			return p.Addr()
		case !other.IsValid() && p.Addr().BitLen() == neighbour.BitLen():
			other = p.Addr()
		}
	}
	if other.IsValid() {
		return other
	}
	return netip.IPv4Unspecified()
}

// Port is an attached interface as the maps hold it.
type Port struct {
	Number  uint16
	Ifindex int
	MAC     MAC
	MTU     int
}
