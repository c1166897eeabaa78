// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"net/netip"
)

// MaxWeight of a real server, as in keepalived and IPVS.
const MaxWeight = 65535

// checkAddr refuses addresses that no host can have for others to reach.
func (c *checker) checkAddr(a netip.Addr) {
	const fix = "give the address of a host (unicast)"
	switch {
	case !a.IsValid():
		c.add(ErrInvalid, "give an address and a port", "has no address")
	case a.Zone() != "":
		c.add(ErrInvalid, "leave the zone out and use a global address", "%s has a zone", a)
	case a.Is4In6():
		c.add(ErrInvalid, fmt.Sprintf("write %s", a.Unmap()), "%s is an IPv4 address in the form of IPv6", a)
	case a.IsUnspecified():
		c.add(ErrInvalid, fix, "%s is the unspecified address", a)
	case a.IsMulticast():
		c.add(ErrInvalid, fix, "%s is a multicast address", a)
	case a.IsLoopback():
		c.add(ErrInvalid, fix, "%s is a loopback address, which never leaves this machine", a)
	case a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		c.add(ErrInvalid, fix, "%s is the broadcast address", a)
	case a.Is6() && !c.features.IPv6:
		c.add(ErrUnsupported, "use IPv4", "the engine %s has no IPv6", c.features.Engine)
	}
}

// checkPort refuses port 0. In LVS it means every port, with persistence.
func (c *checker) checkPort(port uint16) {
	if port == 0 {
		c.add(ErrUnsupported, "give a port from 1 to 65535", "port 0 (every port) is not supported")
	}
}

// checkFamily refuses to translate between IPv4 and IPv6.
func (c *checker) checkFamily() {
	vip, rip := c.service.Addr.Addr(), c.real.Addr.Addr()
	if vip.IsValid() && rip.IsValid() && vip.Unmap().Is4() != rip.Unmap().Is4() {
		c.add(ErrInvalid, "use a server of the same family", "%s and the virtual server's %s are of different families", rip, vip)
	}
}
