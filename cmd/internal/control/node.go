// SPDX-License-Identifier: Apache-2.0

package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/xlb-project/xlb/cmd/internal/version"
	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/xdp"
	"github.com/xlb-project/xlb/loader"
	"github.com/xlb-project/xlb/maps"
)

// settle is how long a change waits for new real servers to answer ARP: a
// command ends afterwards, and nobody would hear a later answer.
const settle = time.Second

// machine is this network namespace, by the loader and the XDP engine.
type machine struct {
	dirs loader.Dirs
}

// NewNode is the network namespace of this process, with what is pinned in
// dirs.
func NewNode(dirs Dirs) Node {
	return &machine{dirs: loader.Dirs{Pin: dirs.Pin, Run: dirs.Run}}
}

// Interfaces are those with a pinned link, dead ones too.
func (m *machine) Interfaces(context.Context) ([]Interface, error) {
	state, err := loader.Status(m.dirs)
	if err != nil {
		return nil, fmt.Errorf("reading what is attached: %w", err)
	}
	list := make([]Interface, 0, len(state.Interfaces))
	for _, i := range state.Interfaces {
		list = append(list, newInterface(i))
	}
	return list, nil
}

func newInterface(i loader.Interface) Interface {
	out := Interface{Name: i.Name, Index: i.Index, Attached: !i.Dead}
	switch {
	case !i.Dead:
		out.Mode = i.Mode.String()
	case i.Index == 0:
		out.Problem = "there is no such interface now"
	default:
		out.Problem = "it was deleted and has come back: xlbctl attach " + i.Name
	}
	return out
}

// Attach attaches by the loader.
func (m *machine) Attach(ctx context.Context, r AttachRequest) (*AttachResult, error) {
	if r.Interface == "" {
		return nil, Errorf(CodeUsage, "no interface was named")
	}
	mode := loader.Auto
	if r.Mode != "" {
		var err error
		if mode, err = loader.ParseMode(string(r.Mode)); err != nil {
			return nil, Errorf(CodeUsage, "%w", err)
		}
	}
	o := m.options()
	o.Interface, o.Mode = r.Interface, mode
	a, err := loader.Attach(ctx, o)
	if err != nil {
		return nil, err
	}
	return newAttachResult(a), nil
}

func newAttachResult(a *loader.Attachment) *AttachResult {
	out := &AttachResult{
		Interface: Interface{Name: a.Interface, Index: a.Index, Mode: a.Mode.String(), Attached: true},
		Already:   a.Kept, Reason: a.Reason, Findings: make([]Finding, 0, len(a.Findings)),
	}
	for _, f := range a.Findings {
		message := f.What
		if f.Why != "" {
			message += ": " + f.Why
		}
		out.Findings = append(out.Findings, Finding{
			Severity: Severity(f.Severity.String()), Interface: a.Interface, Message: message, Fix: f.Fix,
		})
	}
	return out
}

// Detach detaches by the loader.
func (m *machine) Detach(ctx context.Context, r DetachRequest) (*DetachResult, error) {
	o := m.options()
	switch {
	case r.All && r.Interface != "":
		return nil, Errorf(CodeUsage, "%s and all interfaces cannot be detached at once", r.Interface)
	case r.All:
		names, err := loader.DetachAll(ctx, o)
		if err != nil {
			return nil, err
		}
		return &DetachResult{Interfaces: append([]string{}, names...), Removed: true}, nil
	case r.Interface == "":
		return nil, Errorf(CodeUsage, "no interface was named")
	}
	o.Interface = r.Interface
	if err := loader.Detach(ctx, o); err != nil {
		return nil, err
	}
	return &DetachResult{Interfaces: []string{r.Interface}}, nil
}

func (m *machine) options() loader.Options {
	return loader.Options{Dirs: m.dirs, Version: version.Version()}
}

// Open opens what is pinned, for reading.
func (m *machine) Open(context.Context) (lb.Dataplane, error) {
	return m.open(nil, xdp.Options{ReadOnly: true})
}

// Writer takes the lock, makes sure that no daemon has appeared meanwhile, and
// opens what is pinned. A daemon that starts after that waits for the lock
// before it reads the virtual servers.
func (m *machine) Writer(ctx context.Context) (lb.Dataplane, error) {
	lock, err := loader.Acquire(ctx, m.dirs.Run, 0)
	if err != nil {
		return nil, err
	}
	if err := m.refuseDaemon(); err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return m.open(lock, xdp.Options{Settle: settle})
}

// refuseDaemon is an error if somebody listens on the control socket.
func (m *machine) refuseDaemon() error {
	conn, _ := net.DialTimeout("unix", filepath.Join(m.dirs.Run, SocketName), time.Second)
	if conn == nil {
		return nil
	}
	return errors.Join(conn.Close(), Errorf(CodeUnavailable, "xlbd has just started, and has the virtual servers in hand").
		WithHint("run the command again"))
}

// open opens the engine. It owns the lock, which may be nil.
func (m *machine) open(lock *loader.Lock, o xdp.Options) (lb.Dataplane, error) {
	set, err := loader.OpenSet(m.dirs.Pin)
	if err != nil {
		if errors.Is(err, maps.ErrNotPinned) {
			err = m.notAttached(os.Geteuid())
		}
		return nil, errors.Join(err, release(lock))
	}
	engine, err := xdp.New(set, o)
	if err != nil {
		return nil, errors.Join(err, set.Close(), release(lock))
	}
	return &opened{Engine: engine, set: set, lock: lock}, nil
}

// notAttached is the error where nothing is pinned; who is not root does not
// see what is.
func (m *machine) notAttached(uid int) error {
	err := Errorf(CodeUnavailable, "xlb is not attached: nothing is pinned in %s", m.dirs.Pin)
	if uid != 0 {
		return err.WithHint("only root sees what is there: run it with sudo")
	}
	return err.WithHint("attach it: xlbctl attach eth0")
}

func release(lock *loader.Lock) error {
	if lock == nil {
		return nil
	}
	return lock.Release()
}

// opened is an engine with all that goes when it is closed.
type opened struct {
	*xdp.Engine
	set  *maps.Set
	lock *loader.Lock
}

// Close lets go of the engine, the maps and the lock.
func (o *opened) Close() error {
	return errors.Join(o.Engine.Close(), o.set.Close(), release(o.lock))
}
