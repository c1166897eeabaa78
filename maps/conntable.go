// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"fmt"
	"iter"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
)

// ConnTable is a table of connections: the established ones, where nothing is
// evicted, or the half-open ones, where a flood evicts the least recently
// used. Each connection has two entries, one for each direction.
type ConnTable struct {
	table[bpf.LbConn4Key, bpf.LbConn4]
}

// Name is the map's name.
func (t *ConnTable) Name() string { return t.name }

// Capacity is the number of entries that fit: two for every connection.
func (t *ConnTable) Capacity() int { return int(t.m.MaxEntries()) }

// Lookup finds one half by its key; [ErrNotFound] if there is none.
func (t *ConnTable) Lookup(key Tuple) (Conn, error) {
	k, err := encodeTuple(key)
	if err != nil {
		return Conn{}, fmt.Errorf("map %s: %v: %w", t.name, key, err)
	}
	v, err := t.lookup(k)
	if err != nil {
		return Conn{}, err
	}
	return decodeConn(v), nil
}

// Insert adds one half; [ErrExists] if its key is taken, [ErrFull] if there is
// no room.
func (t *ConnTable) Insert(key Tuple, c Conn) error {
	return t.write(key, c, ebpf.UpdateNoExist)
}

// Update adds or replaces one half. A packet may change the entry at the same
// time; such a change is lost, so this is for connections that carry none.
func (t *ConnTable) Update(key Tuple, c Conn) error {
	return t.write(key, c, ebpf.UpdateAny)
}

func (t *ConnTable) write(key Tuple, c Conn, flags ebpf.MapUpdateFlags) error {
	k, err := encodeTuple(key)
	if err != nil {
		return fmt.Errorf("map %s: %v: %w", t.name, key, err)
	}
	v, err := encodeConn(c)
	if err != nil {
		return fmt.Errorf("map %s: %v: %w", t.name, key, err)
	}
	return t.update(k, v, flags)
}

// Delete removes one half and leaves counts and the other half alone; whole
// connections end by [Expirer]. [ErrNotFound] if there is none.
func (t *ConnTable) Delete(key Tuple) error {
	k, err := encodeTuple(key)
	if err != nil {
		return fmt.Errorf("map %s: %v: %w", t.name, key, err)
	}
	return t.delete(k)
}

// All walks the table, both halves of each connection, in no order. What stays
// in the table throughout is seen exactly once. An error ends the walk.
func (t *ConnTable) All() iter.Seq2[ConnEntry, error] {
	return func(yield func(ConnEntry, error) bool) {
		for p, err := range t.all() {
			e := ConnEntry{}
			if err == nil {
				e = ConnEntry{Key: decodeTuple(p.key), Conn: decodeConn(p.value)}
			}
			if !yield(e, err) {
				return
			}
		}
	}
}
