// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
)

// each calls f for the contents of every replaced map that there was before.
func (m *migration) each(f func(copier) error) error {
	i := 0
	for _, c := range m.changes {
		if c.old == nil {
			continue
		}
		if len(m.copiers) == i {
			cp, err := c.copier(m.fresh.Maps[c.name], m.set)
			if err != nil {
				return fmt.Errorf("map %s: %w", c.name, err)
			}
			m.copiers = append(m.copiers, cp)
		}
		if err := f(m.copiers[i]); err != nil {
			return fmt.Errorf("map %s: %w", c.name, err)
		}
		i++
	}
	return nil
}

func (m *migration) copy() error {
	if err := m.initNew(); err != nil {
		return err
	}
	return m.each(copier.bulk)
}

// initNew gives maps that had no predecessor their first contents.
func (m *migration) initNew() error {
	for _, c := range m.changes {
		var err error
		switch {
		case c.old != nil:
		case c.name == bpf.LbMapSettings:
			err = m.set.Settings.SetTimeouts(maps.DefaultTimeouts())
		case c.name == bpf.LbMapGates:
			err = m.set.Gates.Set(0, true)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *migration) delta() (err error) {
	if m.since, err = m.set.Clock.Now(); err != nil {
		return err
	}
	return m.each(func(c copier) error { return c.delta(m.since) })
}

// pin pins everything new beside the old, so that it outlives a crash.
func (m *migration) pin() error {
	p := m.plane.pins
	for _, dir := range []string{p.incoming(maps.MapDir), p.incoming(maps.ProgramDir)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	if err := writeNote(p, note{Since: m.since, Layout: m.id.Layout, Version: m.id.Version}); err != nil {
		return err
	}
	for _, c := range m.changes {
		if err := m.fresh.Maps[c.name].Pin(p.incoming(maps.MapDir, c.name)); err != nil {
			return fmt.Errorf("pinning map %s: %w", c.name, err)
		}
	}
	for name, prog := range m.fresh.Programs {
		if err := prog.Pin(p.incoming(maps.ProgramDir, name)); err != nil {
			return fmt.Errorf("pinning program %s: %w", name, err)
		}
	}
	return nil
}

// freeze has packets without a connection dropped, in both programs, while
// their connection may be in the other table. Without tables to exchange there
// is nothing to freeze.
func (m *migration) freeze(on bool) error {
	if len(m.changes) == 0 {
		return nil
	}
	return m.set.Settings.SetMigrating(on)
}

// swap makes packets use the new program and with it the new maps.
func (m *migration) swap() error {
	if _, err := m.set.Program.Active(); errors.Is(err, maps.ErrNotFound) && m.leaveSlot {
		return nil
	}
	return m.set.Program.Fill(m.fresh.Programs[bpf.LbProgXlbIngress])
}

func (m *migration) rest() error {
	if len(m.changes) == 0 {
		return nil
	}
	waitForPackets()
	err := m.each(copier.rest)
	for _, c := range m.copiers {
		if live, ok := c.(*liveCopy); ok && live.lost > 0 {
			m.plane.log.Warn("connections lost: the new table is full", "entries", live.lost)
		}
	}
	return err
}

func (m *migration) prune() error { return m.each(copier.prune) }

// commit notes that the new maps are complete: from here on nothing is copied
// any more, not even after a crash.
func (m *migration) commit() error {
	if err := os.Symlink("yes", m.plane.pins.incoming("complete")); err != nil {
		return err
	}
	return m.updateLinks()
}

// updateLinks gives the interfaces the new dispatcher if it is another one.
func (m *migration) updateLinks() error {
	old, new := m.plane.progs[bpf.LbProgXlbDispatch], m.fresh.Programs[bpf.LbProgXlbDispatch]
	if same, err := sameProgram(old, new); err != nil {
		return err
	} else if same {
		// The links hold the old one, so that its pin stays the true one.
		return remove(m.plane.pins.incoming(maps.ProgramDir, bpf.LbProgXlbDispatch))
	}
	return updateLinks(m.plane.pins, new)
}

// identify writes what the maps are now, and unpins those that are no more.
func (m *migration) identify() error {
	dir := m.plane.pins.dir(maps.MapDir)
	names, err := list(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, ok := m.spec.Maps[name]; !ok {
			err = errors.Join(err, remove(filepath.Join(dir, name)))
		}
	}
	return errors.Join(err, m.set.Meta.Set(m.id))
}

// replace renames everything new over the old. A rename on a bpffs is atomic.
func (p pins) replace() error {
	for _, dir := range []string{maps.MapDir, maps.ProgramDir} {
		names, err := list(p.incoming(dir))
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := os.Rename(p.incoming(dir, name), filepath.Join(p.dir(dir), name)); err != nil {
				return fmt.Errorf("replacing a pin: %w", err)
			}
		}
	}
	return nil
}

// clean removes what a migration had beside the pins.
func (p pins) clean() error {
	if err := os.RemoveAll(p.incoming()); err != nil {
		return fmt.Errorf("cleaning up: %w", err)
	}
	return nil
}

// updateLinks puts another dispatcher on every interface, atomically for each.
func updateLinks(p pins, dispatcher *ebpf.Program) error {
	names, err := p.interfaces()
	if err != nil {
		return err
	}
	for _, name := range names {
		l, err := openLink(p, name)
		if err != nil {
			return err
		}
		if !l.dead() {
			err = l.link.Update(dispatcher)
		}
		if err := errors.Join(err, l.link.Close()); err != nil {
			return fmt.Errorf("updating the dispatcher on %s: %w", name, err)
		}
	}
	return nil
}

// membarrierGlobal is MEMBARRIER_CMD_GLOBAL of linux/membarrier.h, which waits
// for an RCU grace period.
const membarrierGlobal = 1

// waitForPackets waits until no packet is in a program that was in the slot
// before. Where the kernel refuses the call (nohz_full), time has to do.
func waitForPackets() {
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, membarrierGlobal, 0, 0); errno != 0 {
		time.Sleep(100 * time.Millisecond)
	}
}
