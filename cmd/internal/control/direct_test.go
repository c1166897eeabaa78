// SPDX-License-Identifier: Apache-2.0

package control

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/lbtest"
)

// fakeNode is a Node with an engine in memory. It counts how often the lock
// for writing was taken and let go.
type fakeNode struct {
	engine        *lbtest.Fake
	topology      lb.Topology // nil: everything can be reached
	zeroed        []*lb.ServiceKey
	missing       error // answers Open and Writer, once set
	locked, freed int
}

func newFakeNode(f lb.Features) *fakeNode { return &fakeNode{engine: lbtest.NewFake(f)} }

func (n *fakeNode) Interfaces(context.Context) ([]Interface, error) {
	return []Interface{{Name: "eth0", Index: 2, Mode: "native", Attached: true}}, nil
}

func (n *fakeNode) Attach(_ context.Context, r AttachRequest) (*AttachResult, error) {
	return &AttachResult{Interface: Interface{Name: r.Interface}}, n.missing
}

func (n *fakeNode) Detach(_ context.Context, r DetachRequest) (*DetachResult, error) {
	return &DetachResult{Interfaces: []string{r.Interface}}, n.missing
}

func (n *fakeNode) Open(context.Context) (lb.Dataplane, error) {
	if n.missing != nil {
		return nil, n.missing
	}
	return &fakeEngine{n.engine, n, func() {}}, nil
}

func (n *fakeNode) Writer(context.Context) (lb.Dataplane, error) {
	if n.missing != nil {
		return nil, n.missing
	}
	n.locked++
	engine := &fakeEngine{n.engine, n, func() { n.freed++ }}
	if n.topology == nil {
		return engine, nil
	}
	return &placedEngine{engine, n.topology}, nil
}

// fakeEngine is the node's engine, opened once more.
type fakeEngine struct {
	*lbtest.Fake
	node  *fakeNode
	close func()
}

func (e *fakeEngine) Close() error {
	e.close()
	return nil
}

func (e *fakeEngine) Zero(_ context.Context, key *lb.ServiceKey) error {
	e.node.zeroed = append(e.node.zeroed, key)
	return nil
}

// placedEngine is an engine that knows the network around it.
type placedEngine struct {
	*fakeEngine
	lb.Topology
}

// nowhere is a network without a route.
type nowhere struct{}

func (nowhere) Route(netip.Addr) (lb.Route, error) { return lb.Route{}, errors.New("no route") }
func (nowhere) IsLocal(netip.Addr) bool            { return false }

// holds fails the test unless the node's engine holds want.
func (n *fakeNode) holds(t testing.TB, want []lb.Service) {
	t.Helper()
	s, err := n.engine.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := diffStates(lb.State{Services: want}, lb.State{Services: s.Services}); diff != "" {
		t.Errorf("unexpected virtual servers (-want +got):\n%s", diff)
	}
	if n.locked != n.freed {
		t.Errorf("the lock was taken %d times and let go %d times", n.locked, n.freed)
	}
}

func TestDirectEdit(t *testing.T) {
	n := newFakeNode(lbtest.Features())
	n.engine.Strict = true
	d := NewDirect(n)
	for _, e := range []Edit{
		{Op: ServerAdd, Server: web},
		{Op: RealAdd, Server: web, Real: "10.0.0.2:80"},
		{Op: RealAdd, Server: web, Real: "10.0.0.1:80", Weight: weight(3)},
		{Op: ServerAdd, Server: dns},
		{Op: ServerDel, Server: dns},
	} {
		if err := d.Edit(t.Context(), []Edit{e}); err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
	}
	n.holds(t, []lb.Service{{ServiceKey: key(t, web), Scheduler: lb.RoundRobin, Owner: lb.OwnerNone,
		Reals: []lb.Real{masq("10.0.0.2:80", 1), masq("10.0.0.1:80", 3)}}})
	if n.locked != 5 {
		t.Errorf("%d locks for 5 edits", n.locked)
	}
}

