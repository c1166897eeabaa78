// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// maxMTU is the largest IPv4 packet; loopback claims one byte more.
const maxMTU = 65535

// linksOf joins links with their addresses.
func linksOf(links []netlink.Link, addrs []netlink.Addr) []Link {
	byIndex := make(map[int][]netip.Prefix)
	for _, a := range addrs {
		if a.IPNet == nil {
			continue
		}
		ones, _ := a.Mask.Size()
		byIndex[a.LinkIndex] = append(byIndex[a.LinkIndex], netip.PrefixFrom(addrOf(a.IP), ones))
	}
	out := make([]Link, 0, len(links))
	for _, l := range links {
		a := l.Attrs()
		const up = unix.IFF_UP | unix.IFF_LOWER_UP
		out = append(out, Link{
			Index: a.Index,
			Name:  a.Name,
			MAC:   macOf(a.HardwareAddr),
			MTU:   min(a.MTU, maxMTU),
			Up:    a.RawFlags&up == up,
			Addrs: byIndex[a.Index],
		})
	}
	return out
}

// routesOf leaves out what is chosen by more than the destination.
func routesOf(routes []netlink.Route) []Route {
	out := make([]Route, 0, len(routes))
	for _, r := range routes {
		if r.Tos != 0 || r.Type == unix.RTN_THROW {
			continue
		}
		out = append(out, Route{
			Dst:    prefixOf(r),
			Metric: r.Priority,
			Reject: r.Type != unix.RTN_UNICAST,
			MTU:    r.MTU,
			Hops:   hopsOf(r),
		})
	}
	return out
}

func prefixOf(r netlink.Route) netip.Prefix {
	if r.Dst == nil {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	ones, _ := r.Dst.Mask.Size()
	return netip.PrefixFrom(addrOf(r.Dst.IP), ones)
}

// hopsOf lists the ways of a route, without those that are dead, wrapped in
// something, or led through a gateway of another family.
func hopsOf(r netlink.Route) []RouteHop {
	if len(r.MultiPath) == 0 {
		if r.Flags&unix.RTNH_F_DEAD != 0 || r.Encap != nil || r.Via != nil {
			return nil
		}
		return []RouteHop{{addrOf(r.Gw), r.LinkIndex}}
	}
	var hops []RouteHop
	for _, h := range r.MultiPath {
		if h.Flags&unix.RTNH_F_DEAD == 0 && h.Encap == nil && h.Via == nil {
			hops = append(hops, RouteHop{addrOf(h.Gw), h.LinkIndex})
		}
	}
	return hops
}

// neighbourOf converts an entry; false: it is not one of IPv4 on a link.
func neighbourOf(n *netlink.Neigh) (Neighbour, bool) {
	addr := addrOf(n.IP)
	if n.Family != unix.AF_INET || !addr.IsValid() || n.Flags&netlink.NTF_PROXY != 0 {
		return Neighbour{}, false
	}
	return Neighbour{
		Via:     Via{addr, n.LinkIndex},
		MAC:     macOf(n.HardwareAddr),
		State:   NeighbourState(n.State),
		Managed: n.FlagsExt&netlink.NTF_EXT_MANAGED != 0,
	}, true
}
