// SPDX-License-Identifier: Apache-2.0

package control

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/lb"
)

const (
	web = "tcp:192.0.2.1:80"
	dns = "udp:192.0.2.1:53"
)

// key is a virtual server's key, of one that parses.
func key(t testing.TB, s string) lb.ServiceKey {
	t.Helper()
	k, err := ParseServer(s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// masq is a NAT real server.
func masq(addr string, weight int) lb.Real {
	return lb.Real{Addr: netip.MustParseAddrPort(addr), Method: lb.NAT, Weight: weight}
}

// twoServers is a state with a web server of two reals, and a name server of none.
func twoServers(t testing.TB) lb.State {
	return lb.State{
		Services: []lb.Service{
			{ServiceKey: key(t, web), Scheduler: lb.RoundRobin, Owner: lb.OwnerDaemon,
				Reals: []lb.Real{masq("10.0.0.2:80", 1), masq("10.0.0.1:80", 3)}},
			{ServiceKey: key(t, dns), Scheduler: lb.RoundRobin, Instance: 7},
		},
		Gates: map[lb.Instance]bool{7: true},
	}
}

func weight(n int) *int { return &n }

func TestEditApply(t *testing.T) {
	const other = "tcp:192.0.2.1:443"
	tests := []struct {
		name string
		edit Edit
		want func(*lb.State) // what changes; nil for an error
		err  error
	}{
		{"OK server add", Edit{Op: ServerAdd, Server: other}, func(s *lb.State) {
			added := lb.Service{ServiceKey: key(t, other), Scheduler: lb.RoundRobin, Owner: "me"}
			s.Services = []lb.Service{s.Services[0], added, s.Services[1]}
		}, nil},
		{"OK server add with a scheduler", Edit{Op: ServerAdd, Server: other, Scheduler: "wlc"}, func(s *lb.State) {
			added := lb.Service{ServiceKey: key(t, other), Scheduler: "wlc", Owner: "me"}
			s.Services = []lb.Service{s.Services[0], added, s.Services[1]}
		}, nil},
		{"OK server edit keeps owner and real servers", Edit{Op: ServerEdit, Server: web, Scheduler: "sh"},
			func(s *lb.State) { s.Services[0].Scheduler = "sh" }, nil},
		{"OK server edit of nothing", Edit{Op: ServerEdit, Server: web}, func(*lb.State) {}, nil},
		{"OK server del", Edit{Op: ServerDel, Server: web}, func(s *lb.State) { s.Services = s.Services[1:] }, nil},
		{"OK real add goes to the end", Edit{Op: RealAdd, Server: web, Real: "10.0.0.0:80"}, func(s *lb.State) {
			s.Services[0].Reals = append(s.Services[0].Reals, masq("10.0.0.0:80", 1))
		}, nil},
		{"OK real add with everything", Edit{Op: RealAdd, Server: dns, Real: "10.0.0.3:53", Forward: "dr", Weight: weight(0)},
			func(s *lb.State) {
				s.Services[1].Reals = []lb.Real{{Addr: netip.MustParseAddrPort("10.0.0.3:53"), Method: lb.DR}}
			}, nil},
		{"OK real edit keeps its place and its method", Edit{Op: RealEdit, Server: web, Real: "10.0.0.2:80", Weight: weight(0)},
			func(s *lb.State) { s.Services[0].Reals[0].Weight = 0 }, nil},
		{"OK real edit in ipvsadm's words", Edit{Op: RealEdit, Server: web, Real: "10.0.0.1:80", Forward: "Route"},
			func(s *lb.State) { s.Services[0].Reals[1].Method = lb.DR }, nil},
		{"OK real edit keeps its weight", Edit{Op: RealEdit, Server: web, Real: "10.0.0.1:80", Forward: "tun"},
			func(s *lb.State) { s.Services[0].Reals[1].Method = lb.TUN }, nil},
		{"OK real del", Edit{Op: RealDel, Server: web, Real: "10.0.0.2:80"},
			func(s *lb.State) { s.Services[0].Reals = s.Services[0].Reals[1:] }, nil},

		{"bad server add twice", Edit{Op: ServerAdd, Server: web}, nil, ErrExists},
		{"bad server edit of none", Edit{Op: ServerEdit, Server: other}, nil, ErrNotFound},
		{"bad server del of none", Edit{Op: ServerDel, Server: other}, nil, ErrNotFound},
		{"bad real add without server", Edit{Op: RealAdd, Server: other, Real: "10.0.0.1:80"}, nil, ErrNotFound},
		{"bad real add twice", Edit{Op: RealAdd, Server: web, Real: "10.0.0.1:80"}, nil, ErrExists},
		{"bad real edit of none", Edit{Op: RealEdit, Server: web, Real: "10.0.0.9:80"}, nil, ErrNotFound},
		{"bad real del of none", Edit{Op: RealDel, Server: web, Real: "10.0.0.1:81"}, nil, ErrNotFound},
		{"bad op", Edit{Op: "server-replace", Server: web}, nil, ErrUsage},
		{"bad scheduler", Edit{Op: ServerAdd, Server: other, Scheduler: "roundrobin"}, nil, ErrUsage},
		{"bad method", Edit{Op: RealEdit, Server: web, Real: "10.0.0.1:80", Forward: "fullnat"}, nil, ErrUsage},
		{"bad weight", Edit{Op: RealEdit, Server: web, Real: "10.0.0.1:80", Weight: weight(-1)}, nil, ErrUsage},
		{"bad large weight", Edit{Op: RealEdit, Server: web, Real: "10.0.0.1:80", Weight: weight(65536)}, nil, ErrUsage},
		{"bad server", Edit{Op: ServerAdd, Server: "web"}, nil, ErrUsage},
		{"bad real", Edit{Op: RealAdd, Server: web, Real: "10.0.0.1"}, nil, ErrUsage},
		{"bad real add without real", Edit{Op: RealAdd, Server: web}, nil, ErrUsage},
		{"bad server with real", Edit{Op: ServerDel, Server: web, Real: "10.0.0.1:80"}, nil, ErrUsage},
		{"bad server with weight", Edit{Op: ServerAdd, Server: web, Weight: weight(1)}, nil, ErrUsage},
		{"bad real with scheduler", Edit{Op: RealAdd, Server: web, Real: "10.0.0.9:80", Scheduler: "rr"}, nil, ErrUsage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := twoServers(t)
			got, err := tt.edit.Apply(before, "me")
			if diff := diffStates(twoServers(t), before); diff != "" {
				t.Errorf("the state before was changed:\n%s", diff)
			}
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if tt.err != nil {
				return
			}
			want := twoServers(t)
			tt.want(&want)
			if diff := diffStates(want, got); diff != "" {
				t.Errorf("unexpected state (-want +got):\n%s", diff)
			}
		})
	}
}

// Every refusal that a command can mend says with which.
func TestEditHints(t *testing.T) {
	tests := []struct {
		edit Edit
		hint string
	}{
		{Edit{Op: ServerAdd, Server: web}, "change it: xlbctl server edit tcp:192.0.2.1:80 --scheduler rr"},
		{Edit{Op: ServerDel, Server: "tcp:192.0.2.9:80"}, "add it: xlbctl server add tcp:192.0.2.9:80"},
		{Edit{Op: RealAdd, Server: web, Real: "10.0.0.1:80"}, "change it: xlbctl real edit tcp:192.0.2.1:80 10.0.0.1:80 --weight 3"},
		{Edit{Op: RealDel, Server: web, Real: "10.0.0.9:80"}, "see what it has: xlbctl list -n"},
	}
	for _, tt := range tests {
		_, err := tt.edit.Apply(twoServers(t), "")
		if got := AsError(err).Hint; got != tt.hint {
			t.Errorf("%v: hint %q, want %q", tt.edit, got, tt.hint)
		}
	}
}

func TestApplyAllIsAllOrNothing(t *testing.T) {
	after, err := ApplyAll(twoServers(t), "", []Edit{
		{Op: RealAdd, Server: dns, Real: "10.0.0.3:53"},
		{Op: RealDel, Server: dns, Real: "10.0.0.4:53"},
	})
	if !errors.Is(err, ErrNotFound) || len(after.Services) != 0 {
		t.Errorf("ApplyAll() = %v, %v", after, err)
	}
}

func TestReplayKeepsWhatFits(t *testing.T) {
	stale := Edit{Op: RealEdit, Server: dns, Real: "10.0.0.4:53", Weight: weight(2)}
	after, left := Replay(twoServers(t), "me", []Edit{
		{Op: RealAdd, Server: dns, Real: "10.0.0.3:53"}, stale, {Op: ServerDel, Server: web},
	})
	want := twoServers(t)
	want.Services = want.Services[1:]
	want.Services[0].Reals = []lb.Real{masq("10.0.0.3:53", 1)}
	if diff := diffStates(want, after); diff != "" {
		t.Errorf("unexpected state (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Edit{stale}, left); diff != "" {
		t.Errorf("unexpected stale edits (-want +got):\n%s", diff)
	}
}

func TestClearEdits(t *testing.T) {
	after, err := ApplyAll(twoServers(t), "", ClearEdits(twoServers(t)))
	if err != nil || len(after.Services) != 0 || len(after.Gates) != 1 {
		t.Errorf("after clearing: %v, %v", after, err)
	}
}

// diffStates is the difference of two states; no list and an empty one are the same.
func diffStates(a, b lb.State) string {
	return cmp.Diff(a, b, cmp.Comparer(func(x, y netip.AddrPort) bool { return x == y }), equateEmpty())
}
