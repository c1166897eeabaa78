// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/maps"
)

// copier brings one map's contents over to its successor, while packets use
// the old map until the program is swapped, and the new one afterwards.
type copier interface {
	// bulk copies everything, before the swap.
	bulk() error
	// delta copies what has changed since bulk, before the swap.
	delta(now maps.Tick) error
	// rest copies what has changed since delta, after the swap, when nobody
	// writes to the old map any more.
	rest() error
	// prune removes what the old map lost between delta and the swap.
	prune() error
}

// plainCopy copies maps that only user space writes, or whose late changes do
// not matter.
type plainCopy struct {
	old, new   *ebpf.Map
	key, value *converter
}

func (c *plainCopy) bulk() error {
	w := newWriter(c.new)
	zero := make([]byte, c.new.ValueSize())
	err := walk(c.old, func(key, value []byte) error {
		k, v := w.next()
		c.key.apply(k, key)
		c.value.apply(v, value)
		if c.new.Type() == ebpf.Array && (bytes.Equal(v, zero) || getUint(k) >= uint64(c.new.MaxEntries())) {
			return nil
		}
		return w.put()
	})
	return errors.Join(err, w.flush())
}

func (c *plainCopy) delta(maps.Tick) error { return c.bulk() }
func (c *plainCopy) rest() error           { return nil }
func (c *plainCopy) prune() error          { return nil }

// loadCopy copies the connections per real server, which packets add to.
type loadCopy struct {
	plainCopy
	set  *maps.Set // with the new map
	base map[uint32]maps.Load
}

func (c *loadCopy) bulk() error { return c.each(c.set.Loads.Add) }

func (c *loadCopy) delta(maps.Tick) error { return nil }

func (c *loadCopy) rest() error { return c.each(c.set.Loads.Add) }

// each gives add what every real server's counts have grown by since the last call.
func (c *loadCopy) each(add func(uint32, maps.Load) error) error {
	if c.base == nil {
		c.base = make(map[uint32]maps.Load)
	}
	converted := make([]byte, c.new.ValueSize())
	return walk(c.old, func(key, value []byte) error {
		c.value.apply(converted, value)
		now, err := maps.DecodeLoad(converted)
		if err != nil {
			return err
		}
		id := uint32(getUint(key))
		before := c.base[id]
		if now == before || id >= c.new.MaxEntries() {
			return nil
		}
		c.base[id] = now
		return add(id, now.Minus(before))
	})
}

// perCPUCopy adds the old counters to the new ones, which begin at zero, once
// nobody counts in the old ones any more. A packet that is counted while its
// record is rewritten may be lost from the count.
type perCPUCopy struct{ plainCopy }

func (c *perCPUCopy) bulk() error           { return nil }
func (c *perCPUCopy) delta(maps.Tick) error { return nil }

func (c *perCPUCopy) rest() error {
	for i := range min(c.old.MaxEntries(), c.new.MaxEntries()) {
		old, err := perCPU(c.old, i)
		if err != nil {
			return err
		}
		if isZero(old.bytes) {
			continue
		}
		new, err := perCPU(c.new, i)
		if err != nil {
			return err
		}
		c.addTo(new, old)
		if err := c.new.Put(i, new.slice.Interface()); err != nil {
			return fmt.Errorf("writing record %d: %w", i, err)
		}
		// After a crash this is done again: nothing may be added twice.
		clear(old.bytes)
		if err := c.old.Put(i, old.slice.Interface()); err != nil {
			return fmt.Errorf("clearing record %d: %w", i, err)
		}
	}
	return nil
}

// addTo adds word by word: counters are nothing but 64-bit numbers.
func (c *perCPUCopy) addTo(new, old rows) {
	converted := make([]byte, new.size)
	for cpu := range len(new.bytes) / new.size {
		c.value.apply(converted, old.at(cpu))
		record := new.at(cpu)
		for w := 0; w+8 <= len(record); w += 8 {
			putUint(record[w:w+8], getUint(record[w:w+8])+getUint(converted[w:w+8]))
		}
	}
}

// perCPU reads a record of all CPUs.
func perCPU(m *ebpf.Map, index uint32) (rows, error) {
	size := int(m.ValueSize())
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return rows{}, err
	}
	r := newRows(cpus, uint32(size))
	out := reflect.New(r.slice.Type())
	out.Elem().Set(r.slice)
	if err := m.Lookup(index, out.Interface()); err != nil {
		return rows{}, fmt.Errorf("reading record %d: %w", index, err)
	}
	reflect.Copy(r.slice, out.Elem())
	return r, nil
}

func isZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