func TestDirectRefusals(t *testing.T) {
	few := lbtest.Features()
	few.MaxServices, few.MaxReals, few.Methods = 1, 1, []lb.Method{lb.NAT}
	tests := []struct {
		name string
		edit Edit
		code Code
		says string
	}{
		{"twice", Edit{Op: ServerAdd, Server: web}, CodeExists, "exists already"},
		{"of none", Edit{Op: RealDel, Server: web, Real: "10.0.0.9:80"}, CodeNotFound, "10.0.0.9:80"},
		{"scheduler", Edit{Op: ServerEdit, Server: web, Scheduler: "wlc"}, CodeConflict, "no scheduler wlc"},
		{"method", Edit{Op: RealEdit, Server: web, Real: "10.0.0.1:80", Forward: "dr"}, CodeConflict, "no forwarding method dr"},
		{"address", Edit{Op: RealAdd, Server: web, Real: "224.0.0.1:80"}, CodeUsage, "multicast"},
		{"too many virtual servers", Edit{Op: ServerAdd, Server: dns}, CodeConflict, "max_services"},
		{"too many real servers", Edit{Op: RealAdd, Server: web, Real: "10.0.0.2:80"}, CodeConflict, "max_reals"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := newFakeNode(few)
			have := []lb.Service{{ServiceKey: key(t, web), Scheduler: lb.RoundRobin, Reals: []lb.Real{masq("10.0.0.1:80", 1)}}}
			n.engine.Tamper(func(s *lb.State) { s.Services = slices.Clone(have) })
			e := AsError(NewDirect(n).Edit(t.Context(), []Edit{tt.edit}))
			if e == nil || e.Code != tt.code || !strings.Contains(e.Message, tt.says) {
				t.Errorf("error %+v, want %s: %s", e, tt.code, tt.says)
			}
			n.holds(t, have)
		})
	}
}

// A new real server must be reachable; one that is there may be edited while
// a route is missing.
func TestDirectJudgesRoutesOfNewServersOnly(t *testing.T) {
	n := newFakeNode(lbtest.Features())
	n.topology = nowhere{}
	n.engine.Tamper(func(s *lb.State) { *s = twoServers(t) })
	d := NewDirect(n)
	err := d.Edit(t.Context(), []Edit{{Op: RealAdd, Server: dns, Real: "10.0.0.3:53"}})
	if !errors.Is(err, lb.ErrUnreachable) || AsError(err).Code != CodeConflict {
		t.Errorf("a server without a route: %v", err)
	}
	if err := d.Edit(t.Context(), []Edit{{Op: RealEdit, Server: web, Real: "10.0.0.1:80", Weight: weight(0)}}); err != nil {
		t.Errorf("draining a server without a route: %v", err)
	}
}

// When the engine fails in the middle, what was done before is undone.
func TestDirectUndoes(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		able := lbtest.Features()
		able.Schedulers = append(able.Schedulers, "sh")
		n := newFakeNode(able)
		before := drawState(r)
		n.engine.Tamper(func(s *lb.State) { *s = before.Clone() })
		var edits []Edit
		now := before
		for _, e := range rapid.SliceOfN(rapid.Custom(drawEdit), 1, 10).Draw(r, "edits") {
			if next, err := e.Apply(now, lb.OwnerNone); err == nil {
				now, edits = next, append(edits, e)
			}
		}
		fails := rapid.IntRange(0, len(lb.Diff(before, now))).Draw(r, "fails at")
		applied := 0
		n.engine.OnCall(func(c lbtest.Call) error {
			if c.Method == "Apply" {
				if applied++; applied == fails {
					return errors.New("no memory")
				}
			}
			return nil
		})
		err := NewDirect(n).Edit(t.Context(), edits)
		if lb.FindingsIn(err) != nil {
			fails = 1 // refused before anything was done
		}
		want := now
		if fails > 0 {
			want = before
		}
		got, _ := n.engine.State(t.Context())
		if diff := diffStates(lb.State{Services: want.Services}, lb.State{Services: got.Services}); diff != "" || (err != nil) != (fails > 0) {
			r.Fatalf("error %v, state (-want +got):\n%s", err, diff)
		}
	})
}

func TestDirectClear(t *testing.T) {
	n := newFakeNode(lbtest.Features())
	n.engine.Tamper(func(s *lb.State) { *s = twoServers(t) })
	r, err := NewDirect(n).Clear(t.Context())
	if err != nil || r.Removed != 2 || r.Foreign != 0 {
		t.Errorf("Clear() = %+v, %v", r, err)
	}
	n.holds(t, nil)
}

