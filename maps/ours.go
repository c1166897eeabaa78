// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"fmt"
	"net/netip"

	"github.com/xlb-project/xlb/bpf"
)

// OursKind chooses one of the two sets of addresses in [Ours].
type OursKind uint32

// The kinds.
const (
	OursVirtual OursKind = iota // virtual servers, compared with destinations
	OursReal                    // NAT real servers, compared with sources
)

// Ours says fast, and sometimes wrongly yes, whether an address belongs to a
// virtual server or to a NAT real server: one bit for each hash of an address.
// Packets whose addresses have no bit go up the stack at once.
type Ours struct {
	*mapped[bpf.LbBitmap]
}

// Add sets an address's bit.
func (o *Ours) Add(kind OursKind, a netip.Addr) error {
	word, bit, err := oursBit(a)
	if err != nil {
		return err
	}
	for {
		old, err := o.load(uint32(kind), word)
		if err != nil || old&bit != 0 {
			return err
		}
		if ok, err := o.swap(uint32(kind), word, old, old|bit); ok || err != nil {
			return err
		}
	}
}

// Has says whether the data path would take the address for ours.
func (o *Ours) Has(kind OursKind, a netip.Addr) (bool, error) {
	word, bit, err := oursBit(a)
	if err != nil {
		return false, err
	}
	v, err := o.load(uint32(kind), word)
	return v&bit != 0, err
}

// Replace makes the set hold these addresses and no others. Words that stay
// the same are not touched, so an address that was in and stays in is never
// missed.
func (o *Ours) Replace(kind OursKind, addrs []netip.Addr) error {
	want := make([]uint64, o.words)
	for _, a := range addrs {
		word, bit, err := oursBit(a)
		if err != nil {
			return err
		}
		want[word] |= bit
	}
	for word, v := range want {
		old, err := o.load(uint32(kind), word)
		if err != nil {
			return err
		}
		if old == v {
			continue
		}
		if err := o.store(uint32(kind), word, v); err != nil {
			return err
		}
	}
	return nil
}

// oursBit is where an address's bit is: the C side computes the same from the
// address as loaded from the packet.
func oursBit(a netip.Addr) (word int, bit uint64, err error) {
	v, err := addr4(a)
	if err != nil {
		return 0, 0, fmt.Errorf("map ours: %w", err)
	}
	h := v * 0x9E3779B1 >> 16
	return int(h >> 6), 1 << (h & 63), nil
}
