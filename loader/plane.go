// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
)

// plane is a data path in the kernel, opened, with the lock held.
type plane struct {
	pins   pins
	source source
	log    *slog.Logger
	netns  uint64

	id    maps.Identity
	maps  map[string]*ebpf.Map
	progs map[string]*ebpf.Program
	set   *maps.Set

	// stop ends a migration before the step of this name: how tests crash it.
	stop string
}

// open opens what is pinned; false if nothing is, or nothing whole.
func (p *plane) open() (bool, error) {
	if !exists(p.pins.mapFile(bpf.LbMapMeta)) {
		return false, nil
	}
	var err error
	if p.maps, err = openMaps(p.pins.dir(maps.MapDir)); err != nil {
		return false, err
	}
	if p.id, err = maps.ReadIdentity(p.maps[bpf.LbMapMeta]); err != nil || p.id.Layout == 0 {
		return false, err
	}
	if err := checkNetns(p.pins.root, p.id.Netns, p.netns); err != nil {
		return false, err
	}
	p.progs, err = openPrograms(p.pins.dir(maps.ProgramDir))
	return true, err
}

// view opens the typed views of the maps, which must have the layout of this
// program.
func (p *plane) view() (err error) {
	if p.set == nil {
		p.set, err = maps.FromCollection(&ebpf.Collection{Maps: p.maps, Programs: p.progs})
	}
	return err
}

// close gives up descriptors. What is pinned stays.
func (p *plane) close() error {
	var errs []error
	if p.set != nil {
		errs = append(errs, p.set.Close())
	}
	for _, m := range p.maps {
		errs = append(errs, m.Close())
	}
	for _, prog := range p.progs {
		errs = append(errs, prog.Close())
	}
	p.set, p.maps, p.progs = nil, nil, nil
	return errors.Join(errs...)
}

// reopen opens what is pinned now, after it was replaced.
func (p *plane) reopen() error {
	if err := p.close(); err != nil {
		return err
	}
	found, err := p.open()
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("pin directory %s is empty after an exchange", p.pins.root)
	}
	return p.view()
}

// take makes a loaded collection this plane's, in place of what it has.
func (p *plane) take(coll *ebpf.Collection) error {
	err := p.close()
	p.maps, p.progs = coll.Maps, coll.Programs
	return errors.Join(err, p.view())
}

// create makes the data path anew. Until meta is pinned, at the very end, what
// is there counts as the remains of a crash.
func (p *plane) create(spec *ebpf.CollectionSpec, id maps.Identity) error {
	if err := p.clearIncomplete(); err != nil {
		return err
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return loadError(err)
	}
	p.id = id
	if err := p.take(coll); err != nil {
		return err
	}
	if err := p.set.Init(id); err != nil {
		return fmt.Errorf("filling the new maps: %w", err)
	}
	return p.pinAll(spec)
}

// clearIncomplete removes what a creation left that did not finish.
func (p *plane) clearIncomplete() error {
	links, err := p.pins.interfaces()
	if err != nil {
		return err
	}
	if len(links) > 0 {
		return fmt.Errorf("pin directory %s has links (%v) but no maps: remove them with \"xlbctl detach --all\"", p.pins.root, links)
	}
	for _, dir := range p.pins.folders() {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing the remains of an interrupted start: %w", err)
		}
	}
	return p.pins.make()
}

// pinAll pins programs and maps, meta last.
func (p *plane) pinAll(spec *ebpf.CollectionSpec) error {
	for name, prog := range p.progs {
		if err := prog.Pin(p.pins.program(name)); err != nil {
			return fmt.Errorf("pinning program %s: %w", name, err)
		}
	}
	for _, name := range append(without(mapNames(spec), bpf.LbMapMeta), bpf.LbMapMeta) {
		if err := p.maps[name].Pin(p.pins.mapFile(name)); err != nil {
			return fmt.Errorf("pinning map %s: %w", name, err)
		}
	}
	return nil
}

// loadError lets a refusal of the verifier be read, without the whole log.
func loadError(err error) error {
	var v *ebpf.VerifierError
	if errors.As(err, &v) {
		text := fmt.Sprintf("%+.8v", v)
		return fmt.Errorf("loading the data path: %w: the kernel's verifier refuses it: %s", ErrKernel, text)
	}
	return fmt.Errorf("loading the data path: %w", err)
}

func without(names []string, name string) []string {
	var rest []string
	for _, n := range names {
		if n != name {
			rest = append(rest, n)
		}
	}
	return rest
}

// openMaps opens every map pinned in a directory.
func openMaps(dir string) (map[string]*ebpf.Map, error) {
	return openAll(dir, func(path string) (*ebpf.Map, error) { return ebpf.LoadPinnedMap(path, nil) })
}

// openPrograms opens every program pinned in a directory.
func openPrograms(dir string) (map[string]*ebpf.Program, error) {
	return openAll(dir, func(path string) (*ebpf.Program, error) { return ebpf.LoadPinnedProgram(path, nil) })
}

func openAll[T interface{ Close() error }](dir string, load func(string) (T, error)) (map[string]T, error) {
	names, err := list(dir)
	if err != nil {
		return nil, err
	}
	all := make(map[string]T, len(names))
	for _, name := range names {
		v, err := load(filepath.Join(dir, name))
		if err != nil {
			for _, v := range all {
				v.Close()
			}
			return nil, fmt.Errorf("opening pin %s: %w", filepath.Join(dir, name), err)
		}
		all[name] = v
	}
	return all, nil
}
