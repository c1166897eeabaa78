// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"errors"
	"fmt"
	"iter"
	"unsafe"

	"github.com/cilium/ebpf"
)

// batchSize is how many entries one system call reads. A batch never ends
// inside a bucket, so it must not be smaller than the fullest bucket.
const batchSize = 1024

// table is a hash map with keys and values as the C side has them.
type table[K, V any] struct {
	name string
	m    *ebpf.Map
}

func (t table[K, V]) lookup(k K) (v V, err error) {
	err = t.m.Lookup(&k, &v)
	return v, mapError(t.name, err)
}

func (t table[K, V]) update(k K, v V, flags ebpf.MapUpdateFlags) error {
	return mapError(t.name, t.m.Update(&k, &v, flags))
}

func (t table[K, V]) delete(k K) error {
	return mapError(t.name, t.m.Delete(&k))
}

// pair is an entry of a table.
type pair[K, V any] struct {
	key   K
	value V
}

// all walks the map in batches. What is in the map from the beginning to the
// end is seen exactly once; what comes or goes meanwhile may be seen or not.
func (t table[K, V]) all() iter.Seq2[pair[K, V], error] {
	return func(yield func(pair[K, V], error) bool) {
		var (
			cursor ebpf.MapBatchCursor
			size   = min(batchSize, int(t.m.MaxEntries()))
			keys   = make([]K, size)
			values = make([]V, size)
		)
		for {
			n, err := t.m.BatchLookup(&cursor, keys, values, nil)
			done := errors.Is(err, ebpf.ErrKeyNotExist)
			if err != nil && !done {
				yield(pair[K, V]{}, mapError(t.name, fmt.Errorf("reading a batch: %w", err)))
				return
			}
			for i := range n {
				if !yield(pair[K, V]{keys[i], values[i]}, nil) {
					return
				}
			}
			if done {
				return
			}
		}
	}
}

// check compares the sizes of keys and values with the map's.
func (t table[K, V]) check() error {
	var e pair[K, V]
	key, value := uint32(unsafe.Sizeof(e.key)), uint32(unsafe.Sizeof(e.value))
	if t.m.KeySize() != key || t.m.ValueSize() != value {
		return fmt.Errorf("map %s: key and value have %d and %d bytes, this program expects %d and %d: it was made by another version, attach again to migrate it",
			t.name, t.m.KeySize(), t.m.ValueSize(), key, value)
	}
	return nil
}
