// SPDX-License-Identifier: Apache-2.0

package packet_test

import (
	"bytes"
	"testing"

	"github.com/xlb-project/xlb/test/packet"
)

// The helpers return copies: a test goes on to use its good frame.
func TestMutationsLeaveTheFrameAlone(t *testing.T) {
	frame := []byte{0x00, 0x11, 0x22, 0x33}
	tests := map[string]struct{ got, want []byte }{
		"truncate":                    {packet.Truncate(frame, 2), []byte{0x00, 0x11}},
		"truncate to nothing":         {packet.Truncate(frame, 0), []byte{}},
		"truncate beyond the end":     {packet.Truncate(frame, 9), frame},
		"flip the first bit":          {packet.FlipBit(frame, 0), []byte{0x80, 0x11, 0x22, 0x33}},
		"flip the last bit":           {packet.FlipBit(frame, 31), []byte{0x00, 0x11, 0x22, 0x32}},
		"set":                         {packet.Set(frame, 1, 0xaa, 0xbb), []byte{0x00, 0xaa, 0xbb, 0x33}},
		"pad":                         {packet.Pad(frame, 6), []byte{0x00, 0x11, 0x22, 0x33, 0, 0}},
		"pad what is long enough":     {packet.Pad(frame, 2), frame},
		"the last of its truncations": {last(packet.Truncations(frame)), frame[:3]},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if !bytes.Equal(tt.got, tt.want) {
				t.Errorf("got % x, want % x", tt.got, tt.want)
			}
			for i := range tt.got {
				tt.got[i] = 0xff
			}
			if !bytes.Equal(frame, []byte{0x00, 0x11, 0x22, 0x33}) {
				t.Errorf("the original changed: % x", frame)
			}
		})
	}
}

func TestTruncationsStopsWhenAsked(t *testing.T) {
	n := 0
	for range packet.Truncations(make([]byte, 10)) {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d rounds", n)
	}
}

func last(frames func(func([]byte) bool)) (frame []byte) {
	for f := range frames {
		frame = f
	}
	return frame
}
