// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// pass is one comparison of the kernel with the desired state.
type pass struct {
	engine  Dataplane
	own     Ownership
	log     *slog.Logger
	before  memory // what the pass before left
	desired State
	Status
}

// memory is what a [Reconciler] keeps from one pass to the next.
type memory struct {
	Status
	reached bool          // the pass read the kernel's state, so what it left as desired was so
	pause   time.Duration // the pause after it, if it failed; else 0
}

// run reads, and changes what differs. It says whether it could read.
func (p *pass) run(ctx context.Context) bool {
	actual, err := p.engine.State(ctx)
	if err != nil {
		p.Err = fmt.Errorf("reading the virtual servers from the kernel: %w", err)
		p.Foreign = p.before.Foreign
		return false
	}
	p.validate()
	p.applyServices(ctx, actual)
	p.applyTimeouts(ctx, actual.Timeouts)
	return true
}

// validate notes what is not valid; what is in the kernel of it stays.
func (p *pass) validate() {
	findings := FindingsIn(Validate(p.desired, p.engine.Features()))
	for _, f := range findings {
		if f.Service != (ServiceKey{}) {
			p.Errors[f.Service] = findings.Of(f.Service)
		}
	}
	p.Err = findings.Of(ServiceKey{}).Err()
}

func (p *pass) applyServices(ctx context.Context, actual State) {
	changes, blocked := DiffOwned(actual, p.desired, p.own)
	for _, s := range blocked {
		p.Errors[s.ServiceKey] = fmt.Errorf("in the kernel with the owner %q: %w: remove it there (xlbctl server del %s), or set own_all",
			string(s.Owner), ErrForeign, s.ServiceKey)
	}
	for _, s := range p.own.Foreign(actual) {
		p.Foreign = append(p.Foreign, s.ServiceKey)
	}
	for _, c := range changes {
		if p.Errors[c.Key] == nil {
			p.apply(ctx, c)
		}
	}
}

func (p *pass) apply(ctx context.Context, c ServiceChange) {
	if err := p.engine.Apply(ctx, c); err != nil {
		p.Errors[c.Key] = fmt.Errorf("%s: %w", c.verb(), err)
		return
	}
	if p.settled() && p.before.Errors[c.Key] == nil {
		p.repaired(c.String())
	}
}

// applyTimeouts leaves them alone when one of them is not valid.
func (p *pass) applyTimeouts(ctx context.Context, actual Timeouts) {
	if p.desired.Timeouts.Near(actual) || len(checkTimeouts(p.desired.Timeouts)) > 0 {
		return
	}
	if err := p.engine.SetTimeouts(ctx, p.desired.Timeouts.OrDefault()); err != nil {
		p.Err = errors.Join(p.Err, fmt.Errorf("setting the timeouts: %w", err))
		return
	}
	if p.settled() && p.before.Err == nil {
		p.repaired("set the timeouts")
	}
}

// settled says whether the pass before had the same to do: what it left as
// desired, and is not so now, was changed by somebody else.
func (p *pass) settled() bool { return p.before.reached && p.before.Generation == p.Generation }

func (p *pass) repaired(what string) {
	p.Repairs++
	p.LastRepair = time.Now()
	p.log.Warn("somebody else had changed the kernel, repaired", "repair", what)
}

// report logs what was not so after the pass before.
func (p *pass) report() {
	for _, key := range sortedKeys(p.Errors) {
		if err := p.Errors[key]; news(p.before.Errors[key], err) {
			p.log.Error("virtual server cannot be applied, trying again", "server", key, "error", err)
		}
	}
	if p.Err != nil && news(p.before.Err, p.Err) {
		p.log.Error("desired state cannot be applied, trying again", "error", p.Err)
	}
	if p.Failed() == nil && (p.before.Failed() != nil || p.before.Generation != p.Generation) {
		p.log.Info("desired state is applied", "generation", p.Generation)
	}
}

func news(before, err error) bool { return before == nil || before.Error() != err.Error() }
