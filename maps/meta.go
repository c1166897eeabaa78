// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
)

// Identity says what a set of maps is.
type Identity struct {
	Layout  uint64 // hash of every shared type and of the maps' sizes
	Netns   uint64 // inode of the network namespace that the maps serve
	Rate    Rate   // length of a tick
	Version string // of the program that made them, at most 32 bytes
}

// Meta holds the identity: written by the loader, read before the other maps
// are trusted.
type Meta struct {
	name string
	m    *ebpf.Map
}

// Get reads the identity; all zero if none was written yet.
func (m *Meta) Get() (Identity, error) {
	var v bpf.LbIdentity
	if err := m.m.Lookup(uint32(0), &v); err != nil {
		return Identity{}, mapError(m.name, err)
	}
	return decodeIdentity(v), nil
}

// Set writes the identity.
func (m *Meta) Set(id Identity) error {
	v := encodeIdentity(id)
	return mapError(m.name, m.m.Put(uint32(0), &v))
}

// ReadIdentity reads the identity from a meta map of any version: what begins a
// record never moves, and what is missing at its end is zero.
func ReadIdentity(m *ebpf.Map) (Identity, error) {
	b, err := m.LookupBytes(uint32(0))
	if err != nil {
		return Identity{}, mapError(bpf.LbMapMeta, err)
	}
	var v bpf.LbIdentity
	whole := make([]byte, binary.Size(v))
	copy(whole, b)
	if _, err := binary.Decode(whole, binary.NativeEndian, &v); err != nil {
		return Identity{}, fmt.Errorf("map %s: %w", bpf.LbMapMeta, err)
	}
	return decodeIdentity(v), nil
}

// WriteIdentity is [Meta.Set] for a meta map of any version.
func WriteIdentity(m *ebpf.Map, id Identity) error {
	b, err := binary.Append(nil, binary.NativeEndian, encodeIdentity(id))
	if err != nil {
		return mapError(bpf.LbMapMeta, err)
	}
	whole := make([]byte, m.ValueSize())
	copy(whole, b)
	return mapError(bpf.LbMapMeta, m.Put(uint32(0), whole))
}

func encodeIdentity(id Identity) bpf.LbIdentity {
	v := bpf.LbIdentity{Layout: id.Layout, Netns: id.Netns, TickShift: id.Rate.Shift, Hz: id.Rate.HZ}
	copy(v.Version[:], id.Version)
	return v
}

func decodeIdentity(v bpf.LbIdentity) Identity {
	version, _, _ := bytes.Cut(v.Version[:], []byte{0})
	return Identity{
		Layout:  v.Layout,
		Netns:   v.Netns,
		Rate:    Rate{HZ: v.Hz, Shift: v.TickShift},
		Version: string(version),
	}
}
