// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"fmt"

	"github.com/xlb-project/xlb/bpf"
)

// Slots are what schedulers index: each place names the real server that it
// chooses. A virtual server owns a range, named by its [SlotRange]; only
// ranges that no commit word names may be written.
type Slots struct {
	*mapped[bpf.LbSlot]
}

// Len is the number of slots.
func (s *Slots) Len() uint32 { return s.len() }

// Write fills slots from base on with ids of real servers.
func (s *Slots) Write(base uint32, reals []uint32) error {
	if uint64(base)+uint64(len(reals)) > uint64(s.len()) {
		return fmt.Errorf("map %s: %d slots from %d, of %d: %w", s.name, len(reals), base, s.len(), ErrRange)
	}
	for i, real := range reals {
		if err := s.put(base+uint32(i), bpf.LbSlot{Real: real}, 0); err != nil {
			return err
		}
	}
	return nil
}

// Read gives the ids of real servers in a range.
func (s *Slots) Read(r SlotRange) ([]uint32, error) {
	if uint64(r.Base)+uint64(r.Length) > uint64(s.len()) {
		return nil, fmt.Errorf("map %s: %d slots from %d, of %d: %w", s.name, r.Length, r.Base, s.len(), ErrRange)
	}
	reals := make([]uint32, r.Length)
	for i := range reals {
		v, err := s.get(r.Base + uint32(i))
		if err != nil {
			return nil, err
		}
		reals[i] = v.Real
	}
	return reals, nil
}
