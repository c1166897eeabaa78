// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrFull says that no free range is long enough, and none will be when the
// ranges that rest have rested.
var ErrFull = errors.New("no room for slots")

// ErrOverlap says that a range to reserve or to free is not what the allocator
// believes it to be.
var ErrOverlap = errors.New("range of slots overlaps")

// RestingError says that there will be room when freed ranges have rested.
type RestingError struct {
	Wait time.Duration // until it is worth trying again
}

// Error says when.
func (e *RestingError) Error() string {
	return fmt.Sprintf("no room for slots until freed ones have rested: try again in %s", e.Wait)
}

// span is a range of slots: from base to before end.
type span struct{ base, end uint32 }

func (s span) len() uint32 { return s.end - s.base }

// resting is a freed range that packets may still be reading.
type resting struct {
	span
	until time.Time
}

// Allocator gives out ranges of an array of slots, the first that fits. A range
// that was freed rests before it is given out again: a packet that has read the
// old commit word may still be about to read the slots. It is not safe for
// concurrent use.
type Allocator struct {
	size uint32
	rest time.Duration
	now  func() time.Time
	free []span    // sorted, apart from each other
	wait []resting // oldest first
}

// NewAllocator is for an array of size slots, all free. rest is how long a
// freed range is not reused; now is the clock (time.Now).
func NewAllocator(size uint32, rest time.Duration, now func() time.Time) *Allocator {
	a := &Allocator{size: size, rest: rest, now: now}
	a.give(span{0, size})
	return a
}

// Allocate finds n slots in a row and says where they begin. No slots are at 0.
// The error is a [*RestingError] or [ErrFull].
func (a *Allocator) Allocate(n uint32) (base uint32, err error) {
	if n == 0 {
		return 0, nil
	}
	a.collect()
	for _, f := range a.free {
		if f.len() >= n {
			a.take(span{f.base, f.base + n})
			return f.base, nil
		}
	}
	return 0, a.refuse(n)
}

// Reserve marks a range as used: one that an earlier process had allocated.
func (a *Allocator) Reserve(base, n uint32) error {
	s := span{base, base + n}
	if n == 0 {
		return nil
	}
	a.collect()
	if s.end < s.base || !slices.ContainsFunc(a.free, func(f span) bool { return f.base <= s.base && s.end <= f.end }) {
		return fmt.Errorf("reserving %d slots from %d of %d: %w", n, base, a.size, ErrOverlap)
	}
	a.take(s)
	return nil
}

// Free gives a range back. A part of what was allocated may be freed by itself.
func (a *Allocator) Free(base, n uint32) error {
	s := span{base, base + n}
	if n == 0 {
		return nil
	}
	overlaps := func(o span) bool { return s.base < o.end && o.base < s.end }
	if s.end < s.base || s.end > a.size || slices.ContainsFunc(a.free, overlaps) ||
		slices.ContainsFunc(a.wait, func(r resting) bool { return overlaps(r.span) }) {
		return fmt.Errorf("freeing %d slots from %d of %d: %w", n, base, a.size, ErrOverlap)
	}
	a.wait = append(a.wait, resting{s, a.now().Add(a.rest)})
	return nil
}

// Used counts the slots that are given out; resting ones are not.
func (a *Allocator) Used() uint32 {
	used := a.size
	for _, f := range a.free {
		used -= f.len()
	}
	for _, r := range a.wait {
		used -= r.len()
	}
	return used
}

// collect makes those free that have rested.
func (a *Allocator) collect() {
	now := a.now()
	for len(a.wait) > 0 && !now.Before(a.wait[0].until) {
		a.give(a.wait[0].span)
		a.wait = a.wait[1:]
	}
}

// give adds a span to the free ones and joins it with its neighbours.
func (a *Allocator) give(s span) {
	if s.len() == 0 {
		return
	}
	i, _ := slices.BinarySearchFunc(a.free, s, func(f, s span) int { return int(int64(f.base) - int64(s.base)) })
	if i < len(a.free) && a.free[i].base == s.end {
		s.end = a.free[i].end
		a.free = slices.Delete(a.free, i, i+1)
	}
	if i > 0 && a.free[i-1].end == s.base {
		a.free[i-1].end = s.end
		return
	}
	a.free = slices.Insert(a.free, i, s)
}

// take removes a span from the free one that contains it.
func (a *Allocator) take(s span) {
	i := slices.IndexFunc(a.free, func(f span) bool { return f.base <= s.base && s.end <= f.end })
	f := a.free[i]
	a.free = slices.Delete(a.free, i, i+1)
	a.give(span{f.base, s.base})
	a.give(span{s.end, f.end})
}

// refuse says whether n slots will fit, and when.
func (a *Allocator) refuse(n uint32) error {
	later := Allocator{size: a.size, free: slices.Clone(a.free)}
	for _, r := range a.wait {
		later.give(r.span)
		if slices.ContainsFunc(later.free, func(f span) bool { return f.len() >= n }) {
			return &RestingError{Wait: r.until.Sub(a.now())}
		}
	}
	return fmt.Errorf("%w: %d in a row, %d of %d in use: enlarge the table of slots, or remove real servers",
		ErrFull, n, a.Used(), a.size)
}
