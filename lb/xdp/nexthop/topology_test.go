// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/xlb-project/xlb/lb"
)

var _ lb.Topology = (*Follower)(nil)

func TestTopologyRoute(t *testing.T) {
	w := newWorld(t)
	w.routes = append(w.routes, onLink("198.51.100.0/24", 2),
		Route{Dst: netip.MustParsePrefix("203.0.113.0/24"), Reject: true})
	w.start(Held{})
	for _, tt := range []struct {
		addr string
		want lb.Route
	}{
		{"10.2.0.10", lb.Route{Interface: "eth1", Attached: true, OnLink: netip.MustParsePrefix("10.2.0.0/24")}},
		{"10.3.0.10", lb.Route{Interface: "eth2", OnLink: netip.MustParsePrefix("10.3.0.0/24")}},
		{"8.8.8.8", lb.Route{Interface: "eth0", Attached: true}},
		{"198.51.100.7", lb.Route{Interface: "eth1", Attached: true, OnLink: netip.MustParsePrefix("198.51.100.0/24")}},
	} {
		got, err := w.core.Route(addr(tt.addr))
		if err != nil || got != tt.want {
			t.Errorf("%s: %+v, %v, want %+v", tt.addr, got, err, tt.want)
		}
	}
	for _, a := range []string{"203.0.113.1", "2001:db8::1"} {
		if got, err := w.core.Route(addr(a)); !errors.Is(err, ErrNoRoute) {
			t.Errorf("%s: %+v, %v, want ErrNoRoute", a, got, err)
		}
	}
}

func TestTopologyIsLocal(t *testing.T) {
	w := newWorld(t).start(Held{})
	for a, want := range map[string]bool{
		"10.1.0.254": true, "10.3.0.254": true, "127.0.0.1": true, "127.3.2.1": true,
		"10.1.0.1": false, "10.1.0.0": false,
	} {
		if got := w.core.IsLocal(addr(a)); got != want {
			t.Errorf("IsLocal(%s) = %v, want %v", a, got, want)
		}
	}
}

// The reasons for which a NAT server cannot work, told by a real namespace.
func TestTopologyInTheKernel(t *testing.T) {
	topo, m := twoArm(t, 1)
	f := open(t, topo.Director, Options{Writer: m})
	defer closing(t, f)
	check := func(server string) error {
		return lb.CheckReachable(lb.Service{
			ServiceKey: lb.ServiceKey{Protocol: lb.TCP, Addr: netip.AddrPortFrom(topo.VIP, 80)},
			Reals:      []lb.Real{{Addr: netip.MustParseAddrPort(server), Method: lb.NAT, Weight: 1}},
		}, f).Err()
	}
	if err := check("10.2.0.1:80"); err != nil {
		t.Errorf("a server that can work: %v", err)
	}
	for _, server := range []string{"10.1.0.1:80", "10.2.0.254:80", "192.0.2.1:80", "127.0.0.1:80"} {
		if err := check(server); !errors.Is(err, lb.ErrUnreachable) {
			t.Errorf("%s: %v, want ErrUnreachable", server, err)
		}
	}
}

func TestTopologyGateway(t *testing.T) {
	w := newWorld(t).start(Held{})
	if id, ok := w.core.Gateway(addr("8.8.8.8")); !ok || id != w.gateway(viaGW1) {
		t.Errorf("got %d, %v", id, ok)
	}
	for _, a := range []string{"10.1.0.7", "10.2.0.10", "2001:db8::1"} {
		if id, ok := w.core.Gateway(addr(a)); ok {
			t.Errorf("%s goes by next hop %d", a, id)
		}
	}
}
