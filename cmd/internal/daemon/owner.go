// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/xlb-project/xlb/cmd/internal/config"
	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/health"
	"github.com/xlb-project/xlb/lb"
)

// retryTime is how often the owner looks whether something is missing although
// nobody has said so: an interface, or the engine.
const retryTime = 2 * time.Second

// owner has the desired state. Everything below requests is touched by its own
// goroutine only, which is the one that runs run; others use do and view.
type owner struct {
	node   Node
	load   func() (*config.Config, error)
	store  store
	health *health.Runner[lb.RealKey]
	log    *slog.Logger
	clock  func() time.Time
	// configured is told of each configuration that is taken into use.
	configured func(*config.Config)
	// started is told once that the beginning is done, well or not.
	started func(*view)

	shown    atomic.Pointer[view]
	poked    chan struct{} // capacity 1: interfaces may have changed
	requests chan request
	ended    chan struct{} // closed when run has returned

	now  view                     // shown, as it is being changed
	down map[lb.RealKey]bool      // verdicts of the checks as last logged
	told map[control.Finding]bool // findings that were logged
}

// request is something to be done on the owner's goroutine.
type request struct {
	work func(context.Context) error
	done chan error
}

// view is what the owner last showed.
func (o *owner) view() *view { return o.shown.Load() }

// do has work done by the owner and waits for it. ctx bounds only the time
// until it begins: what has begun is done to its end.
func (o *owner) do(ctx context.Context, work func(context.Context) error) error {
	r := request{work, make(chan error, 1)}
	select {
	case o.requests <- r:
	case <-o.ended:
		return stopping()
	case <-ctx.Done():
		return ctx.Err()
	}
	return <-r.done
}

func stopping() error {
	return control.Errorf(control.CodeUnavailable, "xlbd is stopping")
}

// poke has the interfaces looked at soon.
func (o *owner) poke() {
	select {
	case o.poked <- struct{}{}:
	default:
	}
}

// run owns until ctx ends. What the kernel holds stays.
func (o *owner) run(ctx context.Context) error {
	defer close(o.ended)
	o.begin(ctx)
	tick := time.NewTicker(retryTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return o.closeSession()
		case r := <-o.requests:
			err := r.work(ctx)
			o.show() // first: who asked may look at once
			r.done <- err
		case <-o.health.Changed():
			o.reportChecks()
			o.desire()
		case <-o.poked:
			o.inspect(ctx)
		case <-tick.C:
			o.retry(ctx)
		}
		o.show()
	}
}

// begin brings about what is wanted at the start, as far as that is possible
// now.
func (o *owner) begin(ctx context.Context) {
	o.attachAll(ctx)
	o.show()
	if _, err := o.sync(ctx); err != nil {
		o.log.Error("the kernel is not yet as desired, trying again", "error", err)
	}
	o.settle(ctx)
	if s := o.now.session; s != nil {
		for _, f := range unreachable(s.engine, o.now.intent) {
			o.log.Warn("real server cannot work as the network is now", "finding", f.Message, "fix", f.Fix)
		}
	}
	o.now.begun = true
	o.show()
	o.started(o.view())
}

// show publishes what is now.
func (o *owner) show() {
	v := o.now
	v.interfaces = slices.Clone(v.interfaces)
	o.shown.Store(&v)
}

// adopt makes l what decides, and has it carried out.
func (o *owner) adopt(l layers) {
	o.now.layers = l
	o.configured(l.config)
	o.now.intent, o.now.stale = l.intent()
	o.health.Set(l.targets(o.now.intent))
	o.desire()
}

// desire tells the reconciler what to bring about.
func (o *owner) desire() {
	if o.now.session != nil {
		o.now.session.want(inService(o.now.intent, o.health.Results()))
	}
}

// ensureSession opens the engine if it is not open, or not well.
func (o *owner) ensureSession(ctx context.Context) {
	if s := o.now.session; s != nil {
		err := s.failed()
		if err == nil {
			return
		}
		o.log.Error("opening the engine again", "error", errors.Join(err, o.closeSession()))
	}
	s, err := openSession(ctx, o.node, o.poke, o.now.ownership(), o.log)
	switch {
	case err == nil:
		o.now.session, o.now.trouble = s, nil
		o.log.Info("engine is open", "engine", s.engine.Features().Engine)
		o.desire()
	case o.now.trouble == nil || o.now.trouble.Error() != err.Error():
		o.log.Error("there is no engine, trying again", "error", err)
		o.now.trouble = err
	}
}

// closeSession lets go of the engine, if there is one.
func (o *owner) closeSession() error {
	s := o.now.session
	if s == nil {
		return nil
	}
	o.now.session = nil
	o.show()
	return s.close()
}

// ownership says which virtual servers of the kernel are ours.
func (v *view) ownership() lb.Ownership {
	return lb.Ownership{Owner: lb.OwnerDaemon, All: v.config.OwnAll}
}
