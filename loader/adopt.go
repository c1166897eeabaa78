// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
)

// ensure makes the data path be there as the options want it: it creates it,
// or adopts what is pinned, or migrates that.
func (p *plane) ensure(o Options, out *Attachment) error {
	if err := p.recover(); err != nil {
		return fmt.Errorf("taking up an interrupted migration: %w", err)
	}
	found, err := p.open()
	if err != nil {
		return err
	}
	if !found {
		out.Created = true
		return p.ensureNew(o)
	}
	return p.ensureCurrent(o, out)
}

func (p *plane) ensureNew(o Options) error {
	if err := p.close(); err != nil {
		return err
	}
	rate, err := maps.SystemRate()
	if err != nil {
		return err
	}
	spec, err := buildSpec(p.source, o.Sizes, nil, rate)
	if err != nil {
		return err
	}
	layout, err := layoutOf(spec)
	if err != nil {
		return err
	}
	if err := p.create(spec, maps.Identity{Layout: layout, Netns: p.netns, Rate: rate, Version: o.Version}); err != nil {
		return err
	}
	return p.fill(o)
}

// fill makes the pinned program the active one, unless that is another's to do.
func (p *plane) fill(o Options) error {
	if o.LeaveSlot {
		return nil
	}
	if err := p.set.Program.Fill(p.progs[bpf.LbProgXlbIngress]); err != nil {
		return fmt.Errorf("filling the program slot: %w", err)
	}
	return nil
}

// ensureCurrent adopts what is pinned. Where maps or programs are not those of
// this program, a migration replaces them.
func (p *plane) ensureCurrent(o Options, out *Attachment) error {
	spec, err := buildSpec(p.source, o.Sizes, p.maps, p.id.Rate)
	if err != nil {
		return err
	}
	id := p.id
	if id.Layout, err = layoutOf(spec); err != nil {
		return err
	}
	if o.Version != "" {
		id.Version = o.Version
	}
	m := &migration{plane: p, spec: spec, id: id, leaveSlot: o.LeaveSlot}
	if id.Layout != p.id.Layout {
		if m.changes, err = p.changes(spec); err != nil {
			return err
		}
		if err := p.mayMigrate(m.changes, o); err != nil {
			return err
		}
	}
	if err := m.load(); err != nil {
		return err
	}
	replaced, err := m.replaced()
	if err != nil || len(replaced) == 0 && len(m.changes) == 0 {
		return errors.Join(err, m.drop(), p.keep(o, id))
	}
	out.Programs = replaced
	for _, c := range m.changes {
		out.Migrated = append(out.Migrated, c.String())
	}
	p.log.Info("replacing the data path", "programs", replaced, "maps", out.Migrated)
	return m.run()
}

// keep goes on with what is pinned.
func (p *plane) keep(o Options, id maps.Identity) error {
	if err := p.view(); err != nil {
		return err
	}
	if id != p.id {
		p.id = id
		if err := p.set.Meta.Set(id); err != nil {
			return fmt.Errorf("writing what the maps are: %w", err)
		}
	}
	if _, err := p.set.Program.Active(); !errors.Is(err, maps.ErrNotFound) {
		return err
	}
	return p.fill(o)
}

// changes compares pinned maps with wanted ones.
func (p *plane) changes(spec *ebpf.CollectionSpec) ([]*change, error) {
	var (
		all  []*change
		errs []error
	)
	for _, name := range mapNames(spec) {
		c := &change{name: name, old: p.maps[name], want: spec.Maps[name]}
		if c.old == nil {
			c.why = "new"
			all = append(all, c)
			continue
		}
		why, err := difference(c.old, c.want)
		if err == nil && why != "" {
			c.why = why
			all = append(all, c)
			err = errors.Join(c.prepare(), fits(name, c.old, c.want))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("map %s: %w", name, err))
		}
	}
	return all, errors.Join(errs...)
}

// mayMigrate refuses to exchange tables under a running daemon.
func (p *plane) mayMigrate(changes []*change, o Options) error {
	if len(changes) == 0 || o.Daemon {
		return nil
	}
	alive, err := p.daemonAlive()
	if err != nil || !alive {
		return err
	}
	names := make([]string, len(changes))
	for i, c := range changes {
		names[i] = c.name
	}
	return fmt.Errorf("%w: %s must be exchanged, and a running xlbd would go on writing to the old ones: stop or restart xlbd", ErrBusy, strings.Join(names, ", "))
}

// daemonAlive says whether the daemon gave a sign of life lately. What cannot
// be read, because the layout is another, counts as no sign.
func (p *plane) daemonAlive() (bool, error) {
	set, err := maps.FromCollection(&ebpf.Collection{Maps: p.maps, Programs: p.progs})
	if err != nil {
		p.log.Warn("cannot tell whether xlbd is running", "cause", err)
		return false, nil
	}
	defer set.Close()
	age, ok, err := heartbeatAge(set)
	return ok && age < maps.HeartbeatLimit, err
}
