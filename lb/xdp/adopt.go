// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"errors"
	"slices"
	"time"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/maps"
)

// adopt makes the book of what the maps hold, and brings to an end what another
// engine was doing when it died. What a virtual server's slots name is what
// counts: a real server that is named and retired was about to go, or has just
// come; one that has a weight and is not named was being quiesced, or was about
// to be taken in again; one whose virtual server has no key goes with it.
func (e *Engine) adopt() error {
	e.book = newBook(e.maps)
	a := adoption{e: e, now: time.Now(), reals: make(map[uint32][]uint32), records: make(map[uint32]maps.Real), torn: make(map[uint32]bool)}
	if err := a.readServices(); err != nil {
		return err
	}
	a.readReals()
	if err := a.nameTheRemoved(); err != nil {
		return err
	}
	var errs []error
	for _, id := range sortedKeys(e.book.byID) {
		errs = append(errs, a.mend(e.book.byID[id]))
	}
	errs = append(errs, e.writeOurs())
	// The engine that retired them ended long ago, as packets count time.
	e.freeIdle(a.now)
	return errors.Join(errs...)
}

// adoption is an adopt under way.
type adoption struct {
	e       *Engine
	now     time.Time
	records map[uint32]maps.Real // by real server
	reals   map[uint32][]uint32  // real servers by virtual server
	torn    map[uint32]bool      // virtual servers whose slots cannot be read
}

// readServices notes the virtual servers that packets find, and their slots.
func (a *adoption) readServices() error {
	b := a.e.book
	for entry, err := range a.e.maps.Services4.All() {
		if err != nil {
			return err
		}
		record, err := a.e.maps.Services.Get(entry.ID)
		if err != nil {
			return err
		}
		b.serviceIDs.Adopt(entry.ID)
		s := b.add(entry.ID, lbKey(entry.Key), true)
		if r := record.Slots; r.Valid(a.e.maps.Slots.Len()) && b.ranges.Reserve(r.Base, r.Length) == nil {
			s.owned = maps.SlotRange{Base: record.Slots.Base, Length: record.Slots.Length}
		} else {
			a.torn[entry.ID] = true
		}
	}
	return nil
}

// readReals notes the real servers. Those of a virtual server without a key
// make one in the book that is not live.
func (a *adoption) readReals() {
	b := a.e.book
	for id, r := range a.e.maps.Reals.All() {
		b.realIDs.Adopt(id)
		a.records[id] = r
		a.reals[r.Service] = append(a.reals[r.Service], id)
		if b.byID[r.Service] == nil {
			b.serviceIDs.Adopt(r.Service)
			b.add(r.Service, lb.ServiceKey{}, false)
		}
	}
}

// nameTheRemoved finds out which virtual servers those without a key were, from
// the connections that they still have: added again they find them.
func (a *adoption) nameTheRemoved() error {
	b := a.e.book
	nameless := 0
	for _, s := range b.byID {
		if s.key == (lb.ServiceKey{}) {
			nameless++
		}
	}
	if nameless == 0 {
		return nil
	}
	for c, err := range a.e.maps.Established.All() {
		if err != nil {
			return err
		}
		s := b.byID[c.Service]
		key := tupleKey(c.Key)
		if s == nil || s.key != (lb.ServiceKey{}) || !c.Request() || b.byKey[key] != nil {
			continue
		}
		s.key = key
		b.byKey[key] = s
		if nameless--; nameless == 0 {
			break
		}
	}
	return nil
}

// mend makes one virtual server whole.
func (a *adoption) mend(s *service) error {
	named := a.named(s)
	var live []plannedReal
	var errs []error
	for _, id := range a.reals[s.id] {
		r := a.records[id]
		retired := a.retired(s, id, named)
		if retired != r.Retired {
			errs = append(errs, a.e.maps.Reals.SetRetired(id, retired))
		}
		if !retired && r.Weight > 0 && !a.torn[s.id] && !slices.Contains(named, id) {
			r.Weight = 0
			errs = append(errs, a.e.maps.Reals.SetWeight(id, 0))
		}
		if retired {
			a.e.book.retired[id] = a.now
		} else {
			live = append(live, plannedReal{id: id, want: r})
		}
		a.e.book.addReal(s, keyOf(r), id)
		errs = append(errs, a.mendHop(id, r))
	}
	if !s.live {
		return errors.Join(errs...)
	}
	return errors.Join(append(errs, a.mendSlots(s, live))...)
}

// named are the real servers that a virtual server's slots name.
func (a *adoption) named(s *service) []uint32 {
	named, err := a.e.maps.Slots.Read(s.owned)
	if err != nil {
		return nil
	}
	return named
}

// retired decides whether a real server is.
func (a *adoption) retired(s *service, id uint32, named []uint32) bool {
	return !s.live || a.records[id].Retired && !slices.Contains(named, id)
}

// mendSlots builds the slots anew if they do not say what they should.
func (a *adoption) mendSlots(s *service, live []plannedReal) error {
	record, err := a.e.maps.Services.Get(s.id)
	if err != nil {
		return err
	}
	scheduler, known := roundsOf(record.Scheduler)
	if !known {
		return nil // of another version; whoever desires something will say what
	}
	slices.SortStableFunc(live, func(x, y plannedReal) int { return int(x.want.Order) - int(y.want.Order) })
	choices := choose(scheduler, live)
	if a.e.saysSo(s, record.Slots, choices) {
		return nil
	}
	to, err := a.e.takeRange(len(choices))
	if err != nil {
		return in(s.key, err)
	}
	if err := a.e.maps.Slots.Write(to.Base, choices); err != nil {
		return err
	}
	if err := a.e.swapSlots(s, scheduler, to, choices); err != nil {
		return err
	}
	a.e.giveRange(s.owned)
	s.owned = to
	return nil
}

// mendHop gives a real server a next hop if it has none, or one that leads
// elsewhere.
func (a *adoption) mendHop(id uint32, r maps.Real) error {
	hop, err := a.e.maps.NextHops.Get(r.NextHop)
	if err == nil && r.NextHop != 0 && hop.Target == r.Addr.Addr() {
		return nil
	}
	claimed, err := a.e.hops.Claim(r.Addr.Addr())
	if err != nil {
		return limit(err)
	}
	if !hop.Free() {
		a.e.release(r.NextHop) // it counted this one as referring
	}
	return a.e.maps.Reals.SetNextHop(id, claimed)
}
