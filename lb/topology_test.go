// SPDX-License-Identifier: Apache-2.0

package lb_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/xlb-project/xlb/lb"
)

// network is a director with clients' side eth0 (192.0.2.0/24), servers' side
// eth1 (10.1.0.0/24), a forgotten interface eth2 (10.2.0.0/24), and a gateway
// on eth0 to 10.3.0.0/16.
type network struct{}

func (network) IsLocal(a netip.Addr) bool {
	return a == netip.MustParseAddr("192.0.2.254") || a == netip.MustParseAddr("10.1.0.254")
}

func (network) Route(a netip.Addr) (lb.Route, error) {
	routes := []struct {
		prefix string
		route  lb.Route
	}{
		{"192.0.2.0/24", lb.Route{Interface: "eth0", Attached: true, OnLink: netip.MustParsePrefix("192.0.2.254/24")}},
		{"10.1.0.0/24", lb.Route{Interface: "eth1", Attached: true, OnLink: netip.MustParsePrefix("10.1.0.254/24")}},
		{"10.2.0.0/24", lb.Route{Interface: "eth2", OnLink: netip.MustParsePrefix("10.2.0.254/24")}},
		{"10.3.0.0/16", lb.Route{Interface: "eth0", Attached: true}},
	}
	for _, r := range routes {
		if netip.MustParsePrefix(r.prefix).Contains(a) {
			return r.route, nil
		}
	}
	return lb.Route{}, errors.New("network is unreachable")
}

func TestCheckReachable(t *testing.T) {
	tests := []struct {
		name, vip, server string
		says, fix         string // "": it can work
	}{
		{"OK: two arms", "192.0.2.1", "10.1.0.1", "", ""},
		{"OK: one arm, another subnet", "198.51.100.1", "192.0.2.9", "", ""},
		{"OK: behind a gateway", "192.0.2.1", "10.3.7.7", "", ""},
		{"bad: the virtual server's subnet", "192.0.2.1", "192.0.2.9", "own subnet 192.0.2.0/24", "another subnet"},
		{"bad: this director's address", "192.0.2.1", "10.1.0.254", "address of this director", "another machine"},
		{"bad: interface not attached", "192.0.2.1", "10.2.0.1", "eth2, where xlb is not attached", "xlbctl attach eth2"},
		{"bad: no route", "192.0.2.1", "172.16.0.1", "network is unreachable", "ip route add"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			svc := nat("tcp:"+test.vip+":80", "10.1.0.9:80", test.server+":80")
			found := lb.CheckReachable(svc, network{})
			if test.says == "" {
				if len(found) != 0 {
					t.Errorf("refused: %v", found)
				}
				return
			}
			if len(found) != 1 {
				t.Fatalf("findings: %v, want one", found)
			}
			f := found[0]
			if f.Service != svc.ServiceKey || f.Real != svc.Reals[1].Addr || !strings.Contains(f.What, test.says) || !strings.Contains(f.Fix, test.fix) {
				t.Errorf("%v, want %q and to do %q", f, test.says, test.fix)
			}
			if !errors.Is(f, lb.ErrUnreachable) || !errors.Is(f, lb.ErrInvalid) {
				t.Errorf("%v is of kind %v", f, f.Kind)
			}
		})
	}
}

// DR and TUN servers answer clients by themselves.
func TestCheckReachableIsAboutNAT(t *testing.T) {
	svc := nat("tcp:192.0.2.1:80", "192.0.2.9:80")
	svc.Reals[0].Method = lb.DR
	if found := lb.CheckReachable(svc, network{}); len(found) != 0 {
		t.Errorf("DR in the virtual server's subnet: %v", found)
	}
}

func TestCheckAllReachable(t *testing.T) {
	good := nat("tcp:192.0.2.1:80", "10.1.0.1:80")
	if err := lb.CheckAllReachable(stateOf(good), network{}); err != nil {
		t.Errorf("good: %v", err)
	}
	err := lb.CheckAllReachable(stateOf(good, nat("tcp:192.0.2.2:80", "10.2.0.1:80", "10.2.0.2:80"), nat("udp:192.0.2.2:53", "10.1.0.254:53")), network{})
	if found := lb.FindingsIn(err); len(found) != 3 || !errors.Is(err, lb.ErrUnreachable) {
		t.Errorf("%d findings, want 3: %v", len(found), err)
	}
}
