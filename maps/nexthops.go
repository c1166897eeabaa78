// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"fmt"
	"iter"
	"net/netip"
	"sync"
	"time"

	"github.com/xlb-project/xlb/bpf"
)

// hopQuiet is how long a packet may still read the copy that counted before:
// an RCU read section is far shorter. See [NextHops.Set].
const hopQuiet = time.Millisecond

// Words of struct next_hop.
const (
	hopWord   = 0
	hopCopies = 1 // two copies of hopWords each
	hopWords  = 3
	hopFamily = 7
)

// NextHops are the next hops by id. Id 0 is never used.
//
// A record holds its [Hop] twice. A change fills the copy that does not count
// and then stores the word that says which one does, so packets see the old
// hop or the new one, never a mixture.
type NextHops struct {
	*mapped[bpf.LbNextHop]

	writing sync.Mutex
	changed map[uint32]time.Time // id to its last change, while that matters
}

// Len is one more than the largest id.
func (n *NextHops) Len() uint32 { return n.len() }

// Get reads a record, which may be free.
func (n *NextHops) Get(id uint32) (NextHop, error) {
	for {
		v, err := n.get(id)
		if err != nil {
			return NextHop{}, err
		}
		// A word that is the same before and after says that the copy which
		// it names has not been written meanwhile.
		word, err := n.load(id, hopWord)
		if err != nil || word == v.Word {
			return decodeNextHop(v), err
		}
	}
}

// Create takes a free record for a target, not resolved yet. Until it is, NAT
// requests go up the stack, and everything else to this hop is dropped.
func (n *NextHops) Create(id uint32, target netip.Addr) error {
	words, family := addr16(target)
	if family == 0 {
		return fmt.Errorf("map %s: id %d: target %v: %w", n.name, id, target, ErrFamily)
	}
	n.writing.Lock()
	defer n.writing.Unlock()
	return n.put(id, bpf.LbNextHop{Target: words, Family: uint32(family)}, hopFamily)
}

// SetTarget says what the data path looks up when it has to resolve this hop by
// itself: a gateway that took another's place. How frames leave stays as it is.
// An IPv4 address is one word, so no packet sees half of the change.
func (n *NextHops) SetTarget(id uint32, target netip.Addr) error {
	words, family := addr16(target)
	if family == 0 {
		return fmt.Errorf("map %s: id %d: target %v: %w", n.name, id, target, ErrFamily)
	}
	n.writing.Lock()
	defer n.writing.Unlock()
	return n.modify(id, func(v *bpf.LbNextHop) { v.Target, v.Family = words, uint32(family) })
}

// Set says how frames to this hop leave from now on. Two changes of one record
// within a millisecond would tear: the second waits.
func (n *NextHops) Set(id uint32, h Hop) error { return n.change(id, h, hopResolved) }

// SetUnresolved takes a hop out of use: the MAC is not known (any more). What
// is known of it, such as interface and MTU, is kept for readers.
func (n *NextHops) SetUnresolved(id uint32, h Hop) error { return n.change(id, h, 0) }

// Clear frees a record that nothing refers to any more.
func (n *NextHops) Clear(id uint32) error {
	n.writing.Lock()
	defer n.writing.Unlock()
	delete(n.changed, id)
	return n.clear(id, hopWord)
}

// All walks the next hops that are not free, by id. It stops early when the
// set is closed.
func (n *NextHops) All() iter.Seq2[uint32, NextHop] {
	return func(yield func(uint32, NextHop) bool) {
		for id := uint32(1); id < n.len(); id++ {
			v, err := n.Get(id)
			if err != nil {
				return
			}
			if !v.Free() && !yield(id, v) {
				return
			}
		}
	}
}

// change rewrites a hop. The word is swapped, not stored: without a daemon's
// heartbeat the data path changes it too.
func (n *NextHops) change(id uint32, h Hop, resolved uint64) error {
	n.writing.Lock()
	defer n.writing.Unlock()
	for {
		n.quiet(id)
		old, err := n.load(id, hopWord)
		if err != nil {
			return err
		}
		if err := n.fill(id, old&hopCopy^hopCopy, h); err != nil {
			return err
		}
		next := (old+hopChange)&^(hopCopy|hopResolved) | old&hopCopy ^ hopCopy | resolved
		if ok, err := n.swap(id, hopWord, old, next); ok || err != nil {
			return err
		}
	}
}

// fill writes the copy that does not count.
func (n *NextHops) fill(id uint32, which uint64, h Hop) error {
	a := aligned[bpf.LbHop]{v: encodeHop(h)}
	for w, v := range a.words() {
		if err := n.store(id, hopCopies+int(which)*hopWords+w, v); err != nil {
			return err
		}
	}
	return nil
}

// quiet waits until no packet reads the copy that id's last change left, and
// forgets changes that are long ago.
func (n *NextHops) quiet(id uint32) {
	if wait := hopQuiet - time.Since(n.changed[id]); wait > 0 {
		time.Sleep(wait)
	}
	now := time.Now()
	if len(n.changed) >= batchSize {
		n.changed = nil
	}
	if n.changed == nil {
		n.changed = make(map[uint32]time.Time)
	}
	n.changed[id] = now
}
