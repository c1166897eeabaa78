// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"hash/maphash"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/xlb-project/xlb/maps"
)

// seenMember is the member by which a connection tells when its last packet
// came, in ticks; a table whose values have it changes with every packet.
const seenMember = "seen"

// liveCopy copies a table of connections. What it wrote last is remembered by
// its hash, for entries that were busy then: so it can tell afterwards what
// packets have changed in the old table, and what in the new one.
type liveCopy struct {
	plainCopy
	clock  func() (maps.Tick, error)
	seenAt int // offset in a new value

	bulkAt, deltaAt maps.Tick // when those passes began
	seed            maphash.Seed
	written         map[uint64]uint64   // key's hash to value's hash
	remaining       map[uint64]struct{} // keys in the old table at its end
	lost            int                 // entries without room in the new table
}

// newLiveCopy fails on a value without the member "seen".
func newLiveCopy(p plainCopy, value btf.Type, clock func() (maps.Tick, error)) (*liveCopy, error) {
	at, ok := seenOffset(value)
	if !ok {
		return nil, fmt.Errorf("%w: no member %q of 4 bytes", ErrIncompatible, seenMember)
	}
	return &liveCopy{plainCopy: p, clock: clock, seenAt: at, seed: maphash.MakeSeed(), written: make(map[uint64]uint64)}, nil
}

// seenOffset finds the member "seen".
func seenOffset(value btf.Type) (int, bool) {
	s, ok := btf.As[*btf.Struct](value)
	if !ok {
		return 0, false
	}
	for _, m := range s.Members {
		if size, err := btf.Sizeof(m.Type); m.Name == seenMember && err == nil && size == 4 {
			return int(m.Offset.Bytes()), true
		}
	}
	return 0, false
}

// busySince says whether a new value's last packet came at or after a tick,
// with one tick to spare for a packet on its way through the program.
func (c *liveCopy) busySince(value []byte, t maps.Tick) bool {
	seen := maps.Tick(getUint(value[c.seenAt : c.seenAt+4]))
	return int32(seen-(t-1)) >= 0
}

func (c *liveCopy) hash(b []byte) uint64 { return maphash.Bytes(c.seed, b) }

func (c *liveCopy) bulk() (err error) {
	if c.bulkAt, err = c.clock(); err != nil {
		return err
	}
	return c.plainCopy.bulk()
}

func (c *liveCopy) delta(now maps.Tick) error {
	c.deltaAt = now
	w := newWriter(c.new)
	err := walk(c.old, func(key, value []byte) error {
		k, v := w.next()
		c.key.apply(k, key)
		c.value.apply(v, value)
		if !c.busySince(v, c.bulkAt) {
			return nil
		}
		if c.busySince(v, c.deltaAt) {
			c.written[c.hash(k)] = c.hash(v)
		}
		return w.put()
	})
	return errors.Join(err, w.flush())
}

func (c *liveCopy) rest() error {
	c.remaining = make(map[uint64]struct{})
	k, v := make([]byte, c.new.KeySize()), make([]byte, c.new.ValueSize())
	return walk(c.old, func(key, value []byte) error {
		c.key.apply(k, key)
		c.value.apply(v, value)
		c.remaining[c.hash(k)] = struct{}{}
		if !c.busySince(v, c.deltaAt) {
			return nil // as it was when it was copied
		}
		return c.settle(k, v)
	})
}

// settle decides about an entry that was busy at the end of the old table.
func (c *liveCopy) settle(k, v []byte) error {
	before, copied := c.written[c.hash(k)]
	current, err := c.new.LookupBytes(k)
	switch {
	case err != nil:
		return fmt.Errorf("looking up an entry: %w", err)
	case current == nil && copied:
		return nil // ended since the swap
	case current == nil:
		return c.store(k, v, ebpf.UpdateNoExist) // opened between delta and swap
	case c.hash(v) == before || !c.untouched(k, current):
		return nil
	}
	return c.store(k, v, ebpf.UpdateExist)
}

// untouched says that an entry of the new table is as it was copied.
func (c *liveCopy) untouched(k, current []byte) bool {
	if before, copied := c.written[c.hash(k)]; copied {
		return c.hash(current) == before
	}
	return !c.busySince(current, c.deltaAt)
}

// store writes one entry. That somebody was faster is fine; that there is no
// room is counted.
func (c *liveCopy) store(k, v []byte, flags ebpf.MapUpdateFlags) error {
	err := c.new.Update(k, v, flags)
	switch {
	case errors.Is(err, ebpf.ErrKeyExist), errors.Is(err, ebpf.ErrKeyNotExist):
		return nil
	case isFull(err):
		c.lost++
		return nil
	case err != nil:
		return fmt.Errorf("writing an entry: %w", err)
	}
	return nil
}

func (c *liveCopy) prune() error {
	if c.remaining == nil {
		return nil
	}
	var gone [][]byte
	err := walk(c.new, func(key, value []byte) error {
		if _, ok := c.remaining[c.hash(key)]; !ok && c.untouched(key, value) {
			gone = append(gone, append([]byte(nil), key...))
		}
		return nil
	})
	for _, key := range gone {
		if e := c.new.Delete(key); e != nil && !errors.Is(e, ebpf.ErrKeyNotExist) {
			err = errors.Join(err, fmt.Errorf("deleting an entry: %w", e))
		}
	}
	return err
}
