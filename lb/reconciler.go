// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Paces of a [Reconciler] where its options do not say.
const (
	DefaultRepair     = 10 * time.Second
	DefaultFirstRetry = 100 * time.Millisecond
	DefaultLastRetry  = 30 * time.Second
)

// ReconcilerOptions say how a [Reconciler] works. The zero value is for virtual
// servers without an owner's mark.
type ReconcilerOptions struct {
	// Ownership says which virtual servers to change. Those that are desired
	// get its Owner as their mark.
	Ownership Ownership
	// Repair is the time between two looks at the kernel when nothing is
	// desired anew; 0: DefaultRepair, negative: only when poked.
	Repair time.Duration
	// RetryMin is the time before a failure is tried again; it doubles with
	// every failure, up to RetryMax. 0: DefaultFirstRetry, DefaultLastRetry.
	RetryMin, RetryMax time.Duration
	// Log gets failures and repairs; nil: nobody does.
	Log *slog.Logger
}

// Reconciler makes an engine hold the desired state, and keeps it that way. It
// is the only one that changes virtual servers and timeouts of that engine;
// gates are not its business.
//
// Until the first Set it changes nothing: an empty state is not assumed.
type Reconciler struct {
	engine  Dataplane
	opt     ReconcilerOptions
	desired *mailbox[State]
	running atomic.Bool
	memory  memory // Run's own

	mu      sync.Mutex
	status  Status
	asked   uint64        // looks that were asked for by Sync
	done    uint64        // of these, the ones that have been taken
	changed chan struct{} // closed and replaced when status or done changes
}

// NewReconciler makes one for an engine, which it does not close.
func NewReconciler(engine Dataplane, o ReconcilerOptions) *Reconciler {
	if o.Repair == 0 {
		o.Repair = DefaultRepair
	}
	if o.RetryMin <= 0 {
		o.RetryMin = DefaultFirstRetry
	}
	if o.RetryMax <= 0 {
		o.RetryMax = DefaultLastRetry
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Reconciler{engine: engine, opt: o, desired: newMailbox[State](), changed: make(chan struct{})}
}

// Set makes s the desired state and returns at once. What was desired before
// and is not yet applied is forgotten. Gates of s are ignored.
func (r *Reconciler) Set(s State) {
	s = s.Clone()
	for i := range s.Services {
		s.Services[i].Owner = r.opt.Ownership.Owner
	}
	s.Sort()
	r.desired.put(s)
}

// Poke has the kernel looked at now: somebody else may have changed it.
func (r *Reconciler) Poke() { r.desired.poke() }

// Status is the latest result.
func (r *Reconciler) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// Sync has the desired state applied and returns when it is: nil says that the
// kernel held it at a moment after the call; an error is what failed, which
// goes on being tried. Without a desired state it waits for one, and without
// Run it waits until ctx ends.
func (r *Reconciler) Sync(ctx context.Context) error {
	r.mu.Lock()
	r.asked++
	ticket := r.asked
	r.mu.Unlock()
	r.Poke()
	for {
		r.mu.Lock()
		status, done, changed := r.status, r.done, r.changed
		r.mu.Unlock()
		if done >= ticket {
			return status.Failed()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// Run works until ctx ends, and then returns nil. Only one Run at a time: a
// second one returns [ErrRunning].
func (r *Reconciler) Run(ctx context.Context) error {
	if !r.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer r.running.Store(false)
	for ctx.Err() == nil {
		r.rest(ctx, r.step(ctx))
	}
	return nil
}

// rest waits until there is something new, or for a time; negative: forever.
func (r *Reconciler) rest(ctx context.Context, d time.Duration) {
	var due <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		due = t.C
	}
	select {
	case <-ctx.Done():
	case <-r.desired.wake:
	case <-due:
	}
}

// step compares once, changes what differs, and says when to look again;
// negative: when woken.
func (r *Reconciler) step(ctx context.Context) time.Duration {
	r.mu.Lock()
	ticket := r.asked
	r.mu.Unlock()
	desired, generation := r.desired.get()
	if generation == 0 {
		return -1
	}
	p := r.newPass(desired, generation)
	reached := p.run(ctx)
	if ctx.Err() != nil {
		return -1 // its errors would be those of the end
	}
	if p.Failed() == nil {
		p.Applied = time.Now()
	}
	p.report()
	r.memory = memory{Status: p.Status, reached: reached, pause: r.backoff(p)}
	r.publish(ticket)
	return r.pause()
}

func (r *Reconciler) newPass(desired State, generation uint64) *pass {
	return &pass{
		engine: r.engine, own: r.opt.Ownership, log: r.opt.Log, before: r.memory, desired: desired,
		Status: Status{
			Generation: generation,
			Looked:     time.Now(),
			Applied:    r.memory.Applied,
			Errors:     map[ServiceKey]error{},
			Repairs:    r.memory.Repairs,
			LastRepair: r.memory.LastRepair,
		},
	}
}

// backoff is the pause that a failed pass asks for; 0 when it did not fail.
func (r *Reconciler) backoff(p *pass) time.Duration {
	switch {
	case p.Failed() == nil:
		return 0
	case p.before.Generation != p.Generation:
		return r.opt.RetryMin
	}
	return min(max(2*p.before.pause, r.opt.RetryMin), r.opt.RetryMax)
}

// pause is the time to the next pass; negative: until woken.
func (r *Reconciler) pause() time.Duration {
	switch retry := r.memory.pause; {
	case retry == 0:
		return r.opt.Repair
	case r.opt.Repair > 0:
		return min(retry, r.opt.Repair)
	default:
		return retry
	}
}

// publish shows the result of a pass to Status and Sync.
func (r *Reconciler) publish(ticket uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status, r.done = r.memory.Status, ticket
	close(r.changed)
	r.changed = make(chan struct{})
}
