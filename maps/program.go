// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"errors"

	"github.com/cilium/ebpf"
)

// ProgramSlot is where the dispatcher on every interface finds the active
// program. With the slot empty the dispatcher passes every packet.
type ProgramSlot struct {
	name string
	m    *ebpf.Map
}

// Fill makes a program the active one, in place of any other, between two
// packets.
func (s *ProgramSlot) Fill(p *ebpf.Program) error {
	return mapError(s.name, s.m.Put(uint32(0), p))
}

// Empty takes the active program away. It waits for packets that are in it,
// about 12 ms. Emptying an empty slot is harmless.
func (s *ProgramSlot) Empty() error {
	err := s.m.Delete(uint32(0))
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return nil
	}
	return mapError(s.name, err)
}

// Active is the id of the active program; [ErrNotFound] if the slot is empty.
func (s *ProgramSlot) Active() (ebpf.ProgramID, error) {
	var id uint32
	err := s.m.Lookup(uint32(0), &id)
	return ebpf.ProgramID(id), mapError(s.name, err)
}
