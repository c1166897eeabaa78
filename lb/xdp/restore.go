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

// Restore adds connections that another node or engine had. One that is here
// already stays as it is, and counts. Where its client is on the link, answers wait
// for the client's next packet, which tells where it is.
func (e *Engine) Restore(ctx context.Context, conns iter.Seq[lb.Connection]) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.changeable(); err != nil {
		return 0, err
	}
	x, err := sweep.Over(e.maps).Expiry()
	if err != nil {
		return 0, fmt.Errorf("reading the data path's clock: %w", err)
	}
	n := 0
	for c := range conns {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		added, err := e.restore(c, x)
		if err != nil {
			return n, fmt.Errorf("restoring the connection of %s to %s: %w", c.Client, c.Service, limit(err))
		}
		if added {
			n++
		}
	}
	return n, nil
}

// restore adds one connection, and says whether it is here now.
func (e *Engine) restore(c lb.Connection, x sweep.Expiry) (bool, error) {
	request, halfOpen, ok, err := e.restored(c, x)
	if !ok || err != nil {
		return false, err
	}
	reply := e.answering(request)
	table := e.table(halfOpen)
	if _, err := table.Lookup(request.Key); err == nil {
		return true, nil
	}
	if err := table.Insert(reply.Key, reply.Conn); err != nil {
		return false, unlessThere(err)
	}
	if err := table.Insert(request.Key, request.Conn); err != nil {
		return false, errors.Join(unlessThere(err), table.Delete(reply.Key))
	}
	return true, e.maps.Loads.Add(request.Real, loadOf(request.State, halfOpen))
}

// restored is the request half; false when the virtual or the real server is
// not here, or the state is none that can be restored.
func (e *Engine) restored(c lb.Connection, x sweep.Expiry) (entry maps.ConnEntry, halfOpen, ok bool, err error) {
	state, known := stateOf(c.State)
	s := e.book.byKey[c.Service]
	method, heardOf := mapsMethod(c.Method)
	if !heardOf || !known || s == nil || !s.live {
		return entry, false, false, nil
	}
	id, there := s.reals[realKey{c.Real, method}]
	if _, retired := e.book.retired[id]; !there || retired || !c.Client.Addr().Is4() {
		return entry, false, false, nil
	}
	real, err := e.maps.Reals.Get(id)
	if err != nil {
		return entry, false, false, err
	}
	entry.Key = maps.Tuple{Src: c.Client, Dst: c.Service.Addr, Proto: uint8(c.Service.Protocol)}
	entry.Conn = maps.Conn{
		Src:     c.Client,
		Dst:     c.Real,
		Service: s.id,
		Real:    id,
		Seen:    x.Seen(state, c.Expires),
		State:   state,
		NextHop: real.NextHop,
		Method:  method,
	}
	if entry.Seen == x.Now {
		entry.Seen-- // where the client is, only its first packet of a tick tells
	}
	entry.L3Delta, entry.L4Delta = deltas(entry.Key, entry.Src, entry.Dst)
	return entry, state == maps.StateSynRecv || state == maps.StateSynSent, true, nil
}

// answering is the reply half that goes with a request half.
func (e *Engine) answering(request maps.ConnEntry) maps.ConnEntry {
	reply := maps.ConnEntry{Key: request.Partner(), Conn: request.Conn}
	reply.Src, reply.Dst = request.Key.Dst, request.Key.Src
	reply.Flags = maps.FlagReply | maps.FlagInline
	reply.NextHop = 0
	if hop, ok := e.hops.Gateway(reply.Dst.Addr()); ok {
		reply.Flags, reply.NextHop = maps.FlagReply, hop
	}
	reply.L3Delta, reply.L4Delta = deltas(reply.Key, reply.Src, reply.Dst)
	return reply
}

// loadOf is what one connection more adds to its real server's counts.
func loadOf(state maps.ConnState, halfOpen bool) maps.Load {
	switch {
	case halfOpen:
		return maps.Load{HalfOpen: 1, Total: 1}
	case state.Active():
		return maps.Load{Active: 1, Total: 1}
	}
	return maps.Load{Inactive: 1, Total: 1}
}

// unlessThere makes no error of a tuple that another connection has: where the
// data path would choose another real server, there is nothing to restore.
func unlessThere(err error) error {
	if errors.Is(err, maps.ErrExists) {
		return nil
	}
	return err
}
