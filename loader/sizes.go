// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	stdmaps "maps"
	"slices"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
)

// Sizes are how much the tables hold. A zero field means what is pinned
// already, and when nothing is, the default.
type Sizes struct {
	// Connections that are established; 1,048,576, less where the tables
	// would take more than an eighth of the memory.
	Connections int
	// HalfOpen connections, of which a flood evicts the oldest; an eighth of
	// Connections, at least 32,768.
	HalfOpen int
	Services int // virtual servers; 4096
	Reals    int // real servers of all virtual servers; 16384
	Slots    int // places that schedulers index; 262144
	NextHops int // real servers and gateways by address; 16384
}

const (
	defaultConnections = 1 << 20
	minHalfOpen        = 1 << 15
	minConnections     = 1 << 12
	halfOpenShare      = 8 // one half-open connection for so many established
	memoryShare        = 8 // the tables may take this part of the memory

	// connectionBytes is what one connection costs the kernel: two entries of
	// a preallocated hash, each with element header (48), key (16), value
	// (48) and bucket (16), and its share of the half-open table.
	connectionBytes = 2 * 128 * (halfOpenShare + 1) / halfOpenShare

	// Limits that the widths of indexes set.
	maxServices  = 1 << 16
	maxReals     = 1 << 20
	maxSlotCount = 1 << 24
	maxEntries   = 1 << 31
)

// defaultSizes are those for a machine with so many bytes of memory. The rest
// is as the object file has it.
func defaultSizes(memory uint64) Sizes {
	fit := int(min(memory/memoryShare/connectionBytes, defaultConnections))
	return Sizes{Connections: max(fit, minConnections)}
}

// memory is the machine's, in bytes.
func memory() (uint64, error) {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0, fmt.Errorf("reading the size of memory: %w", err)
	}
	return uint64(info.Totalram) * uint64(info.Unit), nil //nolint:unconvert // 32 bits wide on 32-bit machines
}

// check refuses sizes that cannot be.
func (s Sizes) check() error {
	for _, f := range []struct {
		name     string
		n, limit int
	}{
		{"connections", s.Connections, maxEntries / 2},
		{"half-open connections", s.HalfOpen, maxEntries / 2},
		{"virtual servers", s.Services, maxServices},
		{"real servers", s.Reals, maxReals},
		{"slots", s.Slots, maxSlotCount},
		{"next hops", s.NextHops, maxReals},
	} {
		if f.n < 0 || f.n > f.limit {
			return fmt.Errorf("table size: %d %s: want 1 to %d, or 0 for the default", f.n, f.name, f.limit)
		}
	}
	return nil
}

// entries gives the number of entries by map, of the maps whose size is asked
// for. Every connection takes two; ids count from 1.
func (s Sizes) entries() map[string]uint32 {
	e := make(map[string]uint32)
	set := func(n int, names ...string) {
		for _, name := range names {
			if n > 0 {
				e[name] = uint32(n)
			}
		}
	}
	halfOpen := s.HalfOpen
	if halfOpen == 0 && s.Connections > 0 {
		halfOpen = max(s.Connections/halfOpenShare, minHalfOpen)
	}
	set(2*s.Connections, bpf.LbMapEstablished4)
	set(2*halfOpen, bpf.LbMapHalfOpen4)
	set(s.Services, bpf.LbMapServices4)
	set(plusOne(s.Services), bpf.LbMapServices, bpf.LbMapServiceCounters)
	set(plusOne(s.Reals), bpf.LbMapReals, bpf.LbMapLoads, bpf.LbMapRealCounters)
	set(s.Slots, bpf.LbMapSlots)
	set(plusOne(s.NextHops), bpf.LbMapNextHops)
	return e
}

// settable are the maps whose size is not fixed by the object.
func settable() []string {
	all := Sizes{Connections: 1, Services: 1, Reals: 1, Slots: 1, NextHops: 1}
	return slices.Collect(stdmaps.Keys(all.entries()))
}

// plusOne makes room for id 0, which is never used; 0 stays 0.
func plusOne(n int) int {
	if n == 0 {
		return 0
	}
	return n + 1
}

// buildSpec parses the object, sets the sizes (asked for, else pinned, else
// default) and the length of a tick.
func buildSpec(source source, want Sizes, pinned map[string]*ebpf.Map, rate maps.Rate) (*ebpf.CollectionSpec, error) {
	if err := want.check(); err != nil {
		return nil, err
	}
	spec, err := source()
	if err != nil {
		return nil, fmt.Errorf("reading the built-in BPF object: %w", err)
	}
	if len(pinned) == 0 {
		mem, err := memory()
		if err != nil {
			return nil, err
		}
		resize(spec, defaultSizes(mem).entries())
	}
	for _, name := range settable() {
		if m, ok := pinned[name]; ok {
			resize(spec, map[string]uint32{name: m.MaxEntries()})
		}
	}
	resize(spec, want.entries())
	return spec, errors.Join(rate.Tune(spec), bake(spec))
}

// bake writes the values of constants and variables where the BPF library
// would write them, and makes it forget about them: it would map them into
// memory until the garbage collector comes by, which keeps their maps in the
// kernel after a detach.
func bake(spec *ebpf.CollectionSpec) error {
	for name, v := range spec.Variables {
		m := spec.Maps[v.SectionName]
		if m == nil || len(m.Contents) != 1 {
			return fmt.Errorf("constant %s: its section %s has no contents", name, v.SectionName)
		}
		data, ok := m.Contents[0].Value.([]byte)
		if !ok || int(v.Offset)+len(v.Value) > len(data) {
			return fmt.Errorf("constant %s lies outside of section %s", name, v.SectionName)
		}
		data = slices.Clone(data)
		copy(data[v.Offset:], v.Value)
		m.Contents = []ebpf.MapKV{{Key: m.Contents[0].Key, Value: data}}
	}
	spec.Variables = nil
	return nil
}

// resize sets the number of entries of maps that the object has.
func resize(spec *ebpf.CollectionSpec, entries map[string]uint32) {
	for name, n := range entries {
		if m, ok := spec.Maps[name]; ok {
			m.MaxEntries = n
		}
	}
}

// source gives the object to load; a new copy each time.
type source func() (*ebpf.CollectionSpec, error)
