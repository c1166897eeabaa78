// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/lbtest"
)

// fakeDaemon is a daemon over an engine in memory. What only a daemon has is
// made up; the rest does what it does without one. The first real server that
// is added gets three connections.
type fakeDaemon struct {
	*control.Direct
	node *fakeNode

	mu        sync.Mutex
	overrides []control.Edit
}

func newFakeDaemon() *fakeDaemon {
	f := lbtest.Features()
	f.MaxConnections = 4096
	n := &fakeNode{engine: lbtest.NewFake(f)}
	return &fakeDaemon{Direct: control.NewDirect(n), node: n}
}

func (d *fakeDaemon) Version(context.Context) (*control.Version, error) {
	return &control.Version{APIVersion: control.APIVersion, Version: "v1.2.3", PID: 4242}, nil
}

func (d *fakeDaemon) Services(ctx context.Context) (*control.Listing, error) {
	l, err := d.Direct.Services(ctx)
	if err == nil {
		l.Version, l.Time = "v1.2.3", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	}
	return l, err
}

func (d *fakeDaemon) Status(ctx context.Context) (*control.Status, error) {
	s, err := d.Direct.Status(ctx)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	begun := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.Version, s.Overrides = "v1.2.3", append(s.Overrides, d.overrides...)
	s.Daemon = &control.Daemon{PID: 4242, Version: "v1.2.3", Started: begun, File: "/etc/xlb/xlb.yaml",
		Reload: &control.Reload{Time: begun, OK: true}, Metrics: "127.0.0.1:9300"}
	s.Findings = []control.Finding{{Severity: control.SeverityWarning, Interface: "eth1",
		Message: "rx-vlan offload is on", Fix: "ethtool -K eth1 rxvlan off"}}
	return s, nil
}

func (d *fakeDaemon) Stats(ctx context.Context) (*control.Stats, error) {
	s, err := d.Direct.Stats(ctx)
	if err != nil {
		return nil, err
	}
	s.Time = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.Reasons = map[string]uint64{"tx": 70, "redirect": 7, "malformed": 0, "not_ours": 123456789}
	return s, nil
}

func (d *fakeDaemon) Edit(ctx context.Context, edits []control.Edit) error {
	if err := d.Direct.Edit(ctx, edits); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range edits {
		d.overrides = control.Fold(d.overrides, e)
	}
	return d.node.connect(ctx)
}

func (d *fakeDaemon) Reset(_ context.Context, r control.ResetRequest) (*control.ResetResult, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ended := []control.Edit{}
	d.overrides = slices.DeleteFunc(d.overrides, func(e control.Edit) bool {
		if r.Server != "" && e.Server != r.Server {
			return false
		}
		ended = append(ended, e)
		return true
	})
	return &control.ResetResult{APIVersion: control.APIVersion, Ended: ended}, nil
}

func (d *fakeDaemon) Reload(context.Context) (*control.ReloadResult, error) {
	return &control.ReloadResult{APIVersion: control.APIVersion, File: "/etc/xlb/xlb.yaml", Changed: 2,
		Stale: []control.Edit{{Op: control.RealDel, Server: "tcp:192.0.2.1:80", Real: "10.0.0.9:80"}}}, nil
}

// fakeNode is a node with two interfaces and an engine in memory.
type fakeNode struct {
	engine *lbtest.Fake

	mu        sync.Mutex
	attached  []control.Interface
	connected bool
}

func (n *fakeNode) Interfaces(context.Context) ([]control.Interface, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.attached), nil
}

func (n *fakeNode) Open(context.Context) (lb.Dataplane, error)   { return &opened{n.engine}, nil }
func (n *fakeNode) Writer(context.Context) (lb.Dataplane, error) { return &opened{n.engine}, nil }

// Attach knows eth0, native, and eth1, which can only do generic mode.
func (n *fakeNode) Attach(_ context.Context, r control.AttachRequest) (*control.AttachResult, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := &control.AttachResult{Interface: control.Interface{Name: r.Interface, Index: 2, Mode: "native", Attached: true},
		Findings: []control.Finding{}}
	switch {
	case r.Interface == "eth1" && r.Mode == control.ModeNative:
		return nil, control.Errorf(control.CodeConflict, "interface eth1: the driver has no XDP")
	case r.Interface == "eth1":
		out.Interface.Index, out.Interface.Mode, out.Reason = 3, "generic", "the driver has no XDP"
		out.Findings = append(out.Findings, control.Finding{Severity: control.SeverityWarning, Interface: "eth1",
			Message: "rx-vlan offload is on", Fix: "ethtool -K eth1 rxvlan off"})
	case r.Interface != "eth0":
		return nil, control.Errorf(control.CodeConflict, "there is no interface %s", r.Interface).WithHint("see: ip link")
	}
	out.Already = slices.Contains(n.attached, out.Interface)
	if !out.Already {
		n.attached = append(n.attached, out.Interface)
	}
	return out, nil
}

func (n *fakeNode) Detach(_ context.Context, r control.DetachRequest) (*control.DetachResult, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := &control.DetachResult{Interfaces: []string{}, Removed: r.All}
	n.attached = slices.DeleteFunc(n.attached, func(i control.Interface) bool {
		if !r.All && i.Name != r.Interface {
			return false
		}
		out.Interfaces = append(out.Interfaces, i.Name)
		return true
	})
	if !r.All && len(out.Interfaces) == 0 {
		return nil, control.Errorf(control.CodeNotFound, "xlb is not attached to %s", r.Interface)
	}
	return out, nil
}

// connect gives the first real server that there is three connections, once.
func (n *fakeNode) connect(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	s, err := n.engine.State(ctx)
	if err != nil || n.connected || len(s.Services) == 0 || len(s.Services[0].Reals) == 0 {
		return err
	}
	n.connected = true
	svc, real := s.Services[0].ServiceKey, s.Services[0].Reals[0].Addr
	var conns []lb.Connection
	for i, state := range []string{"ESTABLISHED", "ESTABLISHED", "TIME_WAIT"} {
		client := netip.AddrPortFrom(netip.MustParseAddr("198.51.100.7"), uint16(40000+i))
		conns = append(conns, lb.Connection{Service: svc, Client: client, Real: real, Method: lb.NAT, State: state, Expires: time.Hour})
	}
	_, err = n.engine.Restore(ctx, slices.Values(conns))
	return err
}

// opened is the engine as it is opened for a request.
type opened struct{ *lbtest.Fake }

func (o *opened) Close() error                               { return nil }
func (o *opened) Zero(context.Context, *lb.ServiceKey) error { return nil }
