// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cilium/ebpf/rlimit"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
)

// Options say what to attach and how.
type Options struct {
	Dirs
	// Interface to attach to, by name. Empty: load, adopt or migrate the data
	// path and attach to nothing.
	Interface string
	Mode      Mode
	Sizes     Sizes
	// Version of the calling program, kept beside the maps.
	Version string
	// Daemon: the caller is the daemon, or knows that it is not running, so
	// tables may be exchanged although there was a heartbeat lately.
	Daemon bool
	// LeaveSlot: who fills the program slot is another; an empty one stays so.
	LeaveSlot bool
	// Lock that the caller holds already; nil: taken for the call.
	Lock *Lock
	// LockTimeout is how long to wait for it; 0: DefaultLockTimeout.
	LockTimeout time.Duration
	// Log hears of repairs and migrations; nil: slog.Default.
	Log *slog.Logger
}

// Attachment says what [Attach] did.
type Attachment struct {
	Interface string
	Index     int    // the kernel's, in this network namespace
	Port      uint16 // number in the data path
	Mode      Mode   // Native or Generic
	// Reason is why native mode was not to be had, in the kernel's words;
	// empty if it was, or was not asked for.
	Reason string
	// Findings of [Preflight], worst first.
	Findings []Finding
	// Created: nothing was pinned before. Kept: the interface was attached.
	Created, Kept bool
	// Programs that were replaced, by name.
	Programs []string
	// Migrated names the maps that were replaced, each with the reason.
	Migrated []string
}

// Attach makes xlb work on an interface. It loads the data path, or adopts
// what is pinned: connections and counters go on. If the pinned maps have
// another layout or size than wanted, they are exchanged under load; a changed
// program is put into its place without a lost packet.
//
// Attaching what is attached already is no error and changes nothing. An XDP
// program of somebody else is refused ([ErrForeign]), and so is an interface
// that [Preflight] finds impossible.
func Attach(ctx context.Context, o Options) (*Attachment, error) {
	return attach(ctx, o, bpf.LoadLb)
}

func attach(ctx context.Context, o Options, source source) (out *Attachment, err error) {
	err = withPlane(ctx, o, source, func(p *plane) error {
		out, err = p.attach(o)
		return err
	})
	return out, err
}

// withPlane runs f under the lock, in this thread's network namespace.
func withPlane(ctx context.Context, o Options, source source, f func(*plane) error) (err error) {
	o.Dirs = o.Dirs.withDefaults()
	p := &plane{pins: pins{o.Pin}, source: source, log: o.Log}
	if p.log == nil {
		p.log = slog.Default()
	}
	if p.netns, err = netnsID(); err != nil {
		return err
	}
	if o.Lock == nil {
		lock, err := Acquire(ctx, o.Run, o.LockTimeout)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, lock.Release()) }()
	}
	defer func() { err = errors.Join(err, p.close()) }()
	return f(p)
}

// attach does the work of [Attach] under the lock.
func (p *plane) attach(o Options) (*Attachment, error) {
	out := &Attachment{Interface: o.Interface}
	if err := NewProber().Require(); err != nil {
		return nil, err
	}
	if err := p.preflight(o, out); err != nil {
		return nil, err
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, fmt.Errorf("lifting the limit of locked memory: %w", err)
	}
	if err := ensureBPFFS(p.pins.root); err != nil {
		return nil, err
	}
	if err := p.ensure(o, out); err != nil {
		return nil, err
	}
	if o.Interface == "" {
		return out, nil
	}
	return out, p.attachInterface(o, out)
}

// preflight refuses an interface that cannot work, before anything is made.
func (p *plane) preflight(o Options, out *Attachment) error {
	if o.Interface == "" {
		return nil
	}
	findings, err := Preflight(o.Interface)
	if err != nil {
		return err
	}
	out.Findings = findings
	var errs []error
	for _, f := range findings {
		if f.Severity == Error {
			errs = append(errs, fmt.Errorf("interface %s: %w: %v", o.Interface, ErrInterface, f))
		}
	}
	return errors.Join(errs...)
}

// judgeMode adds what matters only now that the mode is known.
func (p *plane) judgeMode(o Options, out *Attachment) error {
	if out.Mode != Generic {
		return nil
	}
	s, err := TakeSnapshot(o.Interface)
	if err != nil {
		return err
	}
	out.Findings = append(out.Findings, judgeGeneric(s)...)
	return nil
}

// attachInterface puts the dispatcher on the interface and gives it a number.
func (p *plane) attachInterface(o Options, out *Attachment) error {
	i, err := findInterface(o.Interface)
	if err != nil {
		return err
	}
	out.Index = i.index
	kept, err := p.keepLink(i, o, out)
	if err != nil || kept {
		return err
	}
	if err := refuseForeign(i); err != nil {
		return err
	}
	if out.Port, err = p.register(i); err != nil {
		return err
	}
	l, mode, reason, err := attachXDP(i, p.progs[bpf.LbProgXlbDispatch], o.Mode)
	if err != nil {
		return errors.Join(err, p.set.Ports.Clear(out.Port))
	}
	out.Mode, out.Reason = mode, reason
	if err := p.judgeMode(o, out); err != nil {
		p.log.Warn("looking at what generic mode needs", "interface", o.Interface, "error", err)
	}
	if err := l.Pin(p.pins.link(i.name)); err != nil {
		return errors.Join(fmt.Errorf("pinning the link of %s: %w", i.name, err), l.Close(), p.set.Ports.Clear(out.Port))
	}
	return l.Close()
}

// keepLink goes on with a link that is there and alive. One whose interface is
// gone, or came back as another, is removed.
func (p *plane) keepLink(i iface, o Options, out *Attachment) (bool, error) {
	l, err := openLink(p.pins, i.name)
	if errors.Is(err, ErrNotAttached) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if l.ifindex != uint32(i.index) {
		return false, l.detach()
	}
	st, err := readXDP(i.index)
	if err = errors.Join(err, l.link.Close()); err != nil {
		return false, err
	}
	if o.Mode != Auto && o.Mode != st.mode {
		return false, fmt.Errorf("interface %s is attached in %v mode: to change it to %v, run \"xlbctl detach %s\" first", i.name, st.mode, o.Mode, i.name)
	}
	out.Kept, out.Mode = true, st.mode
	out.Port, err = p.register(i)
	return true, err
}

// register gives an interface its port number: the one that it has, or had
// under this name before; else one that nobody had, else the lowest free one.
func (p *plane) register(i iface) (uint16, error) {
	number, err := p.portNumber(i)
	if err != nil {
		return 0, err
	}
	if err := p.set.Ports.Set(number, i.port()); err != nil {
		return 0, err
	}
	return number, p.pins.reserve(number, i.name)
}

func (p *plane) portNumber(i iface) (uint16, error) {
	names, err := p.pins.portNames()
	if err != nil {
		return 0, err
	}
	for number, name := range names {
		if name == i.name {
			return number, nil
		}
	}
	for number := uint16(1); number < p.set.Ports.Len(); number++ {
		port, err := p.set.Ports.Get(number)
		if err != nil {
			return 0, err
		}
		if _, reserved := names[number]; !reserved && port == (maps.Port{}) {
			return number, nil
		}
	}
	return p.set.Ports.Unused()
}
