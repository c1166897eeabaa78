// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/maps"
)

// Counters reads what the data path counts. Connections of retired real servers
// are in the usage of the tables, and nowhere else.
func (e *Engine) Counters(context.Context) (lb.Counters, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.open(); err != nil {
		return lb.Counters{}, err
	}
	c := lb.Counters{
		Services:    make(map[lb.ServiceKey]lb.ServiceCounters),
		Established: lb.Usage{Capacity: e.maps.Established.Capacity() / 2},
		HalfOpen:    lb.Usage{Capacity: e.maps.HalfOpen.Capacity() / 2},
		Drift:       e.drift,
	}
	reasons, err := e.maps.Reasons.Get()
	if err != nil {
		return lb.Counters{}, fmt.Errorf("reading the counters: %w", err)
	}
	c.Reasons = reasons.ByName()
	byID, err := e.serviceCounters(&c)
	if err == nil {
		err = e.realCounters(&c, byID)
	}
	if err != nil {
		return lb.Counters{}, fmt.Errorf("reading the counters: %w", err)
	}
	return c, nil
}

// serviceCounters adds each virtual server, and returns their keys by id.
func (e *Engine) serviceCounters(c *lb.Counters) (map[uint32]lb.ServiceKey, error) {
	byID := make(map[uint32]lb.ServiceKey)
	for entry, err := range e.maps.Services4.All() {
		if err != nil {
			return nil, err
		}
		traffic, err := e.maps.ServiceCounters.Get(entry.ID)
		if err != nil {
			return nil, err
		}
		key := lbKey(entry.Key)
		byID[entry.ID] = key
		c.Services[key] = lb.ServiceCounters{Traffic: lbTraffic(traffic), Reals: make(map[netip.AddrPort]lb.RealCounters)}
	}
	return byID, nil
}

// realCounters adds each real server.
func (e *Engine) realCounters(c *lb.Counters, byID map[uint32]lb.ServiceKey) error {
	for id, r := range e.maps.Reals.All() {
		load, err := e.maps.Loads.Get(id)
		if err != nil {
			return err
		}
		c.Established.Used += int(max(load.Active+load.Inactive, 0))
		c.HalfOpen.Used += int(max(load.HalfOpen, 0))
		key, served := byID[r.Service]
		if r.Retired || !served {
			continue
		}
		if c.Services[key].Reals[r.Addr], err = e.oneReal(id, load); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) oneReal(id uint32, load maps.Load) (lb.RealCounters, error) {
	traffic, err := e.maps.RealCounters.Get(id)
	return lb.RealCounters{
		Traffic:  lbTraffic(traffic),
		Active:   load.Active,
		Inactive: load.Inactive,
		HalfOpen: load.HalfOpen,
	}, err
}

// Zero sets the counters of one virtual server and its real servers to zero,
// nil: of all of them, and the reasons ("ipvsadm -Z"). Counts of connections
// stay. [maps.ErrNotFound] if there is no such virtual server.
func (e *Engine) Zero(_ context.Context, key *lb.ServiceKey) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.changeable(); err != nil {
		return err
	}
	if key != nil {
		id, err := e.maps.Services4.Lookup(mapsKey(*key))
		if err != nil {
			return fmt.Errorf("virtual server %s: %w", key, err)
		}
		return e.zeroService(id)
	}
	for entry, err := range e.maps.Services4.All() {
		if err != nil {
			return err
		}
		if err := e.zeroService(entry.ID); err != nil {
			return err
		}
	}
	return e.maps.Reasons.Zero()
}

func (e *Engine) zeroService(id uint32) error {
	if err := e.maps.ServiceCounters.Zero(id); err != nil {
		return err
	}
	s := e.book.byID[id]
	if s == nil {
		return nil
	}
	var errs []error
	for real := range s.ids {
		errs = append(errs, e.maps.RealCounters.Zero(real))
	}
	return errors.Join(errs...)
}
