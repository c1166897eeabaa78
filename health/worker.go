// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"math/rand/v2"
	"time"
)

// worker checks one target.
type worker[ID comparable] struct {
	target Target[ID]
	ctx    context.Context
	cancel context.CancelFunc
	ended  chan struct{}
}

func newWorker[ID comparable](ctx context.Context, t Target[ID]) *worker[ID] {
	ctx, cancel := context.WithCancel(ctx)
	return &worker[ID]{target: t, ctx: ctx, cancel: cancel, ended: make(chan struct{})}
}

// stop waits for the end, so that nothing is stored after a removal.
func (w *worker[ID]) stop() {
	w.cancel()
	<-w.ended
}

func (w *worker[ID]) run(p Prober, box *mailbox[ID]) {
	defer close(w.ended)
	defer w.cancel()
	now := time.Now()
	result, known := box.get(w.target.ID)
	if !known {
		result = Result{Up: true, Since: now}
		box.put(w.target.ID, result, false)
	}
	monitor := NewMonitor(w.target.Settings, result.Up, now, rand.Float64())
	in := Tick
	for {
		var actions Actions
		now = time.Now()
		monitor, actions = monitor.Step(now, in)
		if actions.Checked {
			first := result.Checked.IsZero()
			result = result.after(monitor.Up(), now, in == Passed)
			box.put(w.target.ID, result, first || actions.Changed)
		}
		if actions.Probe {
			in = w.attempt(p, &result)
		} else {
			in = w.sleep(actions.Wake)
		}
		if w.ctx.Err() != nil {
			return
		}
	}
}

// attempt probes once and notes how it went.
func (w *worker[ID]) attempt(p Prober, result *Result) Input {
	ctx, cancel := context.WithTimeout(w.ctx, w.target.Settings.Timeout)
	defer cancel()
	began := time.Now()
	result.Err = p.Probe(ctx, w.target.Addr)
	result.Took = time.Since(began)
	if result.Err != nil {
		return Failed
	}
	return Passed
}

func (w *worker[ID]) sleep(until time.Time) Input {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.ctx.Done():
	}
	return Tick
}

// after is the result after a completed check.
func (r Result) after(up bool, now time.Time, passed bool) Result {
	if up != r.Up {
		r.Since = now
	}
	r.Up, r.Checked = up, now
	if passed {
		r.Passed++
	} else {
		r.Failed++
	}
	return r
}
