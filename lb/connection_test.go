// SPDX-License-Identifier: Apache-2.0

package lb_test

import (
	"net/netip"
	"testing"

	"github.com/xlb-project/xlb/lb"
)

func sampleConnection() lb.Connection {
	return lb.Connection{
		Service: mustKey("tcp:192.0.2.1:80"),
		Client:  netip.MustParseAddrPort("203.0.113.9:4000"),
		Real:    netip.MustParseAddrPort("10.0.0.1:8080"),
		State:   "ESTABLISHED",
	}
}

func TestConnFilter(t *testing.T) {
	c, key, other := sampleConnection(), mustKey("tcp:192.0.2.1:80"), mustKey("udp:192.0.2.1:80")
	tests := []struct {
		name   string
		filter lb.ConnFilter
		want   bool
	}{
		{"everything", lb.ConnFilter{}, true},
		{"its virtual server", lb.ConnFilter{Service: &key}, true},
		{"another virtual server", lb.ConnFilter{Service: &other}, false},
		{"its real server", lb.ConnFilter{Real: c.Real}, true},
		{"another port of its real server", lb.ConnFilter{Real: netip.MustParseAddrPort("10.0.0.1:80")}, false},
		{"its client", lb.ConnFilter{Client: netip.MustParsePrefix("203.0.113.9/32")}, true},
		{"its client's subnet", lb.ConnFilter{Client: netip.MustParsePrefix("203.0.113.0/24")}, true},
		{"another subnet", lb.ConnFilter{Client: netip.MustParsePrefix("203.0.113.0/29")}, false},
		{"everybody's subnet", lb.ConnFilter{Client: netip.MustParsePrefix("0.0.0.0/0")}, true},
		{"its state", lb.ConnFilter{State: "ESTABLISHED"}, true},
		{"another state", lb.ConnFilter{State: "FIN_WAIT"}, false},
		{"all of it", lb.ConnFilter{Service: &key, Real: c.Real, Client: netip.MustParsePrefix("203.0.113.9/32"), State: "ESTABLISHED"}, true},
		{"all but one", lb.ConnFilter{Service: &key, Real: c.Real, Client: netip.MustParsePrefix("203.0.113.9/32"), State: "CLOSE"}, false},
	}
	for _, test := range tests {
		if test.filter.Match(c) != test.want {
			t.Errorf("%s: %t, want %t", test.name, !test.want, test.want)
		}
	}
}

// As in ip_vs_proto_tcp.c, tcp_state_active_table.
func TestConnectionActive(t *testing.T) {
	active := map[string]bool{
		"ESTABLISHED": true, "SYN_SENT": true, "SYN_RECV": true, "SYNACK": true, "UDP": true, "FIN_WAIT": false,
		"TIME_WAIT": false, "CLOSE": false, "CLOSE_WAIT": false, "LAST_ACK": false, "LISTEN": false, "": false,
	}
	for state, want := range active {
		if (lb.Connection{State: state}).Active() != want {
			t.Errorf("%s active: %t, want %t", state, !want, want)
		}
	}
}

func TestConnectionCompare(t *testing.T) {
	a := sampleConnection()
	later := []func(*lb.Connection){
		func(c *lb.Connection) { c.Service = mustKey("udp:192.0.2.1:80") },
		func(c *lb.Connection) { c.Client = netip.MustParseAddrPort("203.0.113.9:4001") },
		func(c *lb.Connection) { c.Real = netip.MustParseAddrPort("10.0.0.2:8080") },
	}
	for i, change := range later {
		b := a
		change(&b)
		if a.Compare(b) >= 0 || b.Compare(a) <= 0 {
			t.Errorf("difference %d is not in order", i)
		}
	}
	b := a
	b.Expires, b.State = 7, "CLOSE"
	if a.Compare(b) != 0 {
		t.Errorf("state and time make another connection")
	}
}

func TestCutMode(t *testing.T) {
	if lb.Forget.String() != "forget" || lb.CutMode(99).String() != "unknown" {
		t.Errorf("%s, %s", lb.Forget, lb.CutMode(99))
	}
}
