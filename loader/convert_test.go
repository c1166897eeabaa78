// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/bpf"
)

// number is an integer type of so many bytes.
func number(size uint32) *btf.Int { return &btf.Int{Name: "number", Size: size} }

func signed(size uint32) *btf.Int {
	return &btf.Int{Name: "signed", Size: size, Encoding: btf.Signed}
}

// structure makes a struct of members one after the other.
func structure(members ...btf.Member) *btf.Struct {
	s := &btf.Struct{Name: "s", Members: members}
	for i := range s.Members {
		size, err := btf.Sizeof(s.Members[i].Type)
		if err != nil {
			panic(err)
		}
		s.Members[i].Offset = btf.Bits(8 * s.Size)
		s.Size += uint32(size)
	}
	return s
}

func member(name string, t btf.Type) btf.Member { return btf.Member{Name: name, Type: t} }

func array(n uint32, t btf.Type) *btf.Array { return &btf.Array{Nelems: n, Type: t, Index: number(4)} }

// convert applies a converter between two types.
func convert(t *testing.T, old, new btf.Type, src []byte) []byte {
	t.Helper()
	oldSize, err := btf.Sizeof(old)
	check(t, err)
	newSize, err := btf.Sizeof(new)
	check(t, err)
	c, err := newConverter(old, new, oldSize, newSize)
	check(t, err)
	dst := slices.Repeat([]byte{0xEE}, newSize)
	c.apply(dst, src)
	return dst
}

func native(values ...any) (b []byte) {
	for _, v := range values {
		b, _ = binary.Append(b, binary.NativeEndian, v)
	}
	return b
}

func TestConvert(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old, new btf.Type
		src, dst []byte
	}{
		{
			"same", structure(member("a", number(4)), member("b", number(2))), structure(member("a", number(4)), member("b", number(2))),
			native(uint32(1), uint16(2)), native(uint32(1), uint16(2)),
		},
		{
			"moved", structure(member("a", number(4)), member("b", number(2))), structure(member("b", number(2)), member("a", number(4))),
			native(uint32(1), uint16(2)), native(uint16(2), uint32(1)),
		},
		{
			"added and dropped", structure(member("a", number(4)), member("gone", number(4))), structure(member("new", number(8)), member("a", number(4))),
			native(uint32(1), uint32(9)), native(uint64(0), uint32(1)),
		},
		{
			"widened", structure(member("a", number(2)), member("b", number(1))), structure(member("a", number(8)), member("b", number(4))),
			native(uint16(0xfffe), uint8(0xff)), native(uint64(0xfffe), uint32(0xff)),
		},
		{
			"widened with sign", structure(member("a", signed(2)), member("b", signed(1)), member("c", signed(4))),
			structure(member("a", signed(8)), member("b", signed(2)), member("c", signed(8))),
			native(int16(-2), int8(-3), int32(7)), native(int64(-2), int16(-3), int64(7)),
		},
		{
			"padding", structure(member("a", number(1)), member("pad", array(3, number(1)))), structure(member("pad", array(3, number(1))), member("a", number(1))),
			[]byte{5, 9, 9, 9}, []byte{0, 0, 0, 5},
		},
		{
			"longer array", structure(member("a", array(2, number(2)))), structure(member("a", array(4, number(2)))),
			native(uint16(1), uint16(2)), native(uint16(1), uint16(2), uint16(0), uint16(0)),
		},
		{
			"array of structs", structure(member("a", array(2, structure(member("x", number(1)), member("y", number(1)))))),
			structure(member("a", array(2, structure(member("y", number(1)), member("z", number(2)), member("x", number(1)))))),
			[]byte{1, 2, 3, 4}, []byte{2, 0, 0, 1, 4, 0, 0, 3},
		},
		{
			"typedefs", &btf.Typedef{Name: "t", Type: structure(member("a", &btf.Typedef{Name: "u", Type: number(4)}))},
			structure(member("a", &btf.Volatile{Type: number(4)})),
			native(uint32(7)), native(uint32(7)),
		},
		{
			"enum", structure(member("e", &btf.Enum{Size: 4})), structure(member("n", number(4)), member("e", &btf.Enum{Size: 4})),
			native(uint32(3)), native(uint32(0), uint32(3)),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := convert(t, tt.old, tt.new, tt.src); !slices.Equal(got, tt.dst) {
				t.Errorf("% x became % x, want % x", tt.src, got, tt.dst)
			}
		})
	}
}

