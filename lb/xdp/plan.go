// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/slots"
	"github.com/xlb-project/xlb/lb/xdp/internal/ids"
	"github.com/xlb-project/xlb/maps"
)

// plan is a virtual server as it shall be, with everything that can run out
// already taken: numbers, next hops, slots. Nothing that a packet sees has
// changed when a plan is made, so one that cannot be made leaves no trace.
type plan struct {
	e         *Engine
	now       time.Time
	service   *service
	fresh     bool         // the virtual server's number is new
	record    maps.Service // slots left out
	scheduler slots.Scheduler
	reals     []plannedReal
	removed   []uint32 // real servers to retire
	choices   []uint32 // what the slots shall say
	range_    maps.SlotRange
	claimed   bool     // next hops for new real servers
	swap      bool     // to range_, which is new
	undo      []func() // in the order in which things were taken
}

// plannedReal is a real server as it shall be.
type plannedReal struct {
	id    uint32
	want  maps.Real
	is    maps.Real // what the record says now
	fresh bool      // the whole record is to be written
}

// newPlan makes a plan for a virtual server.
func (e *Engine) newPlan(svc lb.Service) (*plan, error) {
	p := &plan{e: e, now: time.Now()}
	if err := p.make(svc); err != nil {
		p.abandon()
		return nil, err
	}
	return p, nil
}

func (p *plan) make(svc lb.Service) error {
	if !svc.Addr.Addr().Is4() {
		return fmt.Errorf("address %s: %w: use IPv4", svc.Addr, lb.ErrUnsupported)
	}
	var err error
	if p.scheduler, err = slots.For(svc.Scheduler); err != nil {
		return err
	}
	p.record = maps.Service{Scheduler: mapsScheduler(svc.Scheduler), Instance: uint16(svc.Instance), Owner: string(svc.Owner)}
	if err := p.takeService(svc.ServiceKey); err != nil {
		return err
	}
	for order, r := range svc.Reals {
		if err := p.takeReal(r, uint32(order)); err != nil {
			return fmt.Errorf("real server %s: %w", r.Addr, err)
		}
	}
	p.findRemoved()
	p.choices = choose(p.scheduler, p.reals)
	return p.takeSlots()
}

// takeService finds the virtual server's number, or takes one.
func (p *plan) takeService(key lb.ServiceKey) error {
	b := p.e.book
	if s, ok := b.byKey[key]; ok {
		p.service = s
		return nil
	}
	id, err := b.serviceIDs.Take(p.now)
	if err != nil {
		return limit(err)
	}
	p.fresh = true
	p.service = b.add(id, key, false)
	p.undo = append(p.undo, func() { b.forget(p.service, p.now) })
	return nil
}

// takeReal finds the real server's number, retired or not, or takes one with a
// next hop.
func (p *plan) takeReal(r lb.Real, order uint32) error {
	method, known := mapsMethod(r.Method)
	if f := p.e.Features(); !known || !f.HasMethod(r.Method) {
		return fmt.Errorf("forwarding method %q: %w: use %s", string(r.Method), lb.ErrUnsupported, f.Methods[0])
	}
	if !r.Addr.Addr().Is4() {
		return fmt.Errorf("%w: use IPv4", lb.ErrUnsupported)
	}
	want := maps.Real{Addr: r.Addr, Method: method, Service: p.service.id, Weight: uint32(r.Weight), Order: order}
	id, there := p.service.reals[keyOf(want)]
	if !there {
		return p.takeNewReal(want)
	}
	is, err := p.e.maps.Reals.Get(id)
	if err != nil {
		return err
	}
	want.NextHop = is.NextHop
	// Somebody else may have overwritten the record.
	intact := keyOf(is) == keyOf(want) && is.Service == want.Service && is.NextHop != 0
	if !intact {
		if want.NextHop, err = p.claim(want); err != nil {
			return err
		}
	}
	p.reals = append(p.reals, plannedReal{id: id, want: want, is: is, fresh: !intact})
	return nil
}

func (p *plan) takeNewReal(want maps.Real) error {
	pool := p.e.book.realIDs
	id, err := pool.Take(p.now)
	if err != nil {
		return limit(err)
	}
	p.undo = append(p.undo, func() { pool.Return(id, p.now) })
	if want.NextHop, err = p.claim(want); err != nil {
		return err
	}
	p.reals = append(p.reals, plannedReal{id: id, want: want, fresh: true})
	return nil
}

func (p *plan) claim(want maps.Real) (uint32, error) {
	hop, err := p.e.hops.Claim(want.Addr.Addr())
	if err != nil {
		return 0, limit(err)
	}
	p.claimed = true
	p.undo = append(p.undo, func() { p.e.release(hop) })
	return hop, nil
}

// findRemoved lists the real servers that are not wanted any more.
func (p *plan) findRemoved() {
	for _, id := range sortedKeys(p.service.ids) {
		wanted := slices.ContainsFunc(p.reals, func(r plannedReal) bool { return r.id == id })
		if _, already := p.e.book.retired[id]; !wanted && !already {
			p.removed = append(p.removed, id)
		}
	}
}

// takeSlots takes a new range, unless the present one says what it shall.
func (p *plan) takeSlots() error {
	is, err := p.e.maps.Services.Get(p.service.id)
	if err != nil {
		return err
	}
	p.range_ = is.Slots
	if !p.fresh && p.service.live && p.e.saysSo(p.service, is.Slots, p.choices) {
		return nil
	}
	if p.range_, err = p.e.takeRange(len(p.choices)); err != nil {
		return err
	}
	p.swap = true
	p.undo = append(p.undo, func() { p.e.giveRange(p.range_) })
	return nil
}

// abandon gives everything back, in reverse.
func (p *plan) abandon() {
	for _, f := range slices.Backward(p.undo) {
		f()
	}
}

// choose says which real servers a virtual server's slots name, in order.
func choose(scheduler slots.Scheduler, reals []plannedReal) []uint32 {
	servers := make([]slots.Server, len(reals))
	for i, r := range reals {
		servers[i] = slots.Server{ID: r.id, Weight: int(r.want.Weight)}
	}
	return scheduler.Build(servers)
}

// limit makes an exhausted resource what lb calls it.
func limit(err error) error {
	if errors.Is(err, ids.ErrFull) || errors.Is(err, maps.ErrFull) || errors.Is(err, slots.ErrFull) {
		return fmt.Errorf("%w: %w", lb.ErrLimit, err)
	}
	return err
}
