// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/maps"
)

// State reads back what the maps hold, and nothing else: a virtual server that
// somebody else changed shows.
func (e *Engine) State(context.Context) (lb.State, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.open(); err != nil {
		return lb.State{}, err
	}
	var s lb.State
	var err error
	if s.Services, err = e.readServices(); err != nil {
		return lb.State{}, fmt.Errorf("reading the virtual servers: %w", err)
	}
	if s.Gates, err = e.gates(); err != nil {
		return lb.State{}, fmt.Errorf("reading the gates: %w", err)
	}
	if s.Timeouts, err = e.timeouts(); err != nil {
		return lb.State{}, fmt.Errorf("reading the timeouts: %w", err)
	}
	s.Sort()
	return s, nil
}

func (e *Engine) readServices() ([]lb.Service, error) {
	reals := e.readReals()
	var out []lb.Service
	for entry, err := range e.maps.Services4.All() {
		if err != nil {
			return nil, err
		}
		record, err := e.maps.Services.Get(entry.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, lb.Service{
			ServiceKey: lbKey(entry.Key),
			Scheduler:  lbScheduler(record.Scheduler),
			Instance:   lb.Instance(record.Instance),
			Owner:      lb.Owner(record.Owner),
			Reals:      lbReals(reals[entry.ID]),
		})
	}
	return out, nil
}

// readReals groups the real servers that are not retired by virtual server.
func (e *Engine) readReals() map[uint32][]maps.Real {
	byService := make(map[uint32][]maps.Real)
	for _, r := range e.maps.Reals.All() {
		if !r.Retired {
			byService[r.Service] = append(byService[r.Service], r)
		}
	}
	return byService
}

// lbReals puts real servers into their virtual server's order.
func lbReals(records []maps.Real) []lb.Real {
	slices.SortStableFunc(records, func(a, b maps.Real) int { return cmp.Compare(a.Order, b.Order) })
	var out []lb.Real
	for _, r := range records {
		out = append(out, lb.Real{Addr: r.Addr, Method: lbMethod(r.Method), Weight: int(r.Weight)})
	}
	return out
}
