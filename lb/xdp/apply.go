// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/maps"
)

// Apply makes one virtual server be as c.After says.
//
// The order of the writes, so that a packet sees the virtual server as it was
// or as it shall be, and so that [New] can tell after a crash which of the two
// to make of it: first addresses, records of new real servers, marked as
// retired, the same mark on those that go, and weights that are not 0; then the
// slots, in one word, which is the moment at which it counts; then weights that
// are 0, and everything else that only user space reads.
func (e *Engine) Apply(ctx context.Context, c lb.ServiceChange) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.changeable(); err != nil {
		return err
	}
	if err := c.Check(); err != nil {
		return err
	}
	if c.After == nil {
		return in(c.Key, e.remove(c.Key))
	}
	p, err := e.newPlan(*c.After)
	if errors.Is(err, lb.ErrLimit) && e.freeIdle(time.Now().Add(-grace)) {
		p, err = e.newPlan(*c.After)
	}
	if err != nil {
		return in(c.Key, err)
	}
	if err := p.carryOut(); err != nil {
		return in(c.Key, err)
	}
	e.settle(ctx, p)
	return nil
}

// carryOut writes the plan. What comes before it counts, or is the moment, can
// run out of room; then everything is taken back.
func (p *plan) carryOut() error {
	for _, step := range p.preparations() {
		if err := step(); err != nil {
			p.takeBack()
			return err
		}
	}
	var errs []error
	for _, step := range p.conclusions() {
		errs = append(errs, step())
	}
	return errors.Join(errs...)
}

// preparations are the steps up to the moment at which the plan counts.
func (p *plan) preparations() []func() error {
	return []func() error{
		p.writeReals,
		p.writeRetired,
		func() error { return p.writeWeights(false) },
		p.writeService,
		p.publish,
	}
}

// conclusions are the steps after it.
func (p *plan) conclusions() []func() error {
	return []func() error{
		p.finishConfig,
		func() error { return p.writeWeights(true) },
		p.finishReals,
	}
}

// writeReals writes the records of new real servers. They are retired until
// slots name them.
func (p *plan) writeReals() error {
	for _, r := range p.reals {
		if err := p.e.maps.Ours.Add(maps.OursReal, r.want.Addr.Addr()); err != nil {
			return err
		}
		if !r.fresh {
			continue
		}
		record := r.want
		record.Retired = true
		err := errors.Join(p.e.maps.Loads.Clear(r.id), p.e.maps.RealCounters.Zero(r.id), p.e.maps.Reals.Set(r.id, record))
		if err != nil {
			return err
		}
	}
	return nil
}

// writeRetired marks the real servers that go.
func (p *plan) writeRetired() error {
	var errs []error
	for _, id := range p.removed {
		errs = append(errs, p.e.maps.Reals.SetRetired(id, true))
	}
	return errors.Join(errs...)
}

// writeWeights writes weights that change: those that become zero, or the
// others.
func (p *plan) writeWeights(zero bool) error {
	var errs []error
	for _, r := range p.reals {
		if !r.fresh && r.want.Weight != r.is.Weight && (r.want.Weight == 0) == zero {
			errs = append(errs, p.e.maps.Reals.SetWeight(r.id, r.want.Weight))
		}
	}
	return errors.Join(errs...)
}

// writeService writes the slots, and the record of a virtual server that
// packets cannot find yet.
func (p *plan) writeService() error {
	if p.swap {
		if err := p.e.maps.Slots.Write(p.range_.Base, p.choices); err != nil {
			return err
		}
	}
	if p.service.live {
		return nil
	}
	if p.fresh {
		if err := p.e.maps.ServiceCounters.Zero(p.service.id); err != nil {
			return err
		}
	}
	p.record.Slots = p.range_
	return errors.Join(
		p.e.maps.Services.Set(p.service.id, p.record),
		p.e.maps.Ours.Add(maps.OursVirtual, p.service.key.Addr.Addr()),
	)
}

// publish is the moment at which the plan counts.
func (p *plan) publish() error {
	s, m := p.service, p.e.maps
	if s.live && p.swap {
		if err := p.e.swapSlots(s, p.scheduler, p.range_, p.choices); err != nil {
			return err
		}
	}
	if id, err := m.Services4.Lookup(mapsKey(s.key)); err == nil && id == s.id {
		return m.Ours.Add(maps.OursVirtual, s.key.Addr.Addr())
	}
	return limit(m.Services4.Set(mapsKey(s.key), s.id))
}

// finishReals writes what only user space reads, and notes everything in the
// book.
func (p *plan) finishReals() error {
	s, b := p.service, p.e.book
	var errs []error
	for _, r := range p.reals {
		delete(b.retired, r.id)
		b.addReal(s, keyOf(r.want), r.id)
		if r.fresh || r.is.Retired {
			errs = append(errs, p.e.maps.Reals.SetRetired(r.id, false))
		}
		if !r.fresh && r.is.Order != r.want.Order {
			errs = append(errs, p.e.maps.Reals.SetOrder(r.id, r.want.Order))
		}
	}
	for _, id := range p.removed {
		b.retired[id] = p.now
	}
	if p.swap {
		p.e.giveRange(s.owned)
		s.owned = p.range_
	}
	s.live = true
	return errors.Join(errs...)
}

func (p *plan) finishConfig() error {
	is, err := p.e.maps.Services.Get(p.service.id)
	if err != nil {
		return err
	}
	var errs []error
	if is.Scheduler != p.record.Scheduler || is.Instance != p.record.Instance {
		errs = append(errs, p.e.maps.Services.SetConfig(p.service.id, p.record.Scheduler, p.record.Instance))
	}
	if is.Owner != p.record.Owner {
		errs = append(errs, p.e.maps.Services.SetOwner(p.service.id, p.record.Owner))
	}
	return errors.Join(errs...)
}

// takeBack undoes what was written before a failure. Nothing pointed at it.
func (p *plan) takeBack() {
	for _, r := range p.reals {
		if r.fresh {
			p.e.tell(p.e.maps.Reals.Clear(r.id))
		} else {
			p.e.tell(p.e.maps.Reals.SetWeight(r.id, r.is.Weight))
		}
	}
	if p.service.live {
		for _, id := range p.removed {
			p.e.tell(p.e.maps.Reals.SetRetired(id, false))
		}
	}
	if !p.service.live {
		p.e.tell(p.e.maps.Services.Clear(p.service.id))
	}
	p.abandon()
	p.e.tell(p.e.writeOurs())
}

// settle waits for neighbours of new real servers, if asked to.
func (e *Engine) settle(ctx context.Context, p *plan) {
	if e.opt.Settle <= 0 || !p.claimed {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, e.opt.Settle)
	defer cancel()
	if n, err := e.hops.Settle(ctx); err != nil || n > 0 {
		e.log.Warn("some next hops are not resolved yet; packets to them take the way through the stack",
			"server", p.service.key, "unresolved", n, "error", err)
	}
}

// tell logs what went wrong while something else was being mended.
func (e *Engine) tell(err error) {
	if err != nil {
		e.log.Error("xdp engine", "error", err)
	}
}

// in says which virtual server an error is about.
func in(key lb.ServiceKey, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("virtual server %s: %w", key, err)
}
