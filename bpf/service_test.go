// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

// Addresses of virtual servers (RFC 5737).
var (
	vip      = netip.MustParseAddrPort("203.0.113.80:80")
	otherVIP = netip.MustParseAddrPort("203.0.113.81:80")
)

// host is a machine as a director sees it.
type host struct {
	addr netip.AddrPort
	mac  net.HardwareAddr
	link link
}

// server returns the nth host of the servers' side.
func (d *director) server(n int) host {
	return host{
		addr: netip.MustParseAddrPort(fmt.Sprintf("10.2.0.%d:8080", 10+n)),
		mac:  packet.MAC(fmt.Sprintf("02:00:00:00:02:%02x", 0x10+n)),
		link: d.servers,
	}
}

// oneArmed returns the nth host that answers requests on the clients' side.
func (d *director) oneArmed(n int) host {
	return host{
		addr: netip.MustParseAddrPort(fmt.Sprintf("198.51.100.%d:8080", 200+n)),
		mac:  packet.MAC(fmt.Sprintf("02:00:00:00:01:%02x", 0xa0+n)),
		link: d.clients,
	}
}

// client returns a host of the clients' side.
func (d *director) client(port uint16) host {
	return host{
		addr: netip.AddrPortFrom(netip.MustParseAddr("198.51.100.10"), port),
		mac:  packet.MAC("02:00:00:00:01:10"),
		link: d.clients,
	}
}

// service is a virtual server of a director.
type service struct {
	d     *director
	id    uint32
	proto uint8
	addr  netip.AddrPort
	reals []real
}

// real is a real server of a virtual server. Its next hop has the same id.
type real struct {
	host
	id uint32
}

// serve makes a virtual server with NAT and rr, in the order that lets packets flow meanwhile.
func (d *director) serve(t testing.TB, proto uint8, addr netip.AddrPort, servers ...host) *service {
	t.Helper()
	d.services++
	s := &service{d: d, id: d.services, proto: proto, addr: addr}
	for _, h := range servers {
		d.reals++
		r := real{h, d.reals}
		d.hop(t, r.id, h, mtu)
		put(t, d.Reals, r.id, bpf.LbReal{
			Addr: [4]uint32{be32(h.addr.Addr())}, Port: be16(h.addr.Port()), Family: 4, Method: uint8(bpf.LbForwardMethodForwardNat),
			Service: s.id, NextHop: r.id, Weight: 1,
		})
		d.own(t, 1, h.addr.Addr())
		s.reals = append(s.reals, r)
	}
	put(t, d.Services, s.id, bpf.LbService{Slots: s.slotRange(t, s.reals...), Config: uint64(bpf.LbSchedulerSchedulerRr)})
	put(t, d.Services4, bpf.LbService4Key{Addr: be32(addr.Addr())}, uint32(0)) // says that the address is a virtual one
	d.own(t, 0, addr.Addr())
	put(t, d.Services4, bpf.LbService4Key{Addr: be32(addr.Addr()), Port: be16(addr.Port()), Proto: proto}, s.id)
	return s
}

// slotRange writes a new range of slots and returns the word that makes it count, with the cursor at its beginning.
func (s *service) slotRange(t testing.TB, reals ...real) uint64 {
	t.Helper()
	base := s.d.slots
	for _, r := range reals {
		put(t, s.d.Slots, s.d.slots, bpf.LbSlot{Real: r.id})
		s.d.slots++
	}
	return uint64(base) | uint64(len(reals))<<24
}

// hop resolves a next hop: to a host, in the first copy.
func (d *director) hop(t testing.TB, id uint32, to host, mtu uint16) {
	t.Helper()
	put(t, d.NextHops, id, bpf.LbNextHop{
		Word: 1<<32 | 2, Family: 4, Target: [4]uint32{be32(to.addr.Addr())}, Copy: [2]bpf.LbHop{to.hop(mtu)},
	})
}

// hop returns how frames leave for the host.
func (h host) hop(mtu uint16) bpf.LbHop {
	return bpf.LbHop{
		DstMac: [6]byte(h.mac), SrcMac: [6]byte(h.link.mac), Port: h.link.port, Ifindex: h.link.ifindex, Mtu: mtu,
	}
}

// own sets an address's bit: 0 among virtual servers, 1 among real ones.
func (d *director) own(t testing.TB, which uint32, a netip.Addr) {
	t.Helper()
	edit(t, d.Ours, which, func(b *bpf.LbBitmap) { b.Words[oursBit(a)>>6] |= 1 << (oursBit(a) & 63) })
}

// load is bpf.LbRealLoad without what counts for ever.
type load struct{ Active, Inactive, HalfOpen int64 }

// loadIs fails the test unless the nth real server has so many connections.
func (s *service) loadIs(t testing.TB, n int, want load) {
	t.Helper()
	l := find[bpf.LbRealLoad](t, s.d.Loads, s.reals[n].id)
	if diff := cmp.Diff(want, load{l.Active, l.Inactive, l.HalfOpen}); diff != "" {
		t.Fatalf("load of real server %d (-want +got):\n%s", n, diff)
	}
}
