// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/xdp/sweep"
	"github.com/xlb-project/xlb/maps"
)

// found is a connection and what it is found by.
type found struct {
	lb.Connection
	request maps.Request
}

// Connections lists those whose time has not passed: established ones, and
// half-open ones. What comes or goes while it lists may
// be there or not.
func (e *Engine) Connections(ctx context.Context, filter lb.ConnFilter) iter.Seq2[lb.Connection, error] {
	return func(yield func(lb.Connection, error) bool) {
		for f, err := range e.find(ctx, filter) {
			if !yield(f.Connection, err) {
				return
			}
		}
	}
}

// find walks both tables, the half-open one first: a connection that moves on
// meanwhile is then seen in it, or in the other one, and not missed. Those that
// were seen are remembered, so as not to be listed twice.
func (e *Engine) find(ctx context.Context, filter lb.ConnFilter) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		x, err := e.expiry()
		if err != nil {
			yield(found{}, err)
			return
		}
		seen := make(map[maps.Tuple]bool)
		for _, halfOpen := range []bool{true, false} {
			for entry, err := range e.table(halfOpen).All() {
				if err = errors.Join(err, ctx.Err()); err != nil {
					yield(found{}, fmt.Errorf("listing connections: %w", err))
					return
				}
				f, ok := e.match(entry, halfOpen, x, filter)
				if !ok || seen[entry.Key] {
					continue
				}
				if halfOpen {
					seen[entry.Key] = true
				}
				if !yield(f, nil) {
					return
				}
			}
		}
	}
}

// match makes a connection of a request half, if the filter wants it. Its time
// is worked out last, for that needs the other half.
func (e *Engine) match(c maps.ConnEntry, halfOpen bool, x sweep.Expiry, filter lb.ConnFilter) (found, bool) {
	if !c.Request() || c.State >= maps.StateMax {
		return found{}, false
	}
	f := found{
		Connection: lb.Connection{
			Service: tupleKey(c.Key),
			Client:  c.Key.Src,
			Real:    c.Dst,
			Method:  lbMethod(c.Method),
			State:   c.State.String(),
		},
		request: maps.Request{Key: c.Key, HalfOpen: halfOpen},
	}
	if !filter.Match(f.Connection) {
		return found{}, false
	}
	reply, err := e.table(halfOpen).Lookup(c.Partner())
	if err != nil {
		reply = c.Conn
	}
	f.Expires = x.Remaining(c.Conn, reply)
	return f, f.Expires > 0
}

// expiry says which connections have had their time, at this moment.
func (e *Engine) expiry() (sweep.Expiry, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.open(); err != nil {
		return sweep.Expiry{}, err
	}
	x, err := sweep.Over(e.maps).Expiry()
	if err != nil {
		return x, fmt.Errorf("reading the data path's clock: %w", err)
	}
	return x, nil
}

func (e *Engine) table(halfOpen bool) *maps.ConnTable {
	if halfOpen {
		return e.maps.HalfOpen
	}
	return e.maps.Established
}
