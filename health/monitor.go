// SPDX-License-Identifier: Apache-2.0

package health

import "time"

// Settings say how a target is checked, in keepalived's terms.
type Settings struct {
	// Interval between the beginnings of two checks (delay_loop). A check that
	// takes longer is followed by the next at once.
	Interval time.Duration
	// Timeout of one attempt (connect_timeout).
	Timeout time.Duration
	// Rise and Fall are how many checks in a row change the verdict; at least 1.
	Rise, Fall int
	// Retry is how often a failed attempt is repeated before the check counts
	// as failed (retry), RetryDelay how long before each repetition
	// (delay_before_retry). A target that is down is not retried.
	Retry      int
	RetryDelay time.Duration
}

// Input is what a Monitor is told.
type Input uint8

// The inputs of a Monitor.
const (
	Tick   Input = iota // time has passed; also the first input
	Passed              // the attempt succeeded
	Failed              // the attempt failed or took too long
)

// Actions are what a Monitor wants done.
type Actions struct {
	// Probe: begin an attempt now and answer with Passed or Failed.
	Probe bool
	// Wake: give a Tick at this time; zero while an attempt is under way.
	Wake time.Time
	// Checked: a check is complete, all its attempts included.
	Checked bool
	// Changed: the verdict is another than before.
	Changed bool
}

// Monitor is the state of one target's check. It is a value: Step returns the
// next one.
type Monitor struct {
	settings Settings
	up       bool
	against  int       // checks in a row that contradict the verdict
	attempt  int       // repetitions so far in this check
	checks   int       // completed
	probing  bool      // an attempt is under way
	began    time.Time // this check
	next     time.Time // attempt
	phase    float64
}

// NewMonitor begins with the verdict up. phase, from 0 to below 1, spreads
// targets that start together: it delays the first check by that part of a
// second (of the interval, if shorter) and the second by that part of the
// interval.
func NewMonitor(s Settings, up bool, now time.Time, phase float64) Monitor {
	delay := time.Duration(phase * float64(min(s.Interval, time.Second)))
	return Monitor{settings: s, up: up, next: now.Add(delay), phase: phase}
}

// Up says whether the target is in service.
func (m Monitor) Up() bool { return m.up }

// Step is the state after an input, and what is to be done about it. An answer
// that nobody waits for, and a tick before its time, change nothing.
func (m Monitor) Step(now time.Time, in Input) (Monitor, Actions) {
	switch {
	case in == Tick && m.probing, in != Tick && !m.probing:
		return m, m.wait()
	case in == Tick && now.Before(m.next):
		return m, m.wait()
	case in == Tick:
		return m.probe(now)
	case in == Failed && m.up && m.attempt < m.settings.Retry:
		return m.retry(now)
	}
	return m.conclude(now, in == Passed)
}

// wait is the action of going on as before.
func (m Monitor) wait() Actions {
	if m.probing {
		return Actions{}
	}
	return Actions{Wake: m.next}
}

func (m Monitor) probe(now time.Time) (Monitor, Actions) {
	if m.attempt == 0 {
		m.began = now
	}
	m.probing = true
	return m, Actions{Probe: true}
}

func (m Monitor) retry(now time.Time) (Monitor, Actions) {
	m.attempt++
	m.probing = false
	m.next = now.Add(m.settings.RetryDelay)
	return m, m.wait()
}

// conclude ends a check.
func (m Monitor) conclude(now time.Time, passed bool) (Monitor, Actions) {
	interval := m.settings.Interval
	if m.checks == 0 {
		interval = time.Duration(m.phase * float64(interval))
	}
	m.checks++
	m.attempt = 0
	m.probing = false
	m.next = m.began.Add(interval)
	if m.next.Before(now) {
		m.next = now
	}
	changed := m.judge(passed)
	actions := m.wait()
	actions.Checked, actions.Changed = true, changed
	return m, actions
}

// judge counts a check for or against the verdict and says whether that
// changes it.
func (m *Monitor) judge(passed bool) bool {
	if passed == m.up {
		m.against = 0
		return false
	}
	m.against++
	needed := m.settings.Fall
	if passed {
		needed = m.settings.Rise
	}
	if m.against < needed {
		return false
	}
	m.up, m.against = passed, 0
	return true
}
