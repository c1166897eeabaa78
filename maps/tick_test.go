// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
)

func TestRateOf(t *testing.T) {
	for _, want := range []Rate{{1000, 7}, {300, 5}, {250, 5}, {100, 4}} {
		if got := rateOf(time.Second / time.Duration(want.HZ)); got != want {
			t.Errorf("HZ %d: %+v, want %+v", want.HZ, got, want)
		}
	}
}

func TestSystemRate(t *testing.T) {
	r, err := SystemRate()
	check(t, err)
	if tick := r.Duration(1); tick < 60*time.Millisecond || tick > 180*time.Millisecond {
		t.Errorf("%+v: a tick is %v", r, tick)
	}
}

func TestTicks(t *testing.T) {
	r := Rate{HZ: 1000, Shift: 7}
	for _, tt := range []struct {
		d    time.Duration
		want Tick
	}{
		{-time.Second, 1},
		{0, 1},
		{time.Millisecond, 1},
		{128 * time.Millisecond, 1},
		{256 * time.Millisecond, 2},
		{900 * time.Second, 7031},
		{1<<63 - 1, 1<<31 - 1},
	} {
		if got := r.Ticks(tt.d); got != tt.want {
			t.Errorf("%v is %d ticks, want %d", tt.d, got, tt.want)
		}
	}
	if got := (Rate{}).Duration(5); got != 0 {
		t.Errorf("without a rate 5 ticks are %v", got)
	}
}

func TestTicksRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SampledFrom([]Rate{{1000, 7}, {300, 5}, {250, 5}, {100, 4}}).Draw(t, "rate")
		n := Tick(rapid.Uint32Range(1, 1<<31-1).Draw(t, "ticks"))
		if got := r.Ticks(r.Duration(n)); got != n {
			t.Fatalf("%d ticks are %v, which are %d ticks", n, r.Duration(n), got)
		}
	})
}

func TestTickSince(t *testing.T) {
	for _, tt := range []struct{ now, earlier, want Tick }{
		{10, 3, 7},
		{3, 3, 0},
		{3, 10, 0},
		{5, 0xfffffffe, 7},
		{0xfffffffe, 5, 0},
	} {
		if got := tt.now.Since(tt.earlier); got != tt.want {
			t.Errorf("%d since %d is %d, want %d", tt.now, tt.earlier, got, tt.want)
		}
	}
}

func TestTune(t *testing.T) {
	spec, err := bpf.LoadLb()
	check(t, err)
	check(t, Rate{HZ: 250, Shift: 5}.Tune(spec))
	var shift, limit uint32
	check(t, spec.Variables[bpf.LbVarTickShift].Get(&shift))
	check(t, spec.Variables[bpf.LbVarHeartbeatLimit].Get(&limit))
	if shift != 5 || limit != 78 {
		t.Errorf("shift %d, limit %d", shift, limit)
	}
	err = Rate{}.Tune(&ebpf.CollectionSpec{})
	if err == nil || !strings.Contains(err.Error(), "no constant") {
		t.Errorf("a program without constants: %v", err)
	}
}

// TestClock compares the kernel's ticks with a clock of another kind.
func TestClock(t *testing.T) {
	set, _ := newSet(t)
	begin, first := time.Now(), tickChange(t, set.Clock)
	for range 2 {
		tickChange(t, set.Clock)
	}
	last := tickChange(t, set.Clock)
	if n := last.Since(first); n < 3 {
		t.Errorf("three changes of the tick are %d ticks", n)
	}
	took, limit := set.Clock.Duration(last.Since(first)), time.Since(begin)+set.Clock.Duration(1)
	if took > limit {
		t.Errorf("%v of ticks passed in %v", took, limit)
	}
}

// tickChange waits for the tick to change.
func tickChange(t *testing.T, c *Clock) Tick {
	t.Helper()
	before, err := c.Now()
	check(t, err)
	for deadline := time.Now().Add(5 * time.Second); ; {
		now, err := c.Now()
		check(t, err)
		if now != before {
			return now
		}
		if time.Now().After(deadline) {
			t.Fatalf("the tick has been %d for 5 s", now)
		}
	}
}
