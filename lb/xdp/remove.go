// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"errors"
	"time"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/slots"
	"github.com/xlb-project/xlb/maps"
)

// remove takes a virtual server away. Connections go on; the numbers stay taken
// until none refers to them.
func (e *Engine) remove(key lb.ServiceKey) error {
	if err := e.maps.Services4.Delete(mapsKey(key)); err != nil && !errors.Is(err, maps.ErrNotFound) {
		return err
	}
	s, ok := e.book.byKey[key]
	if !ok || !s.live {
		return nil
	}
	s.live = false
	now := time.Now()
	errs := []error{e.closeSlots(s)}
	for _, id := range sortedKeys(s.ids) {
		if _, already := e.book.retired[id]; !already {
			errs = append(errs, e.retire(id, now))
		}
	}
	errs = append(errs, e.maps.Ours.Replace(maps.OursVirtual, e.book.vips()))
	if len(s.ids) == 0 {
		errs = append(errs, e.freeService(s, now))
	}
	return errors.Join(errs...)
}

// closeSlots empties a virtual server, for packets that found it just before.
func (e *Engine) closeSlots(s *service) error {
	if err := e.swapSlots(s, slots.RoundRobin{}, maps.SlotRange{}, nil); err != nil {
		return err
	}
	e.giveRange(s.owned)
	s.owned = maps.SlotRange{}
	return nil
}

// retire marks a real server that no slot names any more.
func (e *Engine) retire(id uint32, now time.Time) error {
	e.book.retired[id] = now
	return e.maps.Reals.SetRetired(id, true)
}

// freeReal frees a retired real server that no connection refers to, and its
// virtual server with it if that is gone and this was its last.
func (e *Engine) freeReal(id uint32, now time.Time) error {
	r, err := e.maps.Reals.Get(id)
	if err != nil {
		return err
	}
	err = errors.Join(e.maps.Reals.Clear(id), e.maps.Loads.Clear(id))
	e.release(r.NextHop)
	if s := e.book.forgetReal(id, now); s != nil && !s.live && len(s.ids) == 0 {
		err = errors.Join(err, e.freeService(s, now))
	}
	return err
}

// freeIdle frees what was retired before a moment and counts no connection, and
// says whether there was any. A sweep knows better, for it looks at the
// connections themselves; this is for where there is none, and for when numbers
// run out.
func (e *Engine) freeIdle(before time.Time) bool {
	now, freed := time.Now(), false
	for _, id := range sortedKeys(e.book.retired) {
		load, err := e.maps.Loads.Get(id)
		if err == nil && load.Idle() && !e.book.retired[id].After(before) {
			e.tell(e.freeReal(id, now))
			freed = true
		}
	}
	if freed {
		e.tell(e.writeOurs())
	}
	return freed
}

// freeService frees a virtual server that was removed and whose real servers
// are all freed.
func (e *Engine) freeService(s *service, now time.Time) error {
	e.giveRange(s.owned)
	e.book.forget(s, now)
	return e.maps.Services.Clear(s.id)
}

// release lets go of a real server's next hop.
func (e *Engine) release(hop uint32) {
	if hop != 0 {
		e.tell(e.hops.Release(hop))
	}
}

// writeOurs makes the bitmaps hold the addresses that count, and no others.
func (e *Engine) writeOurs() error {
	return errors.Join(
		e.maps.Ours.Replace(maps.OursVirtual, e.book.vips()),
		e.maps.Ours.Replace(maps.OursReal, e.book.natAddrs()),
	)
}
