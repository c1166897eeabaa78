// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// kernel reads and changes the network of one namespace by netlink.
type kernel struct {
	ns     netns.NsHandle
	handle *netlink.Handle
	buffer int // bytes of notifications that may wait
}

// openKernel opens the namespace that the calling thread is in.
func openKernel() (*kernel, error) {
	ns, err := netns.Get()
	if err != nil {
		return nil, fmt.Errorf("finding the network namespace: %w", err)
	}
	handle, err := netlink.NewHandleAt(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening netlink: %w", err), ns.Close())
	}
	return &kernel{ns: ns, handle: handle, buffer: receiveBuffer}, nil
}

func (k *kernel) close() error {
	k.handle.Close()
	return k.ns.Close()
}

// do runs f on a thread in the namespace, which is thrown away afterwards.
// What f opens stays in the namespace.
func (k *kernel) do(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends here
		err := netns.Set(k.ns)
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// groups are what a change of is announced. Routes vanish in silence when a
// link goes down, an address or a next hop object is removed, so these count
// for routes too.
var groups = []uint{
	unix.RTNLGRP_LINK, unix.RTNLGRP_NEIGH, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_NEXTHOP,
}

// receiveBuffer holds some ten thousand notifications.
const receiveBuffer = 4 << 20

// subscribe opens a socket that hears of changes.
func (k *kernel) subscribe() (*nl.NetlinkSocket, error) {
	s, err := nl.SubscribeAt(k.ns, netns.None(), unix.NETLINK_ROUTE, groups...)
	if err != nil {
		return nil, fmt.Errorf("subscribing to netlink: %w", err)
	}
	if err := s.SetReceiveBufferSize(k.buffer, true); err != nil {
		s.Close()
		return nil, fmt.Errorf("netlink's receive buffer: %w", err)
	}
	return s, nil
}

// dumpTries is how often a list is asked for that changes while it is read.
const dumpTries = 5

// dump reads a whole list, again if it changed meanwhile.
func dump[T any](what string, list func() ([]T, error)) ([]T, error) {
	for try := 1; ; try++ {
		all, err := list()
		switch {
		case err == nil:
			return all, nil
		case errors.Is(err, netlink.ErrDumpInterrupted) && try < dumpTries:
		default:
			return nil, fmt.Errorf("listing %s: %w", what, err)
		}
	}
}

// network lists links and routes.
func (k *kernel) network() (Network, error) {
	addrs, err := dump("addresses", func() ([]netlink.Addr, error) { return k.handle.AddrList(nil, netlink.FAMILY_V4) })
	if err != nil {
		return Network{}, err
	}
	links, err := dump("links", k.handle.LinkList)
	if err != nil {
		return Network{}, err
	}
	routes, err := dump("routes", func() ([]netlink.Route, error) {
		return k.handle.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{}, 0)
	})
	if err != nil {
		return Network{}, err
	}
	return Network{Links: linksOf(links, addrs), Routes: routesOf(routes)}, nil
}

// neighbours lists the neighbour table.
func (k *kernel) neighbours() ([]Neighbour, error) {
	all, err := dump("neighbours", func() ([]netlink.Neigh, error) { return k.handle.NeighList(0, netlink.FAMILY_V4) })
	if err != nil {
		return nil, err
	}
	out := make([]Neighbour, 0, len(all))
	for _, n := range all {
		if e, ok := neighbourOf(&n); ok {
			out = append(out, e)
		}
	}
	return out, nil
}

func addrOf(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a.Unmap()
}
