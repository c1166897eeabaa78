// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
)

// migration puts other programs, and other maps where they differ, in place of
// the pinned ones, while packets flow.
//
// Up to the step "swap" packets use the old program and the old maps, and a
// crash leaves things as they were. From then on they use the new ones, and
// the next attach finishes what is left.
type migration struct {
	plane     *plane
	spec      *ebpf.CollectionSpec
	id        maps.Identity // of what will be
	changes   []*change
	leaveSlot bool

	fresh   *ebpf.Collection // new programs and maps, and clones of the kept maps
	set     *maps.Set        // views of fresh
	copiers []copier
	since   maps.Tick // when the last pass over the old tables before the swap began
}

// step is a part of a migration, between two moments at which it may be interrupted.
type step struct {
	name string
	run  func() error
}

func (m *migration) steps() []step {
	return []step{
		{"copy", m.copy},
		{"delta", m.delta},
		{"pin", m.pin},
		{"freeze", func() error { return m.freeze(true) }},
		{"swap", m.swap},
		{"rest", m.rest},
		{"commit", m.commit},
		{"thaw", func() error { return m.freeze(false) }},
		{"prune", m.prune},
		{"replace", func() error { return m.plane.pins.replace() }},
		{"identify", m.identify},
		{"clean", func() error { return m.plane.pins.clean() }},
	}
}

// errStopped is what an interrupted migration returns, to a test.
var errStopped = errors.New("stopped")

// run does it. On failure before the swap everything stays as it was.
func (m *migration) run() error {
	swapped := false
	for _, s := range m.steps() {
		if s.name == m.plane.stop {
			return errors.Join(errStopped, m.drop())
		}
		if err := s.run(); err != nil {
			err = fmt.Errorf("replacing the data path, step %s: %w", s.name, err)
			if !swapped {
				err = errors.Join(err, m.freeze(false), m.plane.pins.clean())
			}
			return errors.Join(err, m.drop())
		}
		swapped = swapped || s.name == "swap"
	}
	return errors.Join(m.drop(), m.plane.reopen())
}

// load loads the new programs with the maps that stay and new ones for the
// others. Nothing refers to them yet.
func (m *migration) load() (err error) {
	keep := make(map[string]*ebpf.Map)
	for _, name := range mapNames(m.spec) {
		if !slices.ContainsFunc(m.changes, func(c *change) bool { return c.name == name }) {
			keep[name] = m.plane.maps[name]
		}
	}
	m.fresh, err = ebpf.NewCollectionWithOptions(m.spec, ebpf.CollectionOptions{MapReplacements: keep})
	if err != nil {
		return loadError(err)
	}
	if m.set, err = maps.FromCollection(m.fresh); err != nil {
		return errors.Join(err, m.drop())
	}
	return nil
}

// drop gives up what load made.
func (m *migration) drop() error {
	var err error
	if m.set != nil {
		err = m.set.Close()
	}
	if m.fresh != nil {
		m.fresh.Close()
	}
	m.fresh, m.set = nil, nil
	return err
}

// replaced names the programs whose code is not that of the pinned, or of the
// active, one.
func (m *migration) replaced() ([]string, error) {
	var names []string
	for name, prog := range m.fresh.Programs {
		same, err := sameProgram(m.plane.progs[name], prog)
		if err == nil && same && name == bpf.LbProgXlbIngress {
			same, err = m.isActive(m.plane.progs[name])
		}
		if err != nil {
			return nil, fmt.Errorf("program %s: %w", name, err)
		}
		if !same {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// isActive says that a program, and no other, is in the slot, or that the slot
// is empty.
func (m *migration) isActive(prog *ebpf.Program) (bool, error) {
	active, err := m.set.Program.Active()
	if errors.Is(err, maps.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	id, err := programID(prog)
	return id == active, err
}

// sameProgram compares what the kernel made of two programs.
func sameProgram(a, b *ebpf.Program) (bool, error) {
	if a == nil || b == nil {
		return false, nil
	}
	infoA, err := a.Info()
	if err != nil {
		return false, err
	}
	infoB, err := b.Info()
	if err != nil {
		return false, err
	}
	return infoA.Tag == infoB.Tag, nil
}

func programID(prog *ebpf.Program) (ebpf.ProgramID, error) {
	info, err := prog.Info()
	if err != nil {
		return 0, err
	}
	id, _ := info.ID()
	return id, nil
}
