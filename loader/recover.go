// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
)

// note is what a migration leaves beside its pins for whoever has to finish
// it: the target of a symbolic link, as a bpffs holds no files.
type note struct {
	Since   maps.Tick
	Layout  uint64
	Version string
}

// String is the text that parseNote takes.
func (n note) String() string { return fmt.Sprintf("%d %x %s", n.Since, n.Layout, n.Version) }

func noteFile(p pins) string { return p.incoming("note") }

func writeNote(p pins, n note) error {
	if err := os.Symlink(n.String(), noteFile(p)); err != nil {
		return fmt.Errorf("noting the migration: %w", err)
	}
	return nil
}

func readNote(p pins) (note, error) {
	text, err := os.Readlink(noteFile(p))
	if err != nil {
		return note{}, fmt.Errorf("reading the migration's note: %w", err)
	}
	return parseNote(text)
}

func parseNote(text string) (n note, err error) {
	since, rest, _ := strings.Cut(text, " ")
	layout, version, _ := strings.Cut(rest, " ")
	tick, err := strconv.ParseUint(since, 10, 32)
	if err != nil {
		return n, fmt.Errorf("note %q: %w", text, err)
	}
	if n.Layout, err = strconv.ParseUint(layout, 16, 64); err != nil {
		return n, fmt.Errorf("note %q: %w", text, err)
	}
	n.Since, n.Version = maps.Tick(tick), version
	return n, nil
}

// recover finishes a migration that was interrupted after the swap, and undoes
// one that was interrupted before.
func (p *plane) recover() error {
	if !exists(p.pins.incoming()) {
		return nil
	}
	swapped, err := p.swapped()
	if err != nil {
		return err
	}
	if !swapped {
		p.log.Warn("an interrupted migration is undone")
		return errors.Join(p.setMigrating(p.pins.dir(maps.MapDir), false), p.pins.clean())
	}
	p.log.Warn("an interrupted migration is finished")
	return p.finish()
}

// swapped says whether packets use the incoming program, or have used it.
func (p *plane) swapped() (bool, error) {
	if exists(p.pins.incoming("complete")) {
		return true, nil
	}
	progs, err := openPrograms(p.pins.incoming(maps.ProgramDir))
	if err != nil {
		return false, err
	}
	defer closeAll(progs)
	ingress, ok := progs[bpf.LbProgXlbIngress]
	if !ok || !exists(noteFile(p.pins)) {
		return false, nil
	}
	slot, err := ebpf.LoadPinnedMap(p.pins.mapFile(bpf.LbMapPrograms), nil)
	if err != nil {
		return false, err
	}
	defer slot.Close()
	var active uint32
	if err := slot.Lookup(uint32(0), &active); errors.Is(err, ebpf.ErrKeyNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	id, err := programID(ingress)
	return id == ebpf.ProgramID(active), err
}

// finish does what was left of a migration after the swap.
func (p *plane) finish() error {
	n, err := readNote(p.pins)
	if err != nil {
		return err
	}
	if !exists(p.pins.incoming("complete")) {
		if err := p.copyRest(n); err != nil {
			// The new tables are in use and miss a second's worth at most;
			// stopping here would help nobody.
			p.log.Warn("connections of the interrupted migration's last moment are lost", "cause", err)
		}
		if err := os.Symlink("yes", p.pins.incoming("complete")); err != nil {
			return err
		}
	}
	if err := p.finishDispatcher(); err != nil {
		return err
	}
	if err := p.pins.replace(); err != nil {
		return err
	}
	if err := p.setMigrating(p.pins.dir(maps.MapDir), false); err != nil {
		return err
	}
	if err := p.identify(n); err != nil {
		return err
	}
	return p.pins.clean()
}

// copyRest is the step "rest" for maps that are pinned on both sides.
func (p *plane) copyRest(n note) error {
	incoming, err := openMaps(p.pins.incoming(maps.MapDir))
	if err != nil {
		return err
	}
	defer closeAll(incoming)
	old, err := openMaps(p.pins.dir(maps.MapDir))
	if err != nil {
		return err
	}
	defer closeAll(old)
	spec, err := p.source()
	if err != nil {
		return err
	}
	for name, new := range incoming {
		want := spec.Maps[name]
		if old[name] == nil || want == nil || new.ValueSize() != want.ValueSize || new.KeySize() != want.KeySize {
			continue
		}
		if err := restOf(&change{name: name, old: old[name], want: want}, new, n.Since); err != nil {
			return fmt.Errorf("map %s: %w", name, err)
		}
	}
	return nil
}

// restOf copies connections that were busy at the end, and per-CPU counters.
func restOf(c *change, new *ebpf.Map, since maps.Tick) error {
	if err := c.prepare(); err != nil {
		return err
	}
	plain := plainCopy{old: c.old, new: new, key: c.key, value: c.value}
	if new.Type() == ebpf.PerCPUArray {
		return (&perCPUCopy{plain}).rest()
	}
	if _, ok := seenOffset(c.want.Value); !ok {
		return nil
	}
	live, err := newLiveCopy(plain, c.want.Value, nil)
	if err != nil {
		return err
	}
	live.deltaAt = since
	return live.rest()
}

// finishDispatcher gives the interfaces the incoming dispatcher, if that is
// another one.
func (p *plane) finishDispatcher() error {
	progs, err := openPrograms(p.pins.incoming(maps.ProgramDir))
	if err != nil {
		return err
	}
	defer closeAll(progs)
	current, err := openPrograms(p.pins.dir(maps.ProgramDir))
	if err != nil {
		return err
	}
	defer closeAll(current)
	new := progs[bpf.LbProgXlbDispatch]
	if new == nil {
		return nil
	}
	m := migration{plane: &plane{pins: p.pins, progs: current}, fresh: &ebpf.Collection{Programs: progs}}
	return m.updateLinks()
}

// setMigrating writes the flag in the settings of a directory's maps, if this
// program can.
func (p *plane) setMigrating(dir string, on bool) error {
	all, err := openMaps(dir)
	if err != nil {
		return err
	}
	defer closeAll(all)
	set, err := maps.FromCollection(&ebpf.Collection{Maps: all})
	if err != nil {
		p.log.Warn("cannot end the state of migration", "cause", err)
		return nil
	}
	return errors.Join(set.Settings.SetMigrating(on), set.Close())
}

// identify writes what a finished migration's maps are.
func (p *plane) identify(n note) error {
	meta, err := ebpf.LoadPinnedMap(p.pins.mapFile(bpf.LbMapMeta), nil)
	if err != nil {
		return err
	}
	defer meta.Close()
	id, err := maps.ReadIdentity(meta)
	if err != nil {
		return err
	}
	id.Layout, id.Version = n.Layout, n.Version
	return maps.WriteIdentity(meta, id)
}

func closeAll[T interface{ Close() error }](all map[string]T) {
	for _, v := range all {
		v.Close()
	}
}
