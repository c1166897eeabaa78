// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"testing"
	"time"

	"github.com/xlb-project/xlb/maps"
)

func conn(state maps.ConnState, seen maps.Tick) maps.Conn { return maps.Conn{State: state, Seen: seen} }

func TestIdle(t *testing.T) {
	const now = maps.Tick(100_000)
	x := NewExpiry(now, rate, maps.DefaultTimeouts())
	ticks := rate.Ticks
	for _, tt := range []struct {
		name  string
		state maps.ConnState
		seen  maps.Tick
		want  bool
	}{
		{"just seen", maps.StateEstablished, now, false},
		{"at the timeout", maps.StateEstablished, now - ticks(15*time.Minute), false},
		{"one tick past it", maps.StateEstablished, now - ticks(15*time.Minute) - 1, true},
		{"the shortest", maps.StateClose, now - ticks(10*time.Second) - 1, true},
		{"not yet", maps.StateClose, now - ticks(10*time.Second), false},
		{"UDP", maps.StateUDP, now - ticks(5*time.Minute) - 1, true},
		{"seen after the clock was read", maps.StateClose, now + 3, false},
		{"claimed", maps.StateDead, now - 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := x.Idle(conn(tt.state, tt.seen)); got != tt.want {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestIdleOverAWrap(t *testing.T) {
	x := NewExpiry(5, rate, maps.DefaultTimeouts())
	before := x.Now - 100
	if x.Idle(conn(maps.StateEstablished, before)) {
		t.Fatal("idle for 100 ticks only, over a wrap")
	}
	if !x.Idle(conn(maps.StateClose, before)) {
		t.Fatal("10 s are over, over a wrap")
	}
}

func TestRemaining(t *testing.T) {
	const now = maps.Tick(100_000)
	x := NewExpiry(now, rate, maps.DefaultTimeouts())
	ago := func(d time.Duration) maps.Tick { return now - rate.Ticks(d) }
	for _, tt := range []struct {
		name           string
		request, reply maps.Conn
		want           time.Duration
	}{
		{"fresh", conn(maps.StateClose, now), conn(maps.StateClose, now), 10 * time.Second},
		{"the newest half counts", conn(maps.StateClose, ago(9*time.Second)), conn(maps.StateClose, ago(2*time.Second)), 8 * time.Second},
		{"the request half has the state", conn(maps.StateClose, now), conn(maps.StateEstablished, now), 10 * time.Second},
		{"past", conn(maps.StateClose, ago(11*time.Second)), conn(maps.StateClose, ago(12*time.Second)), 0},
		{"claimed", conn(maps.StateDead, now-1), conn(maps.StateEstablished, now-1), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := x.Remaining(tt.request, tt.reply)
			if tick := rate.Duration(1); got < tt.want-2*tick || got > tt.want+2*tick || (tt.want == 0) != (got == 0) {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// Remaining is never 0 for a connection that is not idle, and the other way.
func TestRemainingAgreesWithIdle(t *testing.T) {
	x := NewExpiry(1<<20, rate, maps.DefaultTimeouts())
	for state := maps.StateEstablished; state < maps.StateMax; state++ {
		limit := x.Timeouts[state]
		for _, age := range []maps.Tick{0, 1, limit - 1, limit, limit + 1} {
			c := conn(state, x.Now-age)
			if idle, left := x.Idle(c), x.Remaining(c, c); idle != (left == 0) {
				t.Fatalf("%v, age %d of %d: idle %v, remaining %v", state, age, limit, idle, left)
			}
		}
	}
}
