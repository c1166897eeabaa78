// SPDX-License-Identifier: Apache-2.0

package lbtest

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/xlb-project/xlb/lb"
)

// connKey is what a connection is found by.
type connKey struct {
	service lb.ServiceKey
	client  netip.AddrPort
}

// conn is a connection, and when it ends.
type conn struct {
	lb.Connection
	until time.Time
}

// Counters counts the connections; nothing sends packets through a fake.
func (f *Fake) Counters(context.Context) (lb.Counters, error) {
	unlock, err := f.begin(Call{Method: "Counters"})
	defer unlock()
	if err != nil {
		return lb.Counters{}, err
	}
	f.expire()
	c := lb.Counters{
		Services:    map[lb.ServiceKey]lb.ServiceCounters{},
		Reasons:     map[string]uint64{},
		Established: lb.Usage{Used: len(f.conns), Capacity: f.features.MaxConnections},
	}
	for _, svc := range f.state.Services {
		reals := map[netip.AddrPort]lb.RealCounters{}
		for _, r := range svc.Reals {
			reals[r.Addr] = f.load(lb.RealKey{Service: svc.ServiceKey, Real: r.Addr})
		}
		c.Services[svc.ServiceKey] = lb.ServiceCounters{Reals: reals}
	}
	return c, nil
}

// load counts the connections of one real server.
func (f *Fake) load(key lb.RealKey) (n lb.RealCounters) {
	for _, c := range f.conns {
		switch {
		case c.Service != key.Service || c.Real != key.Real:
		case c.Active():
			n.Active++
		default:
			n.Inactive++
		}
	}
	return n
}

// Connections lists them in order.
func (f *Fake) Connections(_ context.Context, filter lb.ConnFilter) iter.Seq2[lb.Connection, error] {
	return func(yield func(lb.Connection, error) bool) {
		list, err := f.list(filter)
		if err != nil {
			yield(lb.Connection{}, err)
			return
		}
		for _, c := range list {
			if !yield(c, nil) {
				return
			}
		}
	}
}

func (f *Fake) list(filter lb.ConnFilter) ([]lb.Connection, error) {
	unlock, err := f.begin(Call{Method: "Connections", Filter: filter})
	defer unlock()
	if err != nil {
		return nil, err
	}
	f.expire()
	var list []lb.Connection
	for _, c := range f.conns {
		if filter.Match(c.Connection) {
			c.Expires = time.Until(c.until)
			list = append(list, c.Connection)
		}
	}
	slices.SortFunc(list, lb.Connection.Compare)
	return list, nil
}

// Restore leaves out connections of servers that are not there, and those whose
// state has no name that ipvsadm prints.
func (f *Fake) Restore(_ context.Context, conns iter.Seq[lb.Connection]) (int, error) {
	unlock, err := f.begin(Call{Method: "Restore"})
	defer unlock()
	if err != nil {
		return 0, err
	}
	n := 0
	for c := range conns {
		svc, _ := f.state.Find(c.Service)
		_, known := f.state.Timeouts.Of(c.State)
		if svc.Index(c.Real) < 0 || !known || c.Expires <= 0 {
			continue
		}
		key := connKey{c.Service, c.Client}
		_, there := f.conns[key]
		if limit := f.features.MaxConnections; !there && limit > 0 && len(f.conns) >= limit {
			return n, fmt.Errorf("restoring connections: %d: %w", limit, lb.ErrLimit)
		}
		f.conns[key] = conn{c, time.Now().Add(c.Expires)}
		n++
	}
	return n, nil
}

// Cut removes connections.
func (f *Fake) Cut(_ context.Context, filter lb.ConnFilter, mode lb.CutMode) (int, error) {
	unlock, err := f.begin(Call{Method: "Cut", Filter: filter})
	defer unlock()
	if err != nil {
		return 0, err
	}
	if mode != lb.Forget {
		return 0, fmt.Errorf("cutting connections by %s: %w", mode, lb.ErrUnsupported)
	}
	f.expire()
	before := len(f.conns)
	maps.DeleteFunc(f.conns, func(_ connKey, c conn) bool { return filter.Match(c.Connection) })
	return before - len(f.conns), nil
}

// expire removes what is over.
func (f *Fake) expire() {
	now := time.Now()
	maps.DeleteFunc(f.conns, func(_ connKey, c conn) bool { return !now.Before(c.until) })
}
