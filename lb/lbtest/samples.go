// SPDX-License-Identifier: Apache-2.0

package lbtest

import (
	"net/netip"
	"time"

	"github.com/xlb-project/xlb/lb"
)

// key is one of many virtual servers: 198.51.100.x.
func key(p lb.Protocol, n int) lb.ServiceKey {
	addr := netip.AddrFrom4([4]byte{198, 51, byte(100 + n>>8), byte(n)})
	return lb.ServiceKey{Protocol: p, Addr: netip.AddrPortFrom(addr, uint16(80+n))}
}

// server is the address of one of many real servers: 10.20.x.y.
func server(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 20, byte(n >> 8), byte(n)}), 8080)
}

// real is one of many real servers.
func (s *suite) real(n, weight int) lb.Real {
	return lb.Real{Addr: server(n), Method: s.method(), Weight: weight}
}

// service is one of many virtual servers, with the named real servers.
func (s *suite) service(p lb.Protocol, n int, reals ...int) lb.Service {
	svc := lb.Service{ServiceKey: key(p, n), Scheduler: s.scheduler(), Owner: lb.OwnerDaemon}
	for _, r := range reals {
		svc.Reals = append(svc.Reals, s.real(r, 1))
	}
	return svc
}

// scheduler is one that the engine has.
func (s *suite) scheduler() lb.Scheduler { return s.Dataplane.Features().Schedulers[0] }

// method is one that the engine has: one that changes ports, if there is any.
func (s *suite) method() lb.Method {
	f := s.Dataplane.Features()
	if f.HasMethod(lb.NAT) {
		return lb.NAT
	}
	return f.Methods[0]
}

// client is the n-th client's address, with a port.
func (s *suite) client(n int) netip.AddrPort {
	addr := s.Clients.Masked().Addr().As4()
	addr[3] += byte(n)
	return netip.AddrPortFrom(netip.AddrFrom4(addr), uint16(40000+n))
}

// conn is a connection of the n-th client.
func (s *suite) conn(svc lb.Service, real, n int, state string) lb.Connection {
	return lb.Connection{
		Service: svc.ServiceKey,
		Client:  s.client(n),
		Real:    svc.Reals[real].Addr,
		Method:  svc.Reals[real].Method,
		State:   state,
		Expires: time.Minute,
	}
}

// change makes s hold after; what was there before is none of its business.
func change(after lb.Service) lb.ServiceChange {
	return lb.ServiceChange{Key: after.ServiceKey, After: &after}
}
