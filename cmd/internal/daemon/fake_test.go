// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/lbtest"
)

// kernel is what outlives a daemon: virtual servers and attached interfaces.
type kernel struct {
	mu        sync.Mutex
	fake      *lbtest.Fake // the engine that was opened last, perhaps closed
	refuse    func(lb.ServiceChange) error
	present   []string // interfaces that exist
	attached  []string
	missing   map[netip.Addr]bool // without a route
	broken    chan error          // ends an engine's upkeep
	openError error
	opens     int
	changed   func()
	silent    int  // next hops that do not answer
	tables    bool // made by Open, gone with "detach --all"
}

func newKernel(interfaces ...string) *kernel {
	return &kernel{
		fake: lbtest.NewFake(features()), present: interfaces, missing: map[netip.Addr]bool{}, broken: make(chan error),
	}
}

func (k *kernel) locked(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
}

// state is what the kernel holds.
func (k *kernel) state() (s lb.State) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fake.Tamper(func(now *lb.State) { s = now.Clone() })
	return s
}

// tamper changes what the kernel holds.
func (k *kernel) tamper(change func(*lb.State)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fake.Tamper(change)
}

// connect gives the first real server of the first virtual server a connection.
func (k *kernel) connect() error {
	s := k.state()
	n, err := k.fake.Restore(context.Background(), slices.Values([]lb.Connection{{
		Service: s.Services[0].ServiceKey, Client: netip.MustParseAddrPort("198.51.100.1:1024"),
		Real: s.Services[0].Reals[0].Addr, Method: lb.NAT, State: "ESTABLISHED", Expires: time.Hour,
	}}))
	if err == nil && n != 1 {
		err = errors.New("the connection was left out")
	}
	return err
}

// changes since the last call.
func (k *kernel) changes() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []string
	for _, c := range k.fake.Calls("Apply") {
		out = append(out, c.Change.String())
	}
	return out
}

// Interfaces lists what is attached.
func (k *kernel) Interfaces(context.Context) ([]control.Interface, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []control.Interface
	for i, name := range k.attached {
		list = append(list, control.Interface{Name: name, Index: i + 1, Mode: "native", Attached: true})
	}
	return list, nil
}

// Same says whether an interface exists and is attached.
func (k *kernel) Same(i control.Interface) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Contains(k.present, i.Name) && slices.Contains(k.attached, i.Name)
}

// Attach attaches an interface that exists.
func (k *kernel) Attach(_ context.Context, r control.AttachRequest) (*control.AttachResult, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Contains(k.present, r.Interface) {
		return nil, fmt.Errorf("interface %s does not exist", r.Interface)
	}
	result := &control.AttachResult{
		Interface: control.Interface{Name: r.Interface, Mode: cmp.Or(string(r.Mode), "auto"), Attached: true},
		Already:   slices.Contains(k.attached, r.Interface),
		Findings:  []control.Finding{{Severity: control.SeverityWarning, Interface: r.Interface, Message: "ip_forward is 0", Fix: "sysctl"}},
	}
	if !result.Already {
		k.attached = append(k.attached, r.Interface)
	}
	return result, nil
}

// Detach detaches, and with All forgets everything.
func (k *kernel) Detach(_ context.Context, r control.DetachRequest) (*control.DetachResult, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.All {
		gone := k.attached
		k.attached, k.fake, k.tables = nil, lbtest.NewFake(features()), false
		return &control.DetachResult{Interfaces: gone, Removed: true}, nil
	}
	i := slices.Index(k.attached, r.Interface)
	if i < 0 {
		return nil, control.Errorf(control.CodeNotFound, "xlb is not attached to %s", r.Interface)
	}
	k.attached = slices.Delete(k.attached, i, i+1)
	return &control.DetachResult{Interfaces: []string{r.Interface}}, nil
}

// Open opens an engine over the kernel.
func (k *kernel) Open(_ context.Context, changed func()) (Engine, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.openError != nil {
		return nil, k.openError
	}
	k.opens++
	k.changed, k.tables = changed, true
	k.fake = k.fake.Reopen()
	k.fake.OnCall(func(c lbtest.Call) error {
		k.mu.Lock()
		defer k.mu.Unlock()
		if c.Method == "Apply" && k.refuse != nil {
			return k.refuse(c.Change)
		}
		return nil
	})
	return &engine{Fake: k.fake, kernel: k}, nil
}

// engine is a fake engine, a network and an upkeep.
type engine struct {
	*lbtest.Fake
	kernel *kernel
}

// Run ends when the kernel is told to break.
func (e *engine) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-e.kernel.broken:
		return err
	}
}

// Route is through eth1 unless it is missing.
func (e *engine) Route(a netip.Addr) (lb.Route, error) {
	e.kernel.mu.Lock()
	defer e.kernel.mu.Unlock()
	if e.kernel.missing[a] {
		return lb.Route{}, errors.New("no route")
	}
	return lb.Route{Interface: "eth1", Attached: true}, nil
}

// Settle waits for those who do not answer until it may not wait any longer.
func (e *engine) Settle(ctx context.Context) (int, error) {
	if e.kernel.silent > 0 {
		<-ctx.Done()
	}
	return e.kernel.silent, nil
}

// IsLocal says no.
func (e *engine) IsLocal(netip.Addr) bool { return false }
