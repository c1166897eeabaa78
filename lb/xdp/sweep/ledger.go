// SPDX-License-Identifier: Apache-2.0

package sweep

import "github.com/xlb-project/xlb/maps"

// count is what a walk saw, or removed, of one real server.
type count struct{ active, inactive, halfOpen int64 }

func (c *count) add(e maps.ConnEntry, halfOpen bool) {
	switch {
	case halfOpen:
		c.halfOpen++
	case e.State.Active():
		c.active++
	default:
		c.inactive++
	}
}

// minus is a load without what was counted.
func (c count) minus(l maps.Load) maps.Load {
	l.Active -= c.active
	l.Inactive -= c.inactive
	l.HalfOpen -= c.halfOpen
	return l
}

// ledger is what a walk saw: by real server, and which next hops are in use.
type ledger struct {
	seen, removed map[uint32]*count
	refs          map[uint32]int
	hops          map[uint32]bool
}

func newLedger() *ledger {
	return &ledger{
		seen:    make(map[uint32]*count),
		removed: make(map[uint32]*count),
		refs:    make(map[uint32]int),
		hops:    make(map[uint32]bool),
	}
}

// refer notes what an entry refers to.
func (l *ledger) refer(e maps.ConnEntry) {
	l.refs[e.Real]++
	if !e.Flags.Has(maps.FlagInline) {
		l.hops[e.NextHop] = true
	}
}

func of(m map[uint32]*count, real uint32) *count {
	if m[real] == nil {
		m[real] = new(count)
	}
	return m[real]
}

// look is what one sweep knows of one real server: its counts before and after
// the walk, what the walk saw, and what it removed on the way.
type look struct {
	before, after maps.Load
	seen, removed count
}

// stable reports whether nobody but the sweep changed a count meanwhile. Total
// gives away connections that came and went.
func (l look) stable() bool { return l.removed.minus(l.before) == l.after }

// drift is by how much the counts are too high; it means something only when
// the look is stable.
func (l look) drift() drift {
	return drift{l.after.Active - l.seen.active, l.after.Inactive - l.seen.inactive}
}

// halfOpenSurplus is an interval that holds the half-open count's error for
// certain, however many connections came and went during the walk.
//
// What is there at the end was seen by the walk, or opened during it; what the
// walk saw is there at the end, or was closed (and uncounted) during it. When
// nothing changed both ends are the same.
func (l look) halfOpenSurplus() (lo, hi int64) {
	opened := int64(l.after.Total - l.before.Total)
	lo = l.after.HalfOpen - l.seen.halfOpen - opened
	hi = l.before.HalfOpen - l.removed.halfOpen - l.seen.halfOpen + opened
	return lo, hi
}
