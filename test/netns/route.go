// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// AddRoute adds a route to dst through a gateway on a connected network, or replaces the one that is there.
func (ns *NS) AddRoute(dst netip.Prefix, via netip.Addr) error {
	err := ns.Do(func() error { return netlink.RouteReplace(&netlink.Route{Dst: ipNet(dst), Gw: via.AsSlice()}) })
	if err != nil {
		return fmt.Errorf("netns: add a route to %v via %v in %v: %w", dst, via, ns, err)
	}
	return nil
}

// DelRoute removes the route to dst.
func (ns *NS) DelRoute(dst netip.Prefix) error {
	err := ns.Do(func() error { return netlink.RouteDel(&netlink.Route{Dst: ipNet(dst)}) })
	if err != nil {
		return fmt.Errorf("netns: remove the route to %v in %v: %w", dst, ns, err)
	}
	return nil
}

// SetNeigh makes mac the permanent neighbour entry of addr on the link: no ARP or neighbour discovery is needed or believed.
func (l *Link) SetNeigh(addr netip.Addr, mac net.HardwareAddr) error {
	return l.with("set neighbour "+addr.String()+" on", func(link netlink.Link) error {
		return netlink.NeighSet(&netlink.Neigh{
			LinkIndex: link.Attrs().Index, State: netlink.NUD_PERMANENT, IP: addr.AsSlice(), HardwareAddr: mac,
		})
	})
}

// DelNeigh removes what the link knows of addr.
func (l *Link) DelNeigh(addr netip.Addr) error {
	return l.with("remove neighbour "+addr.String()+" on", func(link netlink.Link) error {
		return netlink.NeighDel(&netlink.Neigh{LinkIndex: link.Attrs().Index, IP: addr.AsSlice()})
	})
}

// Neighs returns the neighbours that the link knows with their MAC, permanent ones included.
func (l *Link) Neighs() (map[netip.Addr]net.HardwareAddr, error) {
	known := make(map[netip.Addr]net.HardwareAddr)
	err := l.with("list the neighbours of", func(link netlink.Link) error {
		neighs, err := netlink.NeighList(link.Attrs().Index, 0)
		for _, n := range neighs {
			if a, ok := netip.AddrFromSlice(n.IP); ok && len(n.HardwareAddr) > 0 {
				known[a.Unmap()] = n.HardwareAddr
			}
		}
		return err
	})
	return known, err
}

// FlushNeighs makes the link forget every neighbour, permanent ones included.
func (l *Link) FlushNeighs() error {
	known, err := l.Neighs()
	for addr := range known {
		if err == nil {
			err = l.DelNeigh(addr)
		}
	}
	return err
}
