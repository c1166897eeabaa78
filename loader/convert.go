// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// move takes one number, or a run of bytes, from an old value to a new one.
type move struct {
	from, to int // offsets
	size     int // bytes taken
	wide     int // bytes written; larger than size: the number is extended
	signed   bool
}

// converter rewrites a value of one layout in another: members go by name.
// What the old layout does not have is zero; what the new one does not have
// is dropped.
type converter struct {
	size  int // of a new value
	moves []move
}

// newConverter compares two layouts. Nil types mean plain numbers or bytes of
// the given sizes. A member that would lose bits is refused.
func newConverter(old, new btf.Type, oldSize, newSize int) (*converter, error) {
	c := &converter{size: newSize}
	if old == nil || new == nil {
		if oldSize != newSize {
			return nil, fmt.Errorf("%w: %d bytes without a description become %d", ErrIncompatible, oldSize, newSize)
		}
		c.add(move{size: newSize, wide: newSize})
		return c, nil
	}
	return c, c.compare("", old, new, 0, 0)
}

// apply fills dst, a new value, from src, an old one.
func (c *converter) apply(dst, src []byte) {
	clear(dst)
	for _, m := range c.moves {
		if m.size == m.wide {
			copy(dst[m.to:m.to+m.wide], src[m.from:])
			continue
		}
		putUint(dst[m.to:m.to+m.wide], m.extend(getUint(src[m.from:m.from+m.size])))
	}
}

// extend gives a number its sign in 64 bits.
func (m move) extend(v uint64) uint64 {
	if !m.signed {
		return v
	}
	shift := 64 - 8*m.size
	return uint64(int64(v<<shift) >> shift)
}

// add appends a move, joined with the one before where they are neighbours.
func (c *converter) add(m move) {
	if n := len(c.moves); n > 0 {
		last := &c.moves[n-1]
		if last.size == last.wide && m.size == m.wide && last.from+last.size == m.from && last.to+last.size == m.to {
			last.size += m.size
			last.wide += m.size
			return
		}
	}
	c.moves = append(c.moves, m)
}

// compare finds the moves for one part of the value.
func (c *converter) compare(path string, old, new btf.Type, from, to int) error {
	switch new := btf.UnderlyingType(new).(type) {
	case *btf.Struct:
		old, ok := btf.UnderlyingType(old).(*btf.Struct)
		if !ok {
			return fmt.Errorf("%w: %s is a struct now", ErrIncompatible, path)
		}
		return c.compareStructs(path, old, new, from, to)
	case *btf.Array:
		old, ok := btf.UnderlyingType(old).(*btf.Array)
		if !ok {
			return fmt.Errorf("%w: %s is an array now", ErrIncompatible, path)
		}
		return c.compareArrays(path, old, new, from, to)
	default:
		return c.compareScalars(path, old, new, from, to)
	}
}

func (c *converter) compareStructs(path string, old, new *btf.Struct, from, to int) error {
	members := make(map[string]btf.Member, len(old.Members))
	for _, m := range old.Members {
		members[m.Name] = m
	}
	for _, n := range new.Members {
		o, ok := members[n.Name]
		if !ok || isPadding(n.Name) {
			continue
		}
		name := strings.TrimPrefix(path+"."+n.Name, ".")
		if o.BitfieldSize != 0 || n.BitfieldSize != 0 {
			return fmt.Errorf("%w: %s is a bit field", ErrIncompatible, name)
		}
		if err := c.compare(name, o.Type, n.Type, from+int(o.Offset.Bytes()), to+int(n.Offset.Bytes())); err != nil {
			return err
		}
	}
	return nil
}

// isPadding says that a member holds nothing.
func isPadding(name string) bool {
	return name == "" || name == "pad" || strings.HasSuffix(name, "_pad")
}

func (c *converter) compareArrays(path string, old, new *btf.Array, from, to int) error {
	oldSize, err := btf.Sizeof(old.Type)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrIncompatible, path, err)
	}
	newSize, err := btf.Sizeof(new.Type)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrIncompatible, path, err)
	}
	if new.Nelems < old.Nelems {
		return fmt.Errorf("%w: %s had %d elements, now %d", ErrIncompatible, path, old.Nelems, new.Nelems)
	}
	for i := range int(old.Nelems) {
		if err := c.compare(path, old.Type, new.Type, from+i*oldSize, to+i*newSize); err != nil {
			return err
		}
	}
	return nil
}

// compareScalars moves a number, into more bytes if need be; anything else
// must have kept its size.
func (c *converter) compareScalars(path string, old, new btf.Type, from, to int) error {
	old, new = btf.UnderlyingType(old), btf.UnderlyingType(new)
	oldSize, err := btf.Sizeof(old)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrIncompatible, path, err)
	}
	newSize, err := btf.Sizeof(new)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrIncompatible, path, err)
	}
	_, wasUnion := old.(*btf.Union)
	if _, isUnion := new.(*btf.Union); wasUnion || isUnion {
		if describeType(old) != describeType(new) {
			return fmt.Errorf("%w: %s is a union that has changed", ErrIncompatible, path)
		}
	}
	if newSize < oldSize {
		return fmt.Errorf("%w: %s had %d bytes, now %d", ErrIncompatible, path, oldSize, newSize)
	}
	number, _ := old.(*btf.Int)
	if newSize > oldSize && (number == nil || !wordSize(oldSize) || !wordSize(newSize)) {
		return fmt.Errorf("%w: %s had %d bytes, now %d", ErrIncompatible, path, oldSize, newSize)
	}
	c.add(move{from: from, to: to, size: oldSize, wide: newSize, signed: number != nil && number.Encoding == btf.Signed})
	return nil
}

func wordSize(n int) bool { return n == 1 || n == 2 || n == 4 || n == 8 }

// getUint reads a number in the machine's byte order.
func getUint(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.NativeEndian.Uint16(b))
	case 4:
		return uint64(binary.NativeEndian.Uint32(b))
	default:
		return binary.NativeEndian.Uint64(b)
	}
}

// putUint writes a number in the machine's byte order.
func putUint(b []byte, v uint64) {
	switch len(b) {
	case 1:
		b[0] = byte(v)
	case 2:
		binary.NativeEndian.PutUint16(b, uint16(v))
	case 4:
		binary.NativeEndian.PutUint32(b, uint32(v))
	default:
		binary.NativeEndian.PutUint64(b, v)
	}
}
