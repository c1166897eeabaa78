// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
)

// change is a map that a migration replaces.
type change struct {
	name string
	why  string
	old  *ebpf.Map // nil: there was none
	want *ebpf.MapSpec

	key, value *converter
}

// String says what is replaced and why.
func (c *change) String() string { return c.name + ": " + c.why }

// prepare finds out how entries are converted. The slot of the active program
// is what every dispatcher looks at, so its map cannot be replaced.
func (c *change) prepare() error {
	if c.name == bpf.LbMapPrograms {
		return fmt.Errorf("%w: it is what attached interfaces call: run \"xlbctl detach --all\" first", ErrIncompatible)
	}
	key, value, err := pinnedTypes(c.old, c.want)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrIncompatible, err)
	}
	if c.key, err = newConverter(key, c.want.Key, int(c.old.KeySize()), int(c.want.KeySize)); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if c.value, err = newConverter(value, c.want.Value, int(c.old.ValueSize()), int(c.want.ValueSize)); err != nil {
		return fmt.Errorf("value: %w", err)
	}
	return nil
}

// copier chooses how the contents are brought over.
func (c *change) copier(new *ebpf.Map, set *maps.Set) (copier, error) {
	plain := plainCopy{old: c.old, new: new, key: c.key, value: c.value}
	switch {
	case c.name == bpf.LbMapLoads:
		return &loadCopy{plainCopy: plain, set: set}, nil
	case new.Type() == ebpf.PerCPUArray:
		return &perCPUCopy{plain}, nil
	case c.name == bpf.LbMapEstablished4, c.name == bpf.LbMapHalfOpen4:
		return newLiveCopy(plain, c.want.Value, set.Clock.Now)
	}
	return &plain, nil
}
