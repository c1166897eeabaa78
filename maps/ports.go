// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"errors"
	"fmt"
	"iter"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
)

// Port is an interface that xlb is attached to.
type Port struct {
	MAC     MAC
	MTU     uint16 // largest IP packet, in bytes
	Ifindex uint32 // 0: the record is free
	Flags   uint32
}

// Words of struct port.
const (
	portLink  = iota // MAC and MTU
	portIndex        // ifindex and flags
)

// Ports are the attached interfaces by number, from 1, in three maps that are
// kept in step: the record, the number by interface index, and the device that
// redirects go to. Connections refer to numbers, so an interface that comes
// back under another index gets its number again.
type Ports struct {
	*mapped[bpf.LbPort]
	ids     table[uint32, uint32]
	devices *ebpf.Map
}

// Len is one more than the largest number.
func (p *Ports) Len() uint16 { return uint16(min(p.len(), 1<<16-1)) }

// Get reads a record, which may be free.
func (p *Ports) Get(number uint16) (Port, error) {
	v, err := p.get(uint32(number))
	return decodePort(v), err
}

// Lookup gives the number of the interface; [ErrNotFound] if it is not attached.
func (p *Ports) Lookup(ifindex uint32) (uint16, error) {
	n, err := p.ids.lookup(ifindex)
	return uint16(n), err
}

// Set makes number stand for an interface, in place of any other. It must run
// in the interface's network namespace: the kernel looks the index up in the
// caller's.
func (p *Ports) Set(number uint16, v Port) error {
	if number == 0 || v.Ifindex == 0 {
		return fmt.Errorf("map %s: port %d, interface %d: %w: both count from 1", p.name, number, v.Ifindex, ErrRange)
	}
	old, err := p.Get(number)
	if err != nil {
		return err
	}
	if old.Ifindex != 0 && old.Ifindex != v.Ifindex {
		if err := p.forget(old.Ifindex); err != nil {
			return err
		}
	}
	if err := p.devices.Put(uint32(number), v.Ifindex); err != nil {
		return fmt.Errorf("map devices: port %d, interface %d (is it in this network namespace?): %w", number, v.Ifindex, err)
	}
	if err := p.put(uint32(number), encodePort(v), portIndex); err != nil {
		return err
	}
	return p.ids.update(v.Ifindex, uint32(number), ebpf.UpdateAny)
}

// SetLink changes MAC and MTU of an attached interface, both at once.
func (p *Ports) SetLink(number uint16, mac MAC, mtu uint16) error {
	a := aligned[bpf.LbPort]{v: encodePort(Port{MAC: mac, MTU: mtu})}
	return p.store(uint32(number), portLink, a.words()[portLink])
}

// SetFlags changes the flags of an attached interface.
func (p *Ports) SetFlags(number uint16, flags uint32) error {
	return p.modify(uint32(number), func(v *bpf.LbPort) { v.Flags = flags })
}

// Clear frees a number. Packets of connections that refer to it are dropped.
func (p *Ports) Clear(number uint16) error {
	old, err := p.Get(number)
	if err != nil {
		return err
	}
	if err := p.forget(old.Ifindex); err != nil {
		return err
	}
	if err := p.devices.Delete(uint32(number)); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return mapError("devices", err)
	}
	return p.clear(uint32(number), portIndex)
}

// forget removes an interface's number, if it has one.
func (p *Ports) forget(ifindex uint32) error {
	if err := p.ids.delete(ifindex); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// Unused gives the lowest free number; [ErrFull] if there is none.
func (p *Ports) Unused() (uint16, error) {
	for n := uint16(1); n < p.Len(); n++ {
		v, err := p.Get(n)
		if err != nil {
			return 0, err
		}
		if v.Ifindex == 0 {
			return n, nil
		}
	}
	return 0, fmt.Errorf("map %s: all %d ports are taken: %w", p.name, p.Len()-1, ErrFull)
}

// All walks the ports that are not free, by number. It stops early when the
// set is closed.
func (p *Ports) All() iter.Seq2[uint16, Port] {
	return func(yield func(uint16, Port) bool) {
		for n := uint16(1); n < p.Len(); n++ {
			v, err := p.Get(n)
			if err != nil {
				return
			}
			if v.Ifindex != 0 && !yield(n, v) {
				return
			}
		}
	}
}

func encodePort(p Port) bpf.LbPort {
	return bpf.LbPort{Mac: p.MAC, Mtu: p.MTU, Ifindex: p.Ifindex, Flags: p.Flags}
}

func decodePort(v bpf.LbPort) Port {
	return Port{MAC: v.Mac, MTU: v.Mtu, Ifindex: v.Ifindex, Flags: v.Flags}
}
