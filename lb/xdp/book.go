// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/slots"
	"github.com/xlb-project/xlb/lb/xdp/internal/ids"
	xmaps "github.com/xlb-project/xlb/maps"
)

// realKey is what a real server is found by again, within its virtual server,
// with its counts and connections.
type realKey struct {
	addr   netip.AddrPort
	method xmaps.Method
}

func keyOf(r xmaps.Real) realKey { return realKey{r.Addr, r.Method} }

// service is a virtual server in the book.
type service struct {
	id  uint32
	key lb.ServiceKey // zero: it was removed, and nobody remembers what it was
	// live: packets find it. If not, it waits for its real servers' connections.
	live  bool
	reals map[realKey]uint32 // retired ones included, a live one before a retired one
	ids   map[uint32]bool    // all of its real servers
	owned xmaps.SlotRange    // its part of the slots; no cursor
}

// ownedReal is where a real server stands in the book.
type ownedReal struct {
	service *service
	key     realKey
}

// book is what the engine remembers of the maps, so that a change need not read
// all of them: which numbers belong to what. Values are in the maps alone.
type book struct {
	byKey      map[lb.ServiceKey]*service
	byID       map[uint32]*service
	owner      map[uint32]ownedReal // by real server
	retired    map[uint32]time.Time // real servers, since when
	serviceIDs *ids.Pool
	realIDs    *ids.Pool
	ranges     *slots.Allocator
}

func newBook(set *xmaps.Set) *book {
	return &book{
		byKey:      make(map[lb.ServiceKey]*service),
		byID:       make(map[uint32]*service),
		owner:      make(map[uint32]ownedReal),
		retired:    make(map[uint32]time.Time),
		serviceIDs: ids.NewPool(set.Services.Len()),
		realIDs:    ids.NewPool(set.Reals.Len()),
		ranges:     slots.NewAllocator(set.Slots.Len(), slotRest, time.Now),
	}
}

// add notes a virtual server under its number.
func (b *book) add(id uint32, key lb.ServiceKey, live bool) *service {
	s := &service{id: id, key: key, live: live, reals: make(map[realKey]uint32), ids: make(map[uint32]bool)}
	b.byID[id] = s
	if key != (lb.ServiceKey{}) {
		b.byKey[key] = s
	}
	return s
}

// addReal notes a real server of a virtual server, after retired says whether
// it is. It is found by its key, unless a live one has that already.
func (b *book) addReal(s *service, key realKey, id uint32) {
	s.ids[id] = true
	_, retired := b.retired[id]
	if _, taken := s.reals[key]; !taken || !retired {
		s.reals[key] = id
	}
	b.owner[id] = ownedReal{s, key}
}

// forgetReal removes a real server, and returns its virtual server; nil if it
// is not in the book.
func (b *book) forgetReal(id uint32, now time.Time) *service {
	o, ok := b.owner[id]
	if !ok {
		return nil
	}
	delete(b.owner, id)
	delete(b.retired, id)
	delete(o.service.ids, id)
	if o.service.reals[o.key] == id {
		delete(o.service.reals, o.key)
	}
	b.realIDs.Return(id, now)
	return o.service
}

// forget removes a virtual server that has no real servers left.
func (b *book) forget(s *service, now time.Time) {
	delete(b.byID, s.id)
	if b.byKey[s.key] == s {
		delete(b.byKey, s.key)
	}
	b.serviceIDs.Return(s.id, now)
}

// vips are the addresses of the virtual servers that packets find.
func (b *book) vips() []netip.Addr {
	var out []netip.Addr
	for _, s := range b.byID {
		if s.live {
			out = append(out, s.key.Addr.Addr())
		}
	}
	return out
}

// natAddrs are the addresses of NAT real servers; retired ones included, whose
// answers are still to be rewritten.
func (b *book) natAddrs() []netip.Addr {
	var out []netip.Addr
	for _, o := range b.owner {
		if o.key.method == xmaps.MethodNAT {
			out = append(out, o.key.addr.Addr())
		}
	}
	return out
}

func sortedKeys[V any](m map[uint32]V) []uint32 { return slices.Sorted(maps.Keys(m)) }