func TestDirectZero(t *testing.T) {
	n := newFakeNode(lbtest.Features())
	n.engine.Tamper(func(s *lb.State) { *s = twoServers(t) })
	d := NewDirect(n)
	k := key(t, web)
	for _, server := range []string{"", web} {
		if err := d.Zero(t.Context(), ZeroRequest{Server: server}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]*lb.ServiceKey{nil, &k}, n.zeroed, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("zeroed (-want +got):\n%s", diff)
	}
	if err := d.Zero(t.Context(), ZeroRequest{Server: "tcp:192.0.2.9:80"}); !errors.Is(err, ErrNotFound) {
		t.Errorf("of none: %v", err)
	}
	if err := d.Zero(t.Context(), ZeroRequest{Server: "web"}); !errors.Is(err, ErrUsage) {
		t.Errorf("of nonsense: %v", err)
	}
	if err := ZeroOf(t.Context(), n.engine, ZeroRequest{}); !errors.Is(err, ErrConflict) {
		t.Errorf("by an engine that cannot: %v", err)
	}
}

func TestDirectReads(t *testing.T) {
	n := newFakeNode(lbtest.Features())
	n.engine.Tamper(func(s *lb.State) { *s = twoServers(t) })
	d := NewDirect(n)
	client := netip.MustParseAddrPort("198.51.100.7:40000")
	if _, err := n.engine.Restore(t.Context(), slices.Values([]lb.Connection{{
		Service: key(t, web), Client: client, Real: netip.MustParseAddrPort("10.0.0.1:80"),
		Method: lb.NAT, State: "ESTABLISHED", Expires: time.Hour,
	}})); err != nil {
		t.Fatal(err)
	}
	l, err := d.Services(t.Context())
	if err != nil || len(l.Services) != 2 || l.Services[0].Reals[1].Active != 1 {
		t.Errorf("Services() = %+v, %v", l, err)
	}
	if s, err := d.Stats(t.Context()); err != nil || s.Established.Used != 1 {
		t.Errorf("Stats() = %+v, %v", s, err)
	}
	for c, err := range d.Connections(t.Context(), ConnFilter{Server: web}) {
		if err != nil || c.Client != client.String() || c.ExpiresMS < 3599_000 {
			t.Errorf("Connections() = %+v, %v", c, err)
		}
	}
	for filter, want := range map[ConnFilter]int{{}: 1, {State: "udp"}: 0, {Client: "198.51.100.0/24"}: 1} {
		if n, err := d.CountConnections(t.Context(), filter); err != nil || n.Count != want {
			t.Errorf("CountConnections(%+v) = %+v, %v", filter, n, err)
		}
	}
	if n.locked != 0 {
		t.Error("reading took the lock for writing")
	}
}

func TestDirectStatus(t *testing.T) {
	n := newFakeNode(lbtest.Features())
	n.engine.Tamper(func(s *lb.State) { *s = twoServers(t) })
	s, err := NewDirect(n).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Engine != "fake" || s.Services != 2 || s.Reals != 2 || s.Daemon != nil || len(s.Interfaces) != 1 {
		t.Errorf("Status() = %+v", s)
	}
	if !slices.ContainsFunc(s.Findings, func(f Finding) bool { return strings.Contains(f.Message, "xlbd is not running") }) {
		t.Errorf("the status does not say that there is no daemon: %+v", s.Findings)
	}
}

// With nothing attached the status works and says so; all else says what to do.
func TestDirectNotAttached(t *testing.T) {
	n := newFakeNode(lbtest.Features())
	n.missing = Errorf(CodeUnavailable, "xlb is not attached").WithHint("xlbctl attach eth0")
	d := NewDirect(n)
	s, err := d.Status(t.Context())
	if err != nil || s.Engine != "" || s.Findings[0].Fix != "xlbctl attach eth0" {
		t.Errorf("Status() = %+v, %v", s, err)
	}
	for name, call := range calls(t.Context()) {
		if name == "version" || name == "status" {
			continue
		}
		if _, err := call(d); !errors.Is(err, ErrUnavailable) || AsError(err).Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, err := range d.Connections(t.Context(), ConnFilter{}) {
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("connections: %v", err)
		}
	}
}
