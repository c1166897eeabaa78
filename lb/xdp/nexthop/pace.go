// SPDX-License-Identifier: Apache-2.0

package nexthop

import "time"

// Limits of what we ask by ourselves.
const (
	probeFirst = time.Second      // between the first two requests for a neighbour
	probeLast  = 30 * time.Second // doubled up to this
	probeRate  = 50               // requests a second, to all neighbours together
)

// pace decides when a neighbour is asked for: at once, then ever less often,
// and never more than probeRate times a second in all.
type pace struct {
	asked  map[Via]asked
	tokens float64
	filled time.Time
}

type asked struct {
	next  time.Time
	again time.Duration
}

func newPace() *pace { return &pace{asked: make(map[Via]asked), tokens: probeRate} }

// due says which of the doubtful neighbours to ask for now. One that is not
// named any more starts anew the next time.
func (p *pace) due(now time.Time, doubtful []Via) []Via {
	p.fill(now)
	still := make(map[Via]asked, len(doubtful))
	var out []Via
	for _, via := range doubtful {
		a := p.asked[via]
		if !now.Before(a.next) && p.tokens >= 1 {
			p.tokens--
			a.again = min(max(2*a.again, probeFirst), probeLast)
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
		p.tokens = min(p.tokens+now.Sub(p.filled).Seconds()*probeRate, probeRate)
	}
	p.filled = now
}
