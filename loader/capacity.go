// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// fits refuses a new size that would lose entries of a map.
func fits(name string, old *ebpf.Map, want *ebpf.MapSpec) error {
	if want.MaxEntries >= old.MaxEntries() {
		return nil
	}
	need, err := needed(old)
	if err != nil {
		return fmt.Errorf("map %s: %w", name, err)
	}
	if need > int(want.MaxEntries) {
		return fmt.Errorf("map %s: %w: %d entries in use, %d wanted (it has %d): choose a larger size, or remove something first",
			name, ErrTooSmall, need, want.MaxEntries, old.MaxEntries())
	}
	return nil
}

// needed is the smallest size that holds a map's entries: of a hash their
// number, of an array one more than the last index that is not zero.
func needed(m *ebpf.Map) (int, error) {
	switch m.Type() {
	case ebpf.Array:
		return lastUsed(m)
	case ebpf.PerCPUArray, ebpf.DevMap:
		return 0, nil // as long as the records that they belong to
	}
	return count(m)
}

func lastUsed(m *ebpf.Map) (last int, err error) {
	err = walk(m, func(key, value []byte) error {
		if !isZero(value) {
			last = max(last, int(getUint(key))+1)
		}
		return nil
	})
	return last, err
}

// isFull says that a map had no room.
func isFull(err error) bool { return errors.Is(err, unix.E2BIG) || errors.Is(err, unix.ENOSPC) }
