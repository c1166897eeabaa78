// SPDX-License-Identifier: Apache-2.0

package nexthop

import "time"

// agenda is when Run's work is due.
type agenda struct {
	pollAt, askAt, refreshAt time.Time
	routesAt                 time.Time // zero: nothing has changed
	restUntil                time.Time // not before this are routes read again
}

func newAgenda(now time.Time) *agenda {
	return &agenda{pollAt: now.Add(pollTime), askAt: now.Add(askTime), refreshAt: now.Add(refreshTime)}
}

// routes notes that routes may have changed.
func (a *agenda) routes(now time.Time) {
	if a.routesAt.IsZero() {
		a.routesAt = now.Add(settleTime)
	}
	if a.routesAt.Before(a.restUntil) {
		a.routesAt = a.restUntil
	}
}

// routesDue reports, once, that routes are to be read.
func (a *agenda) routesDue(now time.Time) bool {
	if a.routesAt.IsZero() || now.Before(a.routesAt) {
		return false
	}
	a.routesAt = time.Time{}
	return true
}

// rest keeps reading a large table from using up a CPU.
func (a *agenda) rest(from, to time.Time) { a.restUntil = to.Add(restFactor * to.Sub(from)) }

// due reports whether something is due, and puts it off by every.
func (a *agenda) due(at *time.Time, now time.Time, every time.Duration) bool {
	if now.Before(*at) {
		return false
	}
	*at = now.Add(every)
	return true
}

// wait is how long nothing is due.
func (a *agenda) wait(now time.Time) time.Duration {
	next := a.pollAt
	for _, at := range []time.Time{a.askAt, a.refreshAt, a.routesAt} {
		if !at.IsZero() && at.Before(next) {
			next = at
		}
	}
	return max(next.Sub(now), 0)
}
