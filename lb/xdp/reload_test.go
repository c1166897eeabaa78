// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/xlb-project/xlb/lb"
)

// A thousand virtual servers with four real servers each are applied, changed
// and removed in less than a second each time, next hops in the kernel's
// neighbour table included.
func TestThousandVirtualServers(t *testing.T) {
	p := newPlane(t, sizes{services: 2048, reals: 8192, slots: 1 << 18, hops: 8192, conns: 1024}, 1)
	p.Engine.opt.Settle = 0
	services := make([]*lb.Service, 1000)
	for i := range services {
		vip := netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)})
		s := serving(lb.ServiceKey{Protocol: lb.TCP, Addr: netip.AddrPortFrom(vip, 80)})
		for n := range 4 {
			s.Reals = append(s.Reals, lb.Real{Addr: server(2 + (i+n)%240), Method: lb.NAT, Weight: 1})
		}
		services[i] = s
	}
	took := func(what string, f func(s *lb.Service)) {
		began := time.Now()
		for _, s := range services {
			f(s)
		}
		t.Logf("%s: %v", what, time.Since(began))
		if d := time.Since(began); d > 5*time.Second { // five times the budget: machines differ
			t.Errorf("%s took %v", what, d)
		}
	}
	took("added", func(s *lb.Service) { apply(t, p.Engine, s) })
	took("changed", func(s *lb.Service) { s.Reals = s.Reals[1:]; apply(t, p.Engine, s) })
	wantServices(t, p.Engine, services...)
	took("removed", func(s *lb.Service) { remove(t, p.Engine, s.ServiceKey) })
	began := time.Now()
	sweepOnce(t, p.Engine, nil)
	t.Logf("freed: %v", time.Since(began))
	wantEmpty(t, p.set)
}
