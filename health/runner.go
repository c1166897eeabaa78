// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"sync"
)

// Runner checks a changing list of targets. Make it with [NewRunner], give it
// targets with Set at any time, and let Run run.
type Runner[ID comparable] struct {
	prober Prober
	box    *mailbox[ID]

	mu      sync.Mutex
	want    []Target[ID]
	renewed chan struct{} // capacity 1: want is new
}

// NewRunner has no targets yet.
func NewRunner[ID comparable](p Prober) *Runner[ID] {
	return &Runner[ID]{prober: p, box: newMailbox[ID](), renewed: make(chan struct{}, 1)}
}

// Set replaces the list of targets. A target that was there before, by its ID,
// keeps its verdict and counts; if nothing about it changed, its check goes on
// undisturbed. Two targets of one ID: the last counts.
func (r *Runner[ID]) Set(targets []Target[ID]) {
	r.mu.Lock()
	r.want = targets
	r.mu.Unlock()
	select {
	case r.renewed <- struct{}{}:
	default:
	}
}

// Results are the latest of every target, the assumed ones included.
func (r *Runner[ID]) Results() map[ID]Result { return r.box.all() }

// Changed gets a value after a verdict has changed, or a first check was
// completed: read Results then.
func (r *Runner[ID]) Changed() <-chan struct{} { return r.box.news }

// Run checks until ctx ends, and returns when the last attempt has ended.
func (r *Runner[ID]) Run(ctx context.Context) error {
	running := map[ID]*worker[ID]{}
	var workers sync.WaitGroup
	defer workers.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.renewed:
			r.adopt(ctx, running, &workers)
		}
	}
}

// adopt makes what runs what is wanted.
func (r *Runner[ID]) adopt(ctx context.Context, running map[ID]*worker[ID], workers *sync.WaitGroup) {
	want := map[ID]Target[ID]{}
	r.mu.Lock()
	for _, t := range r.want {
		want[t.ID] = t
	}
	r.mu.Unlock()
	for id, w := range running {
		if t, ok := want[id]; ok && t == w.target {
			continue
		}
		w.stop()
		delete(running, id)
		if _, stays := want[id]; !stays {
			r.box.remove(id)
		}
	}
	for id, t := range want {
		if running[id] != nil {
			continue
		}
		w := newWorker(ctx, t)
		running[id] = w
		workers.Go(func() { w.run(r.prober, r.box) })
	}
}
