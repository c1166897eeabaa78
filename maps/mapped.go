// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// mapped is an mmapable array map as records of T, whose size is a multiple
// of eight bytes. Every access is an atomic one to an aligned eight-byte word,
// as it is on the data path's side. After close, and beyond the end, calls
// fail; they never touch memory that is gone.
type mapped[T any] struct {
	name  string
	words int // of a record
	n     uint32

	mu  sync.RWMutex // held for reading while the memory is used
	mem []byte       // nil when closed
}

// aligned makes a T begin where a word begins.
type aligned[T any] struct {
	_ [0]uint64
	v T
}

func (a *aligned[T]) words() []uint64 {
	return unsafe.Slice((*uint64)(unsafe.Pointer(&a.v)), unsafe.Sizeof(a.v)/8)
}

// newMapped maps m's memory; the descriptor may be closed afterwards.
func newMapped[T any](name string, m *ebpf.Map) (*mapped[T], error) {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if int(m.ValueSize()) != size || size%8 != 0 {
		return nil, fmt.Errorf("map %s: a record has %d bytes, this program expects %d: it was made by another version, attach again to migrate it", name, m.ValueSize(), size)
	}
	page := os.Getpagesize()
	length := (size*int(m.MaxEntries()) + page - 1) / page * page
	mem, err := unix.Mmap(m.FD(), 0, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: mapping %d bytes: %w", name, length, err)
	}
	return &mapped[T]{name: name, words: size / 8, n: m.MaxEntries(), mem: mem}, nil
}

// len is the number of records.
func (m *mapped[T]) len() uint32 { return m.n }

// record lets f work on the words of record i. They must not outlive the call.
func (m *mapped[T]) record(i uint32, f func(words []uint64)) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.mem == nil {
		return fmt.Errorf("map %s: %w", m.name, ErrClosed)
	}
	if i >= m.n {
		return fmt.Errorf("map %s: index %d of %d: %w", m.name, i, m.n, ErrRange)
	}
	f(unsafe.Slice((*uint64)(unsafe.Pointer(&m.mem[int(i)*m.words*8])), m.words))
	return nil
}

// get reads record i word by word: each word is whole, the record need not be.
func (m *mapped[T]) get(i uint32) (T, error) {
	var a aligned[T]
	err := m.record(i, func(words []uint64) {
		for w := range words {
			a.words()[w] = atomic.LoadUint64(&words[w])
		}
	})
	return a.v, err
}

// put writes record i word by word, the word that makes it count last.
func (m *mapped[T]) put(i uint32, v T, last int) error {
	a := aligned[T]{v: v}
	return m.record(i, func(words []uint64) {
		for w := range words {
			if w != last {
				atomic.StoreUint64(&words[w], a.words()[w])
			}
		}
		atomic.StoreUint64(&words[last], a.words()[last])
	})
}

// clear zeroes record i, the word that makes it count first.
func (m *mapped[T]) clear(i uint32, first int) error {
	return m.record(i, func(words []uint64) {
		atomic.StoreUint64(&words[first], 0)
		for w := range words {
			atomic.StoreUint64(&words[w], 0)
		}
	})
}

// modify changes record i by f. Only words that f changed are written, each by
// compare-and-swap, so that another writer's change to the same word is kept.
func (m *mapped[T]) modify(i uint32, f func(*T)) error {
	return m.record(i, func(words []uint64) {
		for done := false; !done; {
			done = swapWords(words, f)
		}
	})
}

// swapWords is one try of modify; false: somebody else was faster.
func swapWords[T any](words []uint64, f func(*T)) bool {
	var before, after aligned[T]
	for w := range words {
		before.words()[w] = atomic.LoadUint64(&words[w])
	}
	after.v = before.v
	f(&after.v)
	for w := range words {
		old, new := before.words()[w], after.words()[w]
		if old != new && !atomic.CompareAndSwapUint64(&words[w], old, new) {
			return false
		}
	}
	return true
}

// load reads one word of record i.
func (m *mapped[T]) load(i uint32, word int) (v uint64, err error) {
	err = m.record(i, func(words []uint64) { v = atomic.LoadUint64(&words[word]) })
	return v, err
}

// store writes one word of record i.
func (m *mapped[T]) store(i uint32, word int, v uint64) error {
	return m.record(i, func(words []uint64) { atomic.StoreUint64(&words[word], v) })
}

// swap writes one word of record i if it is still old.
func (m *mapped[T]) swap(i uint32, word int, old, new uint64) (ok bool, err error) {
	err = m.record(i, func(words []uint64) { ok = atomic.CompareAndSwapUint64(&words[word], old, new) })
	return ok, err
}

// add adds to one word of record i; delta may be a negative number's complement.
func (m *mapped[T]) add(i uint32, word int, delta uint64) error {
	return m.record(i, func(words []uint64) { atomic.AddUint64(&words[word], delta) })
}

// close unmaps the memory once nobody uses it. Closing twice is harmless.
func (m *mapped[T]) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mem == nil {
		return nil
	}
	err := unix.Munmap(m.mem)
	m.mem = nil
	return err
}