func TestConvertRefuses(t *testing.T) {
	one := func(t btf.Type) btf.Type { return structure(member("m", t)) }
	bits := structure(member("m", number(4)))
	bits.Members[0].BitfieldSize = 3
	for _, tt := range []struct {
		name     string
		old, new btf.Type
		want     string
	}{
		{"bad: narrower", one(number(8)), one(number(4)), "m had 8 bytes, now 4"},
		{"bad: shorter array", one(array(4, number(1))), one(array(2, number(1))), "m had 4 elements, now 2"},
		{"bad: struct from a number", one(number(4)), one(structure(member("x", number(4)))), "m is a struct now"},
		{"bad: array from a number", one(number(4)), one(array(4, number(1))), "m is an array now"},
		{"bad: number from a struct", one(structure(member("x", number(2)))), one(number(4)), "m had 2 bytes, now 4"},
		{"bad: odd width", one(number(1)), one(number(16)), "m had 1 bytes, now 16"},
		{"bad: bit field", one(number(4)), bits, "m is a bit field"},
		{
			"bad: union", one(&btf.Union{Size: 4, Members: []btf.Member{member("x", number(4))}}),
			one(&btf.Union{Size: 4, Members: []btf.Member{member("y", number(4))}}), "m is a union that has changed",
		},
		{
			"bad: inside", one(structure(member("x", number(8)))), one(structure(member("x", number(4)))), "m.x had 8 bytes, now 4",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newConverter(tt.old, tt.new, 0, 0)
			wantError(t, err, ErrIncompatible, tt.want)
		})
	}
	_, err := newConverter(nil, nil, 4, 8)
	wantError(t, err, ErrIncompatible, "4 bytes without a description become 8")
}

// TestConvertRealTypes converts every type of the object to itself in one move
// for what is not padding.
func TestConvertRealTypes(t *testing.T) {
	spec, err := bpf.LoadLb()
	check(t, err)
	for _, name := range mapNames(spec) {
		m := spec.Maps[name]
		c, err := newConverter(m.Value, m.Value, int(m.ValueSize), int(m.ValueSize))
		check(t, err)
		if len(c.moves) > 4 {
			t.Errorf("map %s: %d moves: %+v", name, len(c.moves), c.moves)
		}
	}
}

// TestConvertThereAndBack shuffles members, converts, and converts back.
func TestConvertThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "members")
		var members []btf.Member
		for i := range n {
			size := rapid.SampledFrom([]uint32{1, 2, 4, 8}).Draw(t, "size")
			typ := btf.Type(number(size))
			if rapid.Bool().Draw(t, "array") {
				typ = array(rapid.Uint32Range(1, 5).Draw(t, "elements"), typ)
			}
			members = append(members, member(strings.Repeat("m", i+1), typ))
		}
		old := structure(slices.Clone(members)...)
		more := append(slices.Clone(members), member("new", number(8)))
		new := structure(rapid.Permutation(more).Draw(t, "order")...)
		src := rapid.SliceOfN(rapid.Byte(), int(old.Size), int(old.Size)).Draw(t, "value")

		there, err := newConverter(old, new, int(old.Size), int(new.Size))
		if err != nil {
			t.Fatal(err)
		}
		back, err := newConverter(new, old, int(new.Size), int(old.Size))
		if err != nil {
			t.Fatal(err)
		}
		between, end := make([]byte, new.Size), make([]byte, old.Size)
		there.apply(between, src)
		back.apply(end, between)
		if !slices.Equal(src, end) {
			t.Fatalf("% x became % x, and then % x", src, between, end)
		}
	})
}
