// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
)

// Folders below the pin directory.
const (
	MapDir     = "maps"     // one pin for each map, under its name
	ProgramDir = "programs" // xlb_dispatch, xlb_ingress, xlb_expire
	LinkDir    = "links"    // one pin for each interface
)

// Set is all maps of one data path, opened.
type Set struct {
	Established *ConnTable
	HalfOpen    *ConnTable

	Services4 *Services4
	Services  *Services
	Slots     *Slots
	Reals     *Reals
	Loads     *Loads
	NextHops  *NextHops
	Gateways4 *Gateways4
	Ports     *Ports

	ServiceCounters *CounterTable
	RealCounters    *CounterTable
	Reasons         *ReasonCounters

	Gates    *Gates
	Settings *Settings
	Ours     *Ours
	Meta     *Meta
	Program  *ProgramSlot

	Expirer *Expirer
	Clock   *Clock

	closers []func() error
}

// Open opens what is pinned below pinDir; [ErrNotPinned] if nothing is. The
// maps' identity is the caller's to judge, see package loader.
func Open(pinDir string) (*Set, error) {
	s := &Set{}
	o := opener{set: s, find: func(name string) (*ebpf.Map, error) {
		return ebpf.LoadPinnedMap(filepath.Join(pinDir, MapDir, name), nil)
	}}
	o.openAll()
	prog, err := ebpf.LoadPinnedProgram(filepath.Join(pinDir, ProgramDir, bpf.LbProgXlbExpire), nil)
	o.errs = append(o.errs, err)
	if err := o.finish(prog); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: %w", ErrNotPinned, err)
		}
		return nil, fmt.Errorf("opening the maps pinned below %s: %w", pinDir, err)
	}
	return s, nil
}

// FromCollection opens the maps of a loaded collection, which keeps its own
// descriptors. A collection without the program xlb_expire, and one whose meta
// map is empty, will do: then [Clock] has this kernel's rate.
func FromCollection(c *ebpf.Collection) (*Set, error) {
	s := &Set{}
	o := opener{set: s, find: func(name string) (*ebpf.Map, error) {
		m, ok := c.Maps[name]
		if !ok {
			return nil, fmt.Errorf("the collection has no map %s: %w", name, fs.ErrNotExist)
		}
		return m.Clone()
	}}
	o.openAll()
	var prog *ebpf.Program
	if p, ok := c.Programs[bpf.LbProgXlbExpire]; ok {
		var err error
		prog, err = p.Clone()
		o.errs = append(o.errs, err)
	}
	if err := o.finish(prog); err != nil {
		return nil, fmt.Errorf("opening a collection's maps: %w", err)
	}
	return s, nil
}

// Init gives newly made maps their first contents: identity, timeouts, and the
// gate of "no instance", which is open.
func (s *Set) Init(id Identity) error {
	s.Clock.Rate, s.Settings.rate = id.Rate, id.Rate
	return errors.Join(
		s.Settings.SetTimeouts(DefaultTimeouts()),
		s.Gates.Set(0, true),
		s.Meta.Set(id),
	)
}

// Close releases descriptors and memory. What is pinned stays.
func (s *Set) Close() error {
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c())
	}
	s.closers = nil
	return errors.Join(errs...)
}
