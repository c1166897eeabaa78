// SPDX-License-Identifier: Apache-2.0

package nexthop

import "time"

// limits are those of what we ask by ourselves.
type limits struct {
	first time.Duration // between the first two requests for a neighbour
	last  time.Duration // doubled up to this
	rate  float64       // requests a second, to all neighbours together
}

// The limits of asking for a neighbour that does not answer, and of asking one
// that is supposed to be well.
func searching() limits  { return limits{first: time.Second, last: 30 * time.Second, rate: 50} }
func confirming() limits { return limits{first: 5 * time.Second, last: 5 * time.Second, rate: 50} }

// pace decides when a neighbour is asked for: at once, then ever less often,
// and never more than so many times a second in all.
type pace struct {
	limits
	asked  map[Via]asked
	tokens float64
	filled time.Time
}

type asked struct {
	next  time.Time
	again time.Duration
}

func newPace(l limits) *pace { return &pace{limits: l, asked: make(map[Via]asked), tokens: l.rate} }

// due says which of the neighbours to ask for now. One that is not
// named any more starts anew the next time.
func (p *pace) due(now time.Time, neighbours []Via) []Via {
	p.fill(now)
	still := make(map[Via]asked, len(neighbours))
	var out []Via
	for _, via := range neighbours {
		a := p.asked[via]
		if !now.Before(a.next) && p.tokens >= 1 {
			p.tokens--
			a.again = min(max(2*a.again, p.first), p.last)
			a.next = now.Add(a.again)
			out = append(out, via)
		}
		still[via] = a
	}
	p.asked = still
	return out
}

func (p *pace) fill(now time.Time) {
	if !p.filled.IsZero() {
		p.tokens = min(p.tokens+now.Sub(p.filled).Seconds()*p.rate, p.rate)
	}
	p.filled = now
}
