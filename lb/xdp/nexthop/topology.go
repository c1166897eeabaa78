// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/xlb-project/xlb/lb"
)

// ErrNoRoute says that the main routing table has no usable route.
var ErrNoRoute = errors.New("no route")

// Route says how packets to an address leave, by what the core was last told.
// It fails with [ErrNoRoute].
func (c *Core) Route(addr netip.Addr) (lb.Route, error) {
	via, _ := c.egress(addr)
	l, ok := c.links[via.Ifindex]
	if !ok {
		return lb.Route{}, fmt.Errorf("%w to %s", ErrNoRoute, addr)
	}
	_, attached := c.ports[l.Index]
	r := lb.Route{Interface: l.Name, Attached: attached}
	if via.Addr == addr {
		r.OnLink = c.onLink(addr, l)
	}
	return r, nil
}

// onLink is the subnet of the interface that holds the address; where the
// route alone says that it is on the link, the route's prefix.
func (c *Core) onLink(addr netip.Addr, l Link) netip.Prefix {
	for _, p := range l.Addrs {
		if p.Contains(addr) {
			return p.Masked()
		}
	}
	return c.table.Lookup(addr)[0].Dst
}

// IsLocal says whether an address is one of this machine's.
func (c *Core) IsLocal(addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	for _, l := range c.links {
		for _, p := range l.Addrs {
			if p.Addr() == addr {
				return true
			}
		}
	}
	return false
}

// Route is [Core.Route] of the network as it was last read; see [lb.Topology].
func (f *Follower) Route(addr netip.Addr) (lb.Route, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.core.Route(addr)
}

// IsLocal is [Core.IsLocal] of the network as it was last read; see [lb.Topology].
func (f *Follower) IsLocal(addr netip.Addr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.core.IsLocal(addr)
}

// Gateway is the next hop of the gateway that an address is reached through;
// false when the address is on the link, or its gateway is not registered.
func (c *Core) Gateway(addr netip.Addr) (uint32, bool) {
	via, _ := c.egress(addr)
	if via.Addr == addr {
		return 0, false
	}
	id, ok := c.gateways[via]
	return id, ok
}

// Gateway is [Core.Gateway] of the network as it was last read.
func (f *Follower) Gateway(addr netip.Addr) (uint32, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.core.Gateway(addr)
}
