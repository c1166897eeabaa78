// SPDX-License-Identifier: Apache-2.0

package health

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func epoch() time.Time { return time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC) }

func fiveSeconds() Settings {
	return Settings{
		Interval: 5 * time.Second, Timeout: 3 * time.Second,
		Rise: 1, Fall: 1, Retry: 0, RetryDelay: time.Second,
	}
}

// step is one line of a script: at is since the epoch.
type step struct {
	at   time.Duration
	in   Input
	want Actions
	up   bool
}

func at(d time.Duration) time.Time { return epoch().Add(d) }

// script is a Monitor's life.
type script struct {
	name     string
	settings Settings
	phase    float64
	steps    []step
}

const s = time.Second

func wake(d time.Duration) Actions { return Actions{Wake: at(d)} }

func checked(d time.Duration, changed bool) Actions {
	return Actions{Wake: at(d), Checked: true, Changed: changed}
}

func with(change func(*Settings)) Settings {
	out := fiveSeconds()
	change(&out)
	return out
}

// timing is when attempts are made.
func timing() []script {
	probe := Actions{Probe: true}
	return []script{
		{"OK passes, and again an interval after it began", fiveSeconds(), 0, []step{
			{0, Tick, probe, true},
			{1 * s, Passed, checked(1*s, false), true}, // phase 0: the second follows at once
			{1 * s, Tick, probe, true},
			{2 * s, Passed, checked(6*s, false), true},
			{6 * s, Tick, probe, true},
		}},
		{"OK phase spreads the first two checks", fiveSeconds(), 0.5, []step{
			{0, Tick, wake(500 * time.Millisecond), true},
			{500 * time.Millisecond, Tick, probe, true},
			{500 * time.Millisecond, Passed, checked(3*s, false), true},
			{3 * s, Tick, probe, true},
			{3 * s, Passed, checked(8*s, false), true},
		}},
		{"OK phase of a short interval", with(func(c *Settings) { c.Interval = 100 * time.Millisecond }), 0.5, []step{
			{0, Tick, wake(50 * time.Millisecond), true},
		}},
		{"OK a retry that passes", with(func(c *Settings) { c.Retry = 1 }), 0, []step{
			{0, Tick, probe, true}, {0, Failed, wake(1 * s), true},
			{1 * s, Tick, probe, true}, {1 * s, Passed, checked(1*s, false), true},
		}},
		{"OK a check longer than the interval is followed at once", fiveSeconds(), 0, []step{
			{0, Tick, probe, true}, {0, Passed, checked(0, false), true},
			{0, Tick, probe, true}, {7 * s, Passed, checked(7*s, false), true},
		}},
		{"OK inputs that fit nothing", fiveSeconds(), 0, []step{
			{0, Passed, wake(0), true},
			{0, Failed, wake(0), true},
			{0, Tick, probe, true},
			{1 * s, Tick, Actions{}, true},
			{2 * s, Passed, checked(2*s, false), true},
			{2 * s, Failed, wake(2 * s), true},
		}},
	}
}

