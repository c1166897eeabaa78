// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// End describes one end of a veth pair. Only NS and Name are needed.
type End struct {
	NS   *NS
	Name string

	MAC      net.HardwareAddr // nil: chosen by the kernel
	MTU      int              // bytes; 0: 1500
	RxQueues int              // 0: one in use
	TxQueues int              // 0: one in use; XDP on the peer wants no more of them than the peer has RxQueues
	Addrs    []netip.Prefix
	Gateway  netip.Addr // of the namespace's default route, which goes and comes back with the interface; zero: none

	Bridge        *Link // a bridge of the same namespace, which the interface becomes a port of; nil: none
	FacesDirector bool  // see [Link.FaceDirector]
}

// Connect makes a veth pair, brings both ends up and waits until they carry packets.
func (l *Lab) Connect(a, b End) (*Link, *Link, error) {
	p := &pair{}
	p.a, p.b = &Link{ns: a.NS, name: a.Name, pair: p, end: a}, &Link{ns: b.NS, name: b.Name, pair: p, end: b}
	if err := p.create(); err != nil {
		return nil, nil, err
	}
	return p.a, p.b, nil
}

// pair is a veth pair with all that is needed to make it again.
type pair struct{ a, b *Link }

// create makes the pair as its ends say.
func (p *pair) create() error {
	if err := p.a.ns.Do(p.add); err != nil {
		return fmt.Errorf("netns: connect %v with %v: %w", p.a, p.b, err)
	}
	// Both must be up before either carries packets, and configured before the other hears of it.
	for _, step := range []func(*Link) error{(*Link).configure, (*Link).setUp, (*Link).waitUp, (*Link).route} {
		if err := errors.Join(step(p.a), step(p.b)); err != nil {
			return err
		}
	}
	return nil
}

// add asks the kernel for the pair. It runs in a's namespace.
func (p *pair) add() error {
	a, b := p.a.end, p.b.end
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr, attrs.MTU = a.Name, a.MAC, a.MTU
	attrs.NumRxQueues, attrs.NumTxQueues = a.RxQueues, a.TxQueues
	veth := netlink.NewVeth(attrs)
	veth.PeerName, veth.PeerHardwareAddr, veth.PeerMTU = b.Name, b.MAC, uint32(b.MTU)
	veth.PeerNumRxQueues, veth.PeerNumTxQueues = uint32(b.RxQueues), uint32(b.TxQueues)
	veth.PeerNamespace = netlink.NsFd(int(b.NS.handle))
	return netlink.LinkAdd(veth)
}

// configure applies what can be applied while the link is down.
func (l *Link) configure() error {
	if l.end.Bridge != nil {
		if err := l.join(l.end.Bridge); err != nil {
			return err
		}
	}
	if l.end.FacesDirector {
		if err := l.FaceDirector(); err != nil {
			return err
		}
	}
	for _, a := range l.end.Addrs {
		if err := l.AddAddr(a); err != nil {
			return err
		}
	}
	return nil
}

// route adds the default route, which the kernel accepts on a link that is up.
func (l *Link) route() error {
	if !l.end.Gateway.IsValid() {
		return nil
	}
	everything := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	if l.end.Gateway.Is6() {
		everything = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return l.ns.AddRoute(everything, l.end.Gateway)
}
