// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"testing"
	"time"
)

func TestAgendaGathersChangesOfRoutes(t *testing.T) {
	a := newAgenda(start)
	if a.routesDue(start.Add(time.Hour)) {
		t.Fatal("routes are due without a change")
	}
	a.routes(start)
	a.routes(start.Add(settleTime / 2)) // does not put it off
	if a.routesDue(start.Add(settleTime - 1)) {
		t.Fatal("too early")
	}
	if got := a.wait(start); got != settleTime {
		t.Fatalf("waits %v, want %v", got, settleTime)
	}
	if !a.routesDue(start.Add(settleTime)) || a.routesDue(start.Add(settleTime)) {
		t.Fatal("due exactly once")
	}
}

func TestAgendaRests(t *testing.T) {
	a := newAgenda(start)
	took := 50 * time.Millisecond
	a.rest(start, start.Add(took))
	a.routes(start.Add(took))
	until := start.Add(took + restFactor*took)
	if a.routesDue(until.Add(-1)) {
		t.Fatal("read again at once: a full table would eat a CPU")
	}
	if !a.routesDue(until) {
		t.Fatal("never read again")
	}
}

func TestAgendaDue(t *testing.T) {
	a := newAgenda(start)
	if got := a.wait(start); got != pollTime {
		t.Fatalf("waits %v, want %v", got, pollTime)
	}
	now := start.Add(pollTime)
	if !a.due(&a.pollAt, now, pollTime) || a.due(&a.pollAt, now, pollTime) {
		t.Fatal("due exactly once")
	}
	if got := a.wait(now.Add(time.Hour)); got != 0 {
		t.Fatalf("waits %v for what is overdue", got)
	}
}
