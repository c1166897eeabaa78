// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"iter"
	"net/netip"

	"github.com/xlb-project/xlb/bpf"
)

// Real is a real server of one virtual server.
type Real struct {
	Addr    netip.AddrPort // zero: the record is free
	Method  Method
	Service uint32 // index into Services
	NextHop uint32 // index into NextHops; 0: not known
	Weight  uint32 // 0: takes no new connections
	Order   uint32 // place in the virtual server's list
	// Retired: removed, but connections refer to it still.
	Retired bool
}

// Free says that the record belongs to no real server.
func (r Real) Free() bool { return !r.Addr.IsValid() }

// realIdentity is the word of struct real that has port, family, method and
// virtual server: with it zero the record is free.
const realIdentity = 2

// Reals are the real servers by id. Id 0 is never used.
type Reals struct {
	*mapped[bpf.LbReal]
}

// Len is one more than the largest id.
func (r *Reals) Len() uint32 { return r.len() }

// Get reads a record, which may be free.
func (r *Reals) Get(id uint32) (Real, error) {
	v, err := r.get(id)
	return decodeReal(v), err
}

// Set writes a whole record, before a slot or a connection refers to it.
func (r *Reals) Set(id uint32, v Real) error { return r.put(id, encodeReal(v), realIdentity) }

// Clear frees a record that nothing refers to any more.
func (r *Reals) Clear(id uint32) error { return r.clear(id, realIdentity) }

// SetNextHop changes the next hop of a real server in use.
func (r *Reals) SetNextHop(id, hop uint32) error {
	return r.modify(id, func(v *bpf.LbReal) { v.NextHop = hop })
}

// SetWeight changes the weight of a real server in use.
func (r *Reals) SetWeight(id, weight uint32) error {
	return r.modify(id, func(v *bpf.LbReal) { v.Weight = weight })
}

// SetOrder changes the place of a real server in use.
func (r *Reals) SetOrder(id, order uint32) error {
	return r.modify(id, func(v *bpf.LbReal) { v.Order = order })
}

// SetRetired marks a real server as removed, or as back.
func (r *Reals) SetRetired(id uint32, retired bool) error {
	return r.modify(id, func(v *bpf.LbReal) { v.Retired = flag(retired) })
}

// All walks the real servers that are not free, retired ones included, by id.
// It stops early when the set is closed.
func (r *Reals) All() iter.Seq2[uint32, Real] {
	return func(yield func(uint32, Real) bool) {
		for id := uint32(1); id < r.len(); id++ {
			v, err := r.Get(id)
			if err != nil {
				return
			}
			if !v.Free() && !yield(id, v) {
				return
			}
		}
	}
}

func encodeReal(r Real) bpf.LbReal {
	words, family := addr16(r.Addr.Addr())
	return bpf.LbReal{
		Addr:    words,
		Port:    port16(r.Addr.Port()),
		Family:  family,
		Method:  uint8(r.Method),
		Service: r.Service,
		NextHop: r.NextHop,
		Weight:  r.Weight,
		Order:   r.Order,
		Retired: flag(r.Retired),
	}
}

func decodeReal(v bpf.LbReal) Real {
	r := Real{
		Method:  Method(v.Method),
		Service: v.Service,
		NextHop: v.NextHop,
		Weight:  v.Weight,
		Order:   v.Order,
		Retired: v.Retired != 0,
	}
	if a := fromAddr16(v.Addr, uint32(v.Family)); a.IsValid() {
		r.Addr = netip.AddrPortFrom(a, port16(v.Port))
	}
	return r
}

// flag is a truth value as the C side has them.
func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
