// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/xlb-project/xlb/cmd/internal/config"
	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/health"
	"github.com/xlb-project/xlb/lb"
)

func features() lb.Features {
	return lb.Features{Engine: "fake", Schedulers: []lb.Scheduler{lb.RoundRobin}, Methods: []lb.Method{lb.NAT}}
}

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("xlb.yaml", []byte(text), features())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func key(s string) lb.ServiceKey {
	k, err := lb.ParseServiceKey(s)
	if err != nil {
		panic(err)
	}
	return k
}

func realKey(service, server string) lb.RealKey {
	return lb.RealKey{Service: key(service), Real: netip.MustParseAddrPort(server)}
}

// shape is a state in a few words: "tcp:192.0.2.1:80 -> 10.2.0.11:80/1".
func shape(s lb.State) []string {
	out := []string{}
	for _, svc := range s.Services {
		line := svc.ServiceKey.String() + " ->"
		for _, r := range svc.Reals {
			line += " " + r.Addr.String() + "/" + string('0'+rune(r.Weight))
		}
		out = append(out, line)
	}
	return out
}

const twoServers = `
virtual_servers:
  - listen: tcp:192.0.2.1:80
    check: {type: tcp, interval: 2s, port: 8080}
    real_servers:
      - address: 10.2.0.11:80
      - {address: "10.2.0.12:80", check: {type: none}}
  - listen: udp:192.0.2.1:53
`

func TestIntent(t *testing.T) {
	zero := 0
	edits := []control.Edit{
		{Op: control.RealEdit, Server: "tcp:192.0.2.1:80", Real: "10.2.0.11:80", Weight: &zero},
		{Op: control.RealAdd, Server: "tcp:192.0.2.1:80", Real: "10.2.0.13:80"},
		{Op: control.RealDel, Server: "tcp:192.0.2.1:80", Real: "10.2.0.99:80"}, // not there: stale
		{Op: control.ServerDel, Server: "udp:192.0.2.1:53"},
	}
	state, stale := layers{parse(t, twoServers), edits}.intent()
	want := []string{"tcp:192.0.2.1:80 -> 10.2.0.11:80/0 10.2.0.12:80/1 10.2.0.13:80/1"}
	if diff := cmp.Diff(want, shape(state)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(stale) != 1 || stale[0].Real != "10.2.0.99:80" {
		t.Errorf("stale: %v", stale)
	}
}

func TestInService(t *testing.T) {
	intent, _ := layers{config: parse(t, twoServers)}.intent()
	a, b := realKey("tcp:192.0.2.1:80", "10.2.0.11:80"), realKey("tcp:192.0.2.1:80", "10.2.0.12:80")
	other := realKey("tcp:192.0.2.2:80", "10.2.0.12:80")
	up, down := health.Result{Up: true}, health.Result{}
	tests := []struct {
		name    string
		results map[lb.RealKey]health.Result
		want    string
	}{
		{"OK no checks", nil, "tcp:192.0.2.1:80 -> 10.2.0.11:80/1 10.2.0.12:80/1"},
		{"OK both up", map[lb.RealKey]health.Result{a: up, b: up}, "tcp:192.0.2.1:80 -> 10.2.0.11:80/1 10.2.0.12:80/1"},
		{"bad one", map[lb.RealKey]health.Result{a: down}, "tcp:192.0.2.1:80 -> 10.2.0.12:80/1"},
		{"bad both", map[lb.RealKey]health.Result{a: down, b: down}, "tcp:192.0.2.1:80 ->"},
		{"OK another virtual server's verdict", map[lb.RealKey]health.Result{other: down}, "tcp:192.0.2.1:80 -> 10.2.0.11:80/1 10.2.0.12:80/1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := shape(inService(intent, test.results))
			if diff := cmp.Diff([]string{test.want, "udp:192.0.2.1:53 ->"}, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	if got := shape(intent)[0]; got != tests[0].want {
		t.Errorf("the intent itself was changed: %s", got)
	}
}

func TestTargets(t *testing.T) {
	edits := []control.Edit{
		{Op: control.RealAdd, Server: "tcp:192.0.2.1:80", Real: "10.2.0.13:80"},
		{Op: control.ServerAdd, Server: "tcp:192.0.2.9:80"},
		{Op: control.RealAdd, Server: "tcp:192.0.2.9:80", Real: "10.2.0.14:80"},
	}
	l := layers{parse(t, twoServers), edits}
	intent, _ := l.intent()
	settings := health.Settings{Interval: 2 * time.Second, Timeout: 3 * time.Second, Rise: 1, Fall: 1, Retry: 1, RetryDelay: time.Second}
	want := []health.Target[lb.RealKey]{
		{ID: realKey("tcp:192.0.2.1:80", "10.2.0.11:80"), Addr: netip.MustParseAddrPort("10.2.0.11:8080"), Settings: settings},
		// An operator's real server is checked as its virtual server says, one
		// of an operator's virtual server is not.
		{ID: realKey("tcp:192.0.2.1:80", "10.2.0.13:80"), Addr: netip.MustParseAddrPort("10.2.0.13:8080"), Settings: settings},
	}
	if diff := cmp.Diff(want, l.targets(intent), cmpopts.EquateComparable(lb.RealKey{}, netip.AddrPort{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestOverridden(t *testing.T) {
	got := overridden([]control.Edit{
		{Op: control.RealAdd, Server: "tcp:192.0.2.1:80", Real: "10.2.0.13:80"},
		{Op: control.ServerDel, Server: "udp:192.0.2.1:53"},
		{Op: control.ServerDel, Server: "nonsense"},
	})
	want := map[lb.RealKey]bool{
		{Service: key("tcp:192.0.2.1:80")}:          true,
		realKey("tcp:192.0.2.1:80", "10.2.0.13:80"): true,
		{Service: key("udp:192.0.2.1:53")}:          true,
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(lb.RealKey{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
