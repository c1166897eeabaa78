// SPDX-License-Identifier: Apache-2.0

package maps

// Widths of a commit word's parts.
const (
	slotBaseBits   = 24
	slotLengthBits = 20
	slotCursorBits = 20

	// MaxSlots is the largest length of a slot range.
	MaxSlots = 1<<slotLengthBits - 1
)

// SlotRange names a virtual server's part of [Slots] and where rr and wrr
// stand in it. It is read and written as one word, so that a packet sees it
// whole.
type SlotRange struct {
	Base   uint32 // first slot
	Length uint32 // slots; 0: the virtual server has no usable real server
	Cursor uint32 // the next choice, from 0 to Length-1
}

// Pack gives the commit word. Bits that do not fit are cut off.
func (r SlotRange) Pack() uint64 {
	return uint64(r.Base)&(1<<slotBaseBits-1) |
		uint64(r.Length)&(1<<slotLengthBits-1)<<slotBaseBits |
		uint64(r.Cursor)&(1<<slotCursorBits-1)<<(slotBaseBits+slotLengthBits)
}

// UnpackSlots takes a commit word apart.
func UnpackSlots(w uint64) SlotRange {
	return SlotRange{
		Base:   uint32(w & (1<<slotBaseBits - 1)),
		Length: uint32(w >> slotBaseBits & (1<<slotLengthBits - 1)),
		Cursor: uint32(w >> (slotBaseBits + slotLengthBits)),
	}
}

// Valid says that the range lies within size slots and its cursor within it.
func (r SlotRange) Valid(size uint32) bool {
	return uint64(r.Base)+uint64(r.Length) <= uint64(size) && r.Base < 1<<slotBaseBits &&
		r.Length <= MaxSlots && (r.Cursor < r.Length || r.Length == 0 && r.Cursor == 0)
}
