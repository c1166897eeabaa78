// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
)

// inventory is what a data path has in the kernel, by id.
type inventory struct {
	maps     map[ebpf.MapID]string
	programs map[ebpf.ProgramID]string
	links    map[link.ID]string
}

// inventory lists all that is pinned, and what those programs use.
func (p *plane) inventory(links []string) (*inventory, error) {
	v := &inventory{make(map[ebpf.MapID]string), make(map[ebpf.ProgramID]string), make(map[link.ID]string)}
	var errs []error
	for _, dir := range []string{p.pins.dir(maps.MapDir), p.pins.incoming(maps.MapDir)} {
		all, err := openMaps(dir)
		errs = append(errs, err)
		for name, m := range all {
			errs = append(errs, v.addMap(name, m), m.Close())
		}
	}
	for _, dir := range []string{p.pins.dir(maps.ProgramDir), p.pins.incoming(maps.ProgramDir)} {
		all, err := openPrograms(dir)
		errs = append(errs, err)
		for name, prog := range all {
			errs = append(errs, v.addProgram(name, prog), prog.Close())
		}
	}
	for _, name := range links {
		l, err := openLink(p.pins, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		v.links[l.id] = "link of " + name
		v.programs[l.program] = "program " + bpf.LbProgXlbDispatch
		errs = append(errs, l.link.Close())
	}
	return v, errors.Join(errs...)
}

func (v *inventory) addMap(name string, m *ebpf.Map) error {
	info, err := m.Info()
	if err != nil {
		return err
	}
	if id, ok := info.ID(); ok {
		v.maps[id] = "map " + name
	}
	return nil
}

// addProgram adds a program and the maps that are its own.
func (v *inventory) addProgram(name string, prog *ebpf.Program) error {
	info, err := prog.Info()
	if err != nil {
		return err
	}
	if id, ok := info.ID(); ok {
		v.programs[id] = "program " + name
	}
	ids, _ := info.MapIDs()
	for _, id := range ids {
		if _, ok := v.maps[id]; !ok {
			v.maps[id] = "map of program " + name
		}
	}
	return nil
}

// How long waitGone waits, and how often it looks. The kernel frees programs
// and maps after RCU grace periods.
const (
	goneTimeout = 5 * time.Second
	gonePoll    = 10 * time.Millisecond
)

// waitGone waits until nothing of the inventory is in the kernel; [ErrHeld]
// names what stays.
func (v *inventory) waitGone() error {
	for deadline := time.Now().Add(goneTimeout); ; {
		left := v.left()
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: everything is unpinned, but %s: stop it (\"bpftool map show\" names the holder)", ErrHeld, strings.Join(left, ", "))
		}
		time.Sleep(gonePoll)
	}
}

// left names what is still in the kernel. It does not open maps by their ids:
// a program array that is opened and closed while the kernel is about to free
// it stays for ever (prog_array_map_clear in kernel/bpf/arraymap.c takes a
// reference each time, and drops one).
func (v *inventory) left() []string {
	var left []string
	for id, name := range v.maps {
		if next, err := ebpf.MapGetNextID(id - 1); err == nil && next == id {
			left = append(left, fmt.Sprintf("%s (id %d)", name, id))
		}
	}
	for id, name := range v.programs {
		if next, err := ebpf.ProgramGetNextID(id - 1); err == nil && next == id {
			left = append(left, fmt.Sprintf("%s (id %d)", name, id))
		}
	}
	for id, name := range v.links {
		if l, err := link.NewFromID(id); err == nil {
			l.Close()
			left = append(left, fmt.Sprintf("%s (id %d)", name, id))
		}
	}
	slices.Sort(left)
	return left
}

// isDispatcher says whether a program is one that xlb puts on interfaces.
func isDispatcher(id ebpf.ProgramID) (bool, error) {
	prog, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return false, fmt.Errorf("looking at program %d: %w", id, err)
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil {
		return false, fmt.Errorf("looking at program %d: %w", id, err)
	}
	return info.Name == bpf.LbProgXlbDispatch, nil
}

func isGone(err error) bool { return errors.Is(err, fs.ErrNotExist) }
