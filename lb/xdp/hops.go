// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"errors"
	"fmt"
	"math"
	"net/netip"

	"github.com/xlb-project/xlb/lb/xdp/nexthop"
	"github.com/xlb-project/xlb/maps"
)

// hopWriter is [nexthop.Writer] on the maps.
type hopWriter struct{ set *maps.Set }

// Ports lists the attached interfaces.
func (w hopWriter) Ports() ([]nexthop.Port, error) {
	var out []nexthop.Port
	for number, p := range w.set.Ports.All() {
		out = append(out, nexthop.Port{Number: number, Ifindex: int(p.Ifindex), MAC: nexthop.MAC(p.MAC), MTU: int(p.MTU)})
	}
	return out, nil
}

// SetPort changes an attached interface's MAC address and MTU.
func (w hopWriter) SetPort(p nexthop.Port) error {
	return w.set.Ports.SetLink(p.Number, maps.MAC(p.MAC), mtu16(p.MTU))
}

// SetHop makes a record be so.
func (w hopWriter) SetHop(r nexthop.Record) error {
	is, err := w.set.NextHops.Get(r.ID)
	if err != nil {
		return err
	}
	if is.Target != r.Target {
		if err := w.retarget(is, r.ID, r.Target); err != nil {
			return err
		}
	}
	if r.Resolved {
		return w.set.NextHops.Set(r.ID, mapsHop(r.Hop))
	}
	if is.Resolved {
		return w.set.NextHops.SetUnresolved(r.ID, mapsHop(r.Hop))
	}
	return nil
}

// retarget takes a record into use for a target, or gives one in use another:
// its frames leave as before until the new hop is written.
func (w hopWriter) retarget(is maps.NextHop, id uint32, target netip.Addr) error {
	if is.Free() {
		return w.set.NextHops.Create(id, target)
	}
	return w.set.NextHops.SetTarget(id, target)
}

// ClearHop frees a record.
func (w hopWriter) ClearHop(id uint32) error { return w.set.NextHops.Clear(id) }

// SetGateway registers a gateway.
func (w hopWriter) SetGateway(g nexthop.Gateway) error {
	return w.set.Gateways4.Set(mapsGateway(g.Via), g.ID)
}

// DeleteGateway withdraws a gateway.
func (w hopWriter) DeleteGateway(via nexthop.Via) error {
	err := w.set.Gateways4.Delete(mapsGateway(via))
	if errors.Is(err, maps.ErrNotFound) {
		return nil
	}
	return err
}

// Hops lists the next hops and the registered gateways.
func (w hopWriter) Hops() (records []nexthop.Record, gateways []nexthop.Gateway, err error) {
	for id, n := range w.set.NextHops.All() {
		records = append(records, nexthop.Record{ID: id, Target: n.Target, Hop: followedHop(n.Hop), Resolved: n.Resolved})
	}
	for g, err := range w.set.Gateways4.All() {
		if err != nil {
			return nil, nil, fmt.Errorf("reading the gateways: %w", err)
		}
		via := nexthop.Via{Addr: g.Gateway.Addr, Ifindex: int(g.Gateway.Ifindex)}
		gateways = append(gateways, nexthop.Gateway{Via: via, ID: g.Hop})
	}
	return records, gateways, nil
}

// held is what the maps hold of next hops when an engine starts.
func (w hopWriter) held(interfaces []string) (h nexthop.Held, err error) {
	h = nexthop.Held{Size: w.set.NextHops.Len(), Refs: make(map[uint32]int), Interfaces: interfaces}
	for _, r := range w.set.Reals.All() {
		if r.NextHop != 0 {
			h.Refs[r.NextHop]++
		}
	}
	if h.Records, h.Gateways, err = w.Hops(); err != nil {
		return h, err
	}
	h.Ports, err = w.Ports()
	return h, err
}

func mapsHop(h nexthop.Hop) maps.Hop {
	return maps.Hop{
		DstMAC:  maps.MAC(h.Dst),
		SrcMAC:  maps.MAC(h.Src),
		Port:    h.Port,
		Ifindex: uint32(h.Ifindex),
		MTU:     mtu16(h.MTU),
	}
}

func followedHop(h maps.Hop) nexthop.Hop {
	return nexthop.Hop{
		Dst:     nexthop.MAC(h.DstMAC),
		Src:     nexthop.MAC(h.SrcMAC),
		Port:    h.Port,
		Ifindex: int(h.Ifindex),
		MTU:     int(h.MTU),
	}
}

func mapsGateway(via nexthop.Via) maps.Gateway {
	return maps.Gateway{Addr: via.Addr, Ifindex: uint32(via.Ifindex)}
}

// mtu16 fits an MTU into a record: no IP packet is larger than 65,535 bytes.
func mtu16(mtu int) uint16 { return uint16(min(max(mtu, 0), math.MaxUint16)) }