// verdicts is when the verdict changes.
func verdicts() []script {
	probe := Actions{Probe: true}
	return []script{
		{"bad at once with fall 1, good at once with rise 1", fiveSeconds(), 0, []step{
			{0, Tick, probe, true},
			{0, Failed, checked(0, true), false},
			{0, Tick, probe, false},
			{0, Passed, checked(5*s, true), true},
		}},
		{"bad after fall, good after rise", with(func(c *Settings) { c.Fall, c.Rise = 3, 2 }), 0, []step{
			{0, Tick, probe, true}, {0, Failed, checked(0, false), true},
			{0, Tick, probe, true}, {0, Failed, checked(5*s, false), true},
			{5 * s, Tick, probe, true}, {5 * s, Passed, checked(10*s, false), true}, // counts anew
			{10 * s, Tick, probe, true}, {10 * s, Failed, checked(15*s, false), true},
			{15 * s, Tick, probe, true}, {15 * s, Failed, checked(20*s, false), true},
			{20 * s, Tick, probe, true}, {20 * s, Failed, checked(25*s, true), false},
			{25 * s, Tick, probe, false}, {25 * s, Passed, checked(30*s, false), false},
			{30 * s, Tick, probe, false}, {30 * s, Failed, checked(35*s, false), false},
			{35 * s, Tick, probe, false}, {35 * s, Passed, checked(40*s, false), false},
			{40 * s, Tick, probe, false}, {40 * s, Passed, checked(45*s, true), true},
		}},
		{"bad only after retries, which a down target does not get", with(func(c *Settings) { c.Retry = 2 }), 0, []step{
			{0, Tick, probe, true}, {1 * s, Failed, wake(2 * s), true},
			{1500 * time.Millisecond, Tick, wake(2 * s), true},
			{2 * s, Tick, probe, true}, {3 * s, Failed, wake(4 * s), true},
			{4 * s, Tick, probe, true}, {4 * s, Failed, checked(4*s, true), false},
			{4 * s, Tick, probe, false}, {4 * s, Failed, checked(9*s, false), false},
		}},
	}
}

func TestMonitor(t *testing.T) {
	for _, test := range append(timing(), verdicts()...) {
		t.Run(test.name, func(t *testing.T) {
			m := NewMonitor(test.settings, true, epoch(), test.phase)
			for i, step := range test.steps {
				var got Actions
				m, got = m.Step(at(step.at), step.in)
				if got != step.want || m.Up() != step.up {
					t.Fatalf("step %d at %v: got %+v, up %v; want %+v, up %v", i, step.at, got, m.Up(), step.want, step.up)
				}
			}
		})
	}
}

// TestMonitorAgainstCounting: whatever comes, the verdict is what plain
// counting of completed checks says, attempts do not overlap, and there is
// always something that goes on.
func TestMonitorAgainstCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Settings{
			Interval:   time.Duration(rapid.IntRange(1, 10).Draw(t, "interval")) * time.Second,
			Rise:       rapid.IntRange(1, 4).Draw(t, "rise"),
			Fall:       rapid.IntRange(1, 4).Draw(t, "fall"),
			Retry:      rapid.IntRange(0, 3).Draw(t, "retry"),
			RetryDelay: time.Duration(rapid.IntRange(0, 3).Draw(t, "delay")) * time.Second,
		}
		now := epoch()
		m := NewMonitor(s, true, now, rapid.Float64Range(0, 0.99).Draw(t, "phase"))
		model := counting{s: s, up: true}
		m, actions := m.Step(now, Tick)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch {
			case actions.Probe:
				now = now.Add(time.Duration(rapid.IntRange(0, 12).Draw(t, "took")) * time.Second)
				in := rapid.SampledFrom([]Input{Passed, Failed}).Draw(t, "result")
				m, actions = m.Step(now, in)
				model.attempt(t, in == Passed, actions, m.Up())
			case actions.Wake.IsZero():
				t.Fatal("neither an attempt nor a time to wake")
			default:
				if actions.Wake.After(now) {
					now = actions.Wake
				}
				m, actions = m.Step(now, Tick)
				if !actions.Probe {
					t.Fatalf("woken at its time, but no attempt: %+v", actions)
				}
			}
		}
	})
}

// counting is what the verdict should be.
type counting struct {
	s             Settings
	up            bool
	attempts, row int
}

func (c *counting) attempt(t *rapid.T, passed bool, a Actions, up bool) {
	c.attempts++
	if !passed && c.up && c.attempts <= c.s.Retry {
		if a.Checked || a.Changed || up != c.up {
			t.Fatalf("attempt %d of %d decided: %+v", c.attempts, c.s.Retry+1, a)
		}
		return
	}
	c.attempts = 0
	c.row++
	if passed == c.up {
		c.row = 0
	}
	before := c.up
	if !before && c.row == c.s.Rise || before && c.row == c.s.Fall {
		c.up, c.row = passed, 0
	}
	if up != c.up || a.Changed != (before != c.up) || !a.Checked {
		t.Fatalf("up %v after %+v; counting says %v", up, a, c.up)
	}
}
