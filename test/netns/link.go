// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// upTimeout is how long Up and Connect wait for a link to become operational; it takes milliseconds.
const upTimeout = 5 * time.Second

// Link is an interface in a namespace of the lab, found by its name: it stays valid when the interface is deleted and made again, though
// the kernel's index and the MAC may be others then.
type Link struct {
	ns   *NS
	name string
	pair *pair // nil for a bridge
	end  End
}

// NS returns the namespace of the interface.
func (l *Link) NS() *NS { return l.ns }

// Name returns the name inside the namespace, such as "eth0".
func (l *Link) Name() string { return l.name }

// String returns "namespace/name".
func (l *Link) String() string { return fmt.Sprintf("%v/%s", l.ns, l.name) }

// Peer returns the other end of a veth pair, nil for a bridge.
func (l *Link) Peer() *Link {
	switch {
	case l.pair == nil:
		return nil
	case l == l.pair.a:
		return l.pair.b
	default:
		return l.pair.a
	}
}

// with runs fn in the link's namespace with the kernel's view of the link, and says what was being done when it fails.
func (l *Link) with(what string, fn func(netlink.Link) error) error {
	err := l.ns.Do(func() error {
		link, err := netlink.LinkByName(l.name)
		if err != nil {
			return err
		}
		return fn(link)
	})
	if err != nil {
		return fmt.Errorf("netns: %s %v: %w", what, l, err)
	}
	return nil
}

// attrs returns the link's attributes as they are now.
func (l *Link) attrs(what string) (attrs *netlink.LinkAttrs, err error) {
	err = l.with(what, func(link netlink.Link) error {
		attrs = link.Attrs()
		return nil
	})
	return attrs, err
}

// Index returns the interface index, which is unique only within the namespace.
func (l *Link) Index() (int, error) {
	attrs, err := l.attrs("read the index of")
	if err != nil {
		return 0, err
	}
	return attrs.Index, nil
}

// MAC returns the link's address now.
func (l *Link) MAC() (net.HardwareAddr, error) {
	attrs, err := l.attrs("read the MAC of")
	if err != nil {
		return nil, err
	}
	return attrs.HardwareAddr, nil
}

// SetMAC gives the link another address, as replaced hardware would have. Nobody is told.
func (l *Link) SetMAC(mac net.HardwareAddr) error {
	return l.with("set the MAC of", func(link netlink.Link) error { return netlink.LinkSetHardwareAddr(link, mac) })
}

// SetMTU sets the MTU in bytes.
func (l *Link) SetMTU(mtu int) error {
	return l.with("set the MTU of", func(link netlink.Link) error { return netlink.LinkSetMTU(link, mtu) })
}

// Down takes the link down, which removes the routes through it.
func (l *Link) Down() error { return l.with("take down", netlink.LinkSetDown) }

// Up brings the link up and waits until it carries packets; the other end of a veth pair must be up. The default route of its
// [End] comes back.
func (l *Link) Up() error {
	for _, step := range []func(*Link) error{(*Link).setUp, (*Link).waitUp, (*Link).route} {
		if err := step(l); err != nil {
			return err
		}
	}
	return nil
}

func (l *Link) setUp() error  { return l.with("bring up", netlink.LinkSetUp) }
func (l *Link) waitUp() error { return l.WaitUp(upTimeout) }

// WaitUp waits until the link is operational (RFC 2863), at most for timeout. Before that, frames sent on it are lost.
func (l *Link) WaitUp(timeout time.Duration) error {
	return retry(timeout, func() error {
		attrs, err := l.attrs("wait for")
		if err == nil && attrs.OperState != netlink.OperUp {
			err = fmt.Errorf("netns: %v is %v, not up: is its other end up?", l, attrs.OperState)
		}
		return err
	})
}

// AddAddr adds an address with the length of its network, at once: without duplicate address detection. An IPv6 address turns IPv6 on.
func (l *Link) AddAddr(addr netip.Prefix) error {
	if addr.Addr().Is6() {
		for _, s := range [][2]string{{"accept_dad", "0"}, {"disable_ipv6", "0"}} {
			if err := l.ns.SetSysctl("net/ipv6/conf/"+l.name+"/"+s[0], s[1]); err != nil {
				return err
			}
		}
	}
	return l.with("add "+addr.String()+" to", func(link netlink.Link) error {
		return netlink.AddrAdd(link, &netlink.Addr{IPNet: ipNet(addr), Flags: unix.IFA_F_NODAD})
	})
}

// DelAddr removes an address.
func (l *Link) DelAddr(addr netip.Prefix) error {
	return l.with("remove "+addr.String()+" from", func(link netlink.Link) error {
		return netlink.AddrDel(link, &netlink.Addr{IPNet: ipNet(addr)})
	})
}

// Delete deletes the interface; of a veth pair, both ends. What was set on it goes too.
func (l *Link) Delete() error { return l.with("delete", netlink.LinkDel) }

// Recreate makes a deleted veth pair again as [Lab.Connect] made it, with new indexes and, unless the End says otherwise, new MACs.
func (l *Link) Recreate() error {
	if l.pair == nil {
		return fmt.Errorf("netns: recreate %v: only a veth pair can be made again", l)
	}
	return l.pair.create()
}

// OpenRaw opens a socket that sends and receives whole Ethernet frames on the link, all protocols, both directions. The caller closes
// it. Frames are seen after XDP, and a sender's checksums may still be partial in them unless its offload is off.
func (l *Link) OpenRaw() (*packet.Conn, error) {
	conn, err := get(l.ns, func() (*packet.Conn, error) {
		ifi, err := net.InterfaceByName(l.name)
		if err != nil {
			return nil, err
		}
		return packet.Listen(ifi, packet.Raw, unix.ETH_P_ALL, nil)
	})
	if err != nil {
		return nil, fmt.Errorf("netns: open a raw socket on %v: %w", l, err)
	}
	return conn, nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
