// SPDX-License-Identifier: Apache-2.0

// Package ids gives out the numbers of map records: services, real servers,
// next hops. A packet may still read a record by a number that was given back
// a moment ago, so a number rests before it is given out again, and the one
// that has rested longest goes first.
package ids

import (
	"errors"
	"fmt"
	"time"
)

// ErrFull says that no number is free, or that all free ones still rest.
var ErrFull = errors.New("no free id")

// Rest is how long a number is not given out after it was returned. The
// kernel's grace period, after which no packet reads the old record, takes
// milliseconds; this is far beyond it.
const Rest = time.Second

// Pool gives out numbers from 1 to a limit. It is not safe for concurrent use.
type Pool struct {
	limit   uint32
	fresh   uint32          // numbers from here up were never given out, but for
	adopted map[uint32]bool // those that an earlier process had given out
	used    map[uint32]bool
	queue   []returned // numbers given back, oldest first
}

type returned struct {
	id uint32
	at time.Time
}

// NewPool makes a pool of the numbers 1 to size-1, for a map of size records.
func NewPool(size uint32) *Pool {
	return &Pool{limit: size, fresh: 1, adopted: make(map[uint32]bool), used: make(map[uint32]bool)}
}

// Take gives out a number that is in nobody's use.
func (p *Pool) Take(now time.Time) (uint32, error) {
	for p.fresh < p.limit {
		id := p.fresh
		p.fresh++
		if !p.adopted[id] {
			p.used[id] = true
			return id, nil
		}
	}
	if len(p.queue) == 0 || now.Sub(p.queue[0].at) < Rest {
		return 0, fmt.Errorf("%w: %d of %d in use, %d resting: make the map larger", ErrFull, len(p.used), p.limit-1, len(p.queue))
	}
	id := p.queue[0].id
	p.queue = p.queue[1:]
	p.used[id] = true
	return id, nil
}

// Adopt marks a number as used that an earlier process gave out. It is for the
// start, before the first Take.
func (p *Pool) Adopt(id uint32) { p.adopted[id], p.used[id] = true, true }

// Return gives a number back. Numbers that are not in use are ignored, so that
// none is ever given out twice.
func (p *Pool) Return(id uint32, now time.Time) {
	if !p.used[id] {
		return
	}
	delete(p.used, id)
	p.queue = append(p.queue, returned{id, now})
}

// Used reports whether a number is given out.
func (p *Pool) Used(id uint32) bool { return p.used[id] }

// Len is how many numbers are given out.
func (p *Pool) Len() int { return len(p.used) }
