// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"testing"
	"unsafe"

	"github.com/xlb-project/xlb/bpf"
)

// fuzzDecoder feeds raw value bytes to a decoder: it must not panic, and what
// it makes of them must survive being written and read again.
func fuzzDecoder[W any, T comparable](f *testing.F, decode func(W) T, encode func(T) (W, error)) {
	size := int(unsafe.Sizeof(*new(W)))
	f.Add(make([]byte, size))
	ones := make([]byte, size)
	for i := range ones {
		ones[i] = 0xff
	}
	f.Add(ones)
	f.Fuzz(func(t *testing.T, b []byte) {
		var w W
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&w)), size), b)
		first := decode(w)
		again, err := encode(first)
		if err != nil {
			t.Fatalf("%+v cannot be written: %v", first, err)
		}
		if second := decode(again); second != first {
			t.Fatalf("%+v became %+v", first, second)
		}
	})
}

// total makes an encoder that cannot fail one that could.
func total[T, W any](encode func(T) W) func(T) (W, error) {
	return func(v T) (W, error) { return encode(v), nil }
}

func FuzzTuple(f *testing.F)      { fuzzDecoder(f, decodeTuple, encodeTuple) }
func FuzzConn(f *testing.F)       { fuzzDecoder(f, decodeConn, encodeConn) }
func FuzzServiceKey(f *testing.F) { fuzzDecoder(f, decodeServiceKey, encodeServiceKey) }
func FuzzService(f *testing.F)    { fuzzDecoder(f, decodeService, encodeService) }
func FuzzSlotWord(f *testing.F)   { fuzzDecoder(f, UnpackSlots, total(SlotRange.Pack)) }
func FuzzReal(f *testing.F)       { fuzzDecoder(f, decodeReal, total(encodeReal)) }
func FuzzHop(f *testing.F)        { fuzzDecoder(f, decodeHop, total(encodeHop)) }
func FuzzGateway(f *testing.F)    { fuzzDecoder(f, decodeGateway, encodeGateway) }
func FuzzPort(f *testing.F)       { fuzzDecoder(f, decodePort, total(encodePort)) }
func FuzzIdentity(f *testing.F)   { fuzzDecoder(f, decodeIdentity, total(encodeIdentity)) }

func FuzzLoad(f *testing.F) {
	fuzzDecoder(f, decodeLoad, total(func(l Load) bpf.LbRealLoad {
		return bpf.LbRealLoad{Active: l.Active, Inactive: l.Inactive, HalfOpen: l.HalfOpen, Total: l.Total}
	}))
}

func FuzzNextHop(f *testing.F) {
	fuzzDecoder(f, decodeNextHop, total(func(n NextHop) (v bpf.LbNextHop) {
		words, family := addr16(n.Target)
		v.Target, v.Family, v.Checked = words, uint32(family), uint32(n.Checked)
		v.Word = uint64(n.Changes) * hopChange
		if n.Resolved {
			v.Word |= hopResolved
		}
		v.Copy[0] = encodeHop(n.Hop)
		return v
	}))
}
