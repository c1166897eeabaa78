// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"errors"
	"slices"
	"time"

	rounds "github.com/xlb-project/xlb/lb/slots"
	"github.com/xlb-project/xlb/maps"
)

// slotRest is how long a range of slots is not given out after it was freed. A
// packet that read the old commit word reads the range for a grace period of
// the kernel longer: milliseconds.
const slotRest = 100 * time.Millisecond

// takeRange takes n slots in a row. When the only ones rest still, it waits for
// them: no longer than slotRest.
func (e *Engine) takeRange(n int) (maps.SlotRange, error) {
	for {
		base, err := e.book.ranges.Allocate(uint32(n))
		var resting *rounds.RestingError
		switch {
		case errors.As(err, &resting):
			time.Sleep(max(resting.Wait, time.Millisecond))
		case err != nil:
			return maps.SlotRange{}, limit(err)
		default:
			return maps.SlotRange{Base: base, Length: uint32(n)}, nil
		}
	}
}

// giveRange frees a range that no commit word names any more.
func (e *Engine) giveRange(r maps.SlotRange) {
	e.tell(e.book.ranges.Free(r.Base, r.Length))
}

// saysSo reports whether a virtual server's slots, in the range that is its
// own, name these real servers.
func (e *Engine) saysSo(s *service, r maps.SlotRange, choices []uint32) bool {
	if r.Base != s.owned.Base || r.Length != s.owned.Length {
		return false
	}
	is, err := e.maps.Slots.Read(r)
	return err == nil && slices.Equal(is, choices)
}

// swapSlots makes a virtual server choose from another range, in one word. The
// data path moves the cursor in the same word meanwhile; whoever is next there
// is next in the new range.
func (e *Engine) swapSlots(s *service, scheduler rounds.Scheduler, to maps.SlotRange, choices []uint32) error {
	var t turns
	for {
		is, err := e.maps.Services.Get(s.id)
		if err != nil {
			return err
		}
		if !t.of(is.Slots) {
			t = e.newTurns(scheduler, is.Slots, choices)
		}
		to.Cursor = t.next(is.Slots.Cursor)
		if done, err := e.maps.Services.SwapSlots(s.id, is.Slots, to); done || err != nil {
			return err
		}
	}
}

// turns remember where a new round goes on after each place of an old one: the
// data path may move the cursor faster than that is worked out.
type turns struct {
	scheduler rounds.Scheduler
	old       maps.SlotRange
	was, is   []uint32
	known     []int // by the old cursor; -1: not worked out
}

func (e *Engine) newTurns(scheduler rounds.Scheduler, old maps.SlotRange, choices []uint32) turns {
	was, err := e.maps.Slots.Read(old)
	if err != nil {
		was = nil // a range that cannot be read has no turns to keep
	}
	return turns{scheduler: scheduler, old: old, was: was, is: choices, known: slices.Repeat([]int{-1}, len(was)+1)}
}

// of reports whether these are the turns of a range.
func (t *turns) of(r maps.SlotRange) bool {
	return t.known != nil && t.old.Base == r.Base && t.old.Length == r.Length
}

func (t *turns) next(cursor uint32) uint32 {
	c := min(int(cursor), len(t.was)) // beyond the range only in a broken word
	if t.known[c] < 0 {
		t.known[c] = t.scheduler.Next(t.was, c, t.is)
	}
	return uint32(t.known[c])
}
