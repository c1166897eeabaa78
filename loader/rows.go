// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/cilium/ebpf"
)

// batchRows is how many entries one system call reads or writes. A batch never
// ends inside a hash bucket.
const batchRows = 1024

// rows is room for keys or values of a size that is known at run time only,
// in the shape that the batch calls of the BPF library want: a slice of arrays.
type rows struct {
	size  int
	slice reflect.Value
	bytes []byte // the same memory
}

func newRows(n int, size uint32) rows {
	v := reflect.MakeSlice(reflect.SliceOf(reflect.ArrayOf(int(size), reflect.TypeFor[byte]())), n, n)
	return rows{int(size), v, unsafe.Slice((*byte)(v.UnsafePointer()), n*int(size))}
}

// at is row i.
func (r rows) at(i int) []byte { return r.bytes[i*r.size : (i+1)*r.size] }

// first are the first n rows, for a batch call.
func (r rows) first(n int) any { return r.slice.Slice(0, n).Interface() }

// walk calls f with every entry of a hash or array map. The slices are valid
// during the call.
func walk(m *ebpf.Map, f func(key, value []byte) error) error {
	if m.Type() == ebpf.DevMap {
		return walkDevices(m, f)
	}
	n := min(batchRows, int(m.MaxEntries()))
	keys, values := newRows(n, m.KeySize()), newRows(n, m.ValueSize())
	var cursor ebpf.MapBatchCursor
	for {
		got, err := m.BatchLookup(&cursor, keys.first(n), values.first(n), nil)
		done := errors.Is(err, ebpf.ErrKeyNotExist)
		if err != nil && !done {
			return fmt.Errorf("reading a batch: %w", err)
		}
		for i := range got {
			if err := f(keys.at(i), values.at(i)); err != nil {
				return err
			}
		}
		if done {
			return nil
		}
	}
}

// walkDevices walks a map that has no batch calls.
func walkDevices(m *ebpf.Map, f func(key, value []byte) error) error {
	for i := range m.MaxEntries() {
		value, err := m.LookupBytes(i)
		if err != nil {
			return fmt.Errorf("reading entry %d: %w", i, err)
		}
		if value == nil {
			continue
		}
		key := make([]byte, 4)
		putUint(key, uint64(i))
		if err := f(key, value); err != nil {
			return err
		}
	}
	return nil
}

// writer adds or replaces entries, many by one system call.
type writer struct {
	m            *ebpf.Map
	keys, values rows
	n            int
}

func newWriter(m *ebpf.Map) *writer {
	return &writer{m: m, keys: newRows(batchRows, m.KeySize()), values: newRows(batchRows, m.ValueSize())}
}

// next is the room for the entry that put adds.
func (w *writer) next() (key, value []byte) { return w.keys.at(w.n), w.values.at(w.n) }

// put adds what was written into the room of next.
func (w *writer) put() error {
	if w.n++; w.n < batchRows {
		return nil
	}
	return w.flush()
}

// flush writes what is left.
func (w *writer) flush() error {
	if w.n == 0 {
		return nil
	}
	n := w.n
	w.n = 0
	if w.m.Type() == ebpf.DevMap {
		return w.flushDevices(n)
	}
	if _, err := w.m.BatchUpdate(w.keys.first(n), w.values.first(n), nil); err != nil {
		return fmt.Errorf("writing a batch: %w", err)
	}
	return nil
}

// flushDevices leaves out interfaces that are gone.
func (w *writer) flushDevices(n int) error {
	for i := range n {
		err := w.m.Put(w.keys.at(i), w.values.at(i))
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) && getUint(w.values.at(i)) != 0 {
			return fmt.Errorf("writing an interface: %w", err)
		}
	}
	return nil
}

// count is the number of entries in a hash map.
func count(m *ebpf.Map) (n int, err error) {
	err = walk(m, func(_, _ []byte) error {
		n++
		return nil
	})
	return n, err
}
