// SPDX-License-Identifier: Apache-2.0

package packet_test

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/test/packet"
)

func TestChecksumKnownAnswers(t *testing.T) {
	tests := map[string]struct {
		data string
		want uint16
	}{
		"nothing":                           {"", 0xffff},
		"the example of RFC 1071 section 3": {"0001 f203 f4f5 f6f7", 0x220d},
		"an odd byte is a high half":        {"01", 0xfeff},
		"a carry that carries again":        {"ffff 0001 ffff", 0xfffe},
		"all ones":                          {"ffff", 0},
		"a whole IPv4 header":               {"4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7", 0xb861},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := packet.Checksum(unhex(t, tt.data)); got != tt.want {
				t.Errorf("%#04x, want %#04x", got, tt.want)
			}
		})
	}
}

// The sum of data with its checksum is all ones, which is how a receiver verifies it; and parts are as good as the whole.
func TestChecksumProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		cut := rapid.IntRange(0, len(data)).Draw(t, "cut")
		sum := packet.Checksum(data)
		if got := packet.Checksum(data[:cut], nil, data[cut:]); got != sum {
			t.Fatalf("in two parts %#04x, in one %#04x", got, sum)
		}
		verified := packet.Checksum(binary.BigEndian.AppendUint16(nil, sum), data)
		if verified != 0 {
			t.Fatalf("with its checksum the data sums up to %#04x, not to zero", verified)
		}
	})
}
