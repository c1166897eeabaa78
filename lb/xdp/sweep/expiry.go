// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"time"

	"github.com/xlb-project/xlb/maps"
)

// Expiry says at one moment which connections have had their time. It is the
// rule of conn_idle in bpf/conn.h.
type Expiry struct {
	Now      maps.Tick
	Rate     maps.Rate
	Timeouts [maps.StateMax]maps.Tick
}

// NewExpiry is the rule for these timeouts at the tick now.
func NewExpiry(now maps.Tick, rate maps.Rate, timeouts maps.Timeouts) Expiry {
	x := Expiry{Now: now, Rate: rate}
	for state, d := range timeouts {
		x.Timeouts[state] = rate.Ticks(d)
	}
	return x
}

// Idle reports whether nothing has come by this half for longer than its state
// allows.
func (x Expiry) Idle(c maps.Conn) bool {
	return x.Now.Since(c.Seen) > x.timeout(c.State)
}

// Remaining is how long a connection lives if nothing comes; 0: its time has
// passed. The half that was seen last counts, the request half has the state.
// A reply half that is missing is given as the request half once more.
func (x Expiry) Remaining(request, reply maps.Conn) time.Duration {
	idle := min(x.Now.Since(request.Seen), x.Now.Since(reply.Seen))
	timeout := x.timeout(request.State)
	if idle > timeout {
		return 0
	}
	return x.Rate.Duration(timeout - idle + 1)
}

// timeout of a state; 0 of one that has none: it is about to be removed.
func (x Expiry) timeout(s maps.ConnState) maps.Tick {
	if s >= maps.StateMax {
		return 0
	}
	return x.Timeouts[s]
}

// Seen is when a connection was last seen of which this much time is left:
// [Expiry.Remaining] turned round.
func (x Expiry) Seen(s maps.ConnState, left time.Duration) maps.Tick {
	timeout := x.timeout(s)
	return x.Now - (timeout - min(x.Rate.Ticks(left), timeout))
}
