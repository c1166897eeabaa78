// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"slices"
	"testing"
	"time"
)

func TestPaceBacksOff(t *testing.T) {
	p, now := newPace(searching()), start
	var at []int
	for second := range 130 {
		if got := p.due(now.Add(time.Duration(second)*time.Second), []Via{viaS}); len(got) > 0 {
			at = append(at, second)
		}
	}
	if want := []int{0, 1, 3, 7, 15, 31, 61, 91, 121}; !slices.Equal(at, want) {
		t.Fatalf("asked after %v seconds, want %v", at, want)
	}
}

func TestPaceStartsAnew(t *testing.T) {
	p, now := newPace(searching()), start
	for range 10 {
		now = now.Add(time.Minute)
		p.due(now, []Via{viaS})
	}
	p.due(now, nil) // answered
	if got := p.due(now, []Via{viaS}); len(got) != 1 {
		t.Fatal("a new doubt has to wait for the old one's interval")
	}
}

func TestPaceLimitsAll(t *testing.T) {
	var all []Via
	rate := int(searching().rate)
	a := addr("10.2.0.1")
	for range 3 * rate {
		all = append(all, Via{a, 2})
		a = a.Next()
	}
	p := newPace(searching())
	seen := map[Via]int{}
	for second, want := range []int{rate, rate, rate} {
		got := p.due(start.Add(time.Duration(second)*time.Second), all)
		if len(got) != want {
			t.Fatalf("second %d: %d requests, want %d", second, len(got), want)
		}
		for _, via := range got {
			seen[via]++
		}
	}
	// Whoever is asked again takes from the others, but a doubling interval
	// lets everyone have a turn.
	for second := 3; second < 10; second++ {
		for _, via := range p.due(start.Add(time.Duration(second)*time.Second), all) {
			seen[via]++
		}
	}
	if len(seen) != len(all) {
		t.Fatalf("%d of %d were ever asked for", len(seen), len(all))
	}
}

// Whoever is well is asked every five seconds, and thousands take turns.
func TestPaceConfirms(t *testing.T) {
	p := newPace(confirming())
	times := 0
	for second := range 60 {
		times += len(p.due(start.Add(time.Duration(second)*time.Second), []Via{viaS}))
	}
	if times != 12 {
		t.Fatalf("asked %d times in a minute, want 12", times)
	}
}
