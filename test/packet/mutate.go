// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"bytes"
	"iter"
)

// Truncate returns a copy of the first n bytes of frame (of all of it when it is shorter).
func Truncate(frame []byte, n int) []byte { return bytes.Clone(frame[:min(n, len(frame))]) }

// Truncations yields every proper prefix of frame, the empty one first, each in a buffer of its own.
func Truncations(frame []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for n := range frame {
			if !yield(Truncate(frame, n)) {
				return
			}
		}
	}
}

// FlipBit returns a copy of frame with one bit inverted; bit 0 is the most significant bit of the first byte.
func FlipBit(frame []byte, bit int) []byte {
	out := bytes.Clone(frame)
	out[bit/8] ^= 0x80 >> (bit % 8)
	return out
}

// Set returns a copy of frame with the bytes at offset replaced. No checksum is mended.
func Set(frame []byte, offset int, with ...byte) []byte {
	out := bytes.Clone(frame)
	if offset+len(with) > len(out) {
		panic("packet.Set: beyond the end of the frame")
	}
	copy(out[offset:], with)
	return out
}

// Pad returns a copy of frame filled up with zeros to n bytes (60 is Ethernet's minimum, without the frame check sequence).
func Pad(frame []byte, n int) []byte {
	out := make([]byte, max(n, len(frame)))
	copy(out, frame)
	return out
}
