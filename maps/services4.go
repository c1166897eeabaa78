// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"fmt"
	"iter"
	"net/netip"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
)

// ServiceKey is what a packet finds a virtual server by.
type ServiceKey struct {
	Addr  netip.AddrPort
	Proto uint8 // IANA number
}

// String is meant for logs: "6 192.0.2.1:80".
func (k ServiceKey) String() string { return fmt.Sprintf("%d %v", k.Proto, k.Addr) }

// Services4 finds a virtual server's id, from 1, by address, port and protocol.
// An entry is what makes a virtual server exist for packets: it is written
// last and removed first.
type Services4 struct {
	table[bpf.LbService4Key, uint32]
}

// Capacity is the number of virtual servers that fit.
func (s *Services4) Capacity() int { return int(s.m.MaxEntries()) }

// Lookup gives the id; [ErrNotFound] if there is no such virtual server.
func (s *Services4) Lookup(key ServiceKey) (uint32, error) {
	k, err := encodeServiceKey(key)
	if err != nil {
		return 0, fmt.Errorf("map %s: %w", s.name, err)
	}
	return s.lookup(k)
}

// Set points the key at a virtual server's id.
func (s *Services4) Set(key ServiceKey, id uint32) error {
	k, err := encodeServiceKey(key)
	if err != nil {
		return fmt.Errorf("map %s: %w", s.name, err)
	}
	return s.update(k, id, ebpf.UpdateAny)
}

// Delete removes the key; [ErrNotFound] if it is not there.
func (s *Services4) Delete(key ServiceKey) error {
	k, err := encodeServiceKey(key)
	if err != nil {
		return fmt.Errorf("map %s: %w", s.name, err)
	}
	return s.delete(k)
}

// ServiceID is an entry of [Services4].
type ServiceID struct {
	Key ServiceKey
	ID  uint32
}

// All walks the virtual servers in no order. An error ends the walk.
func (s *Services4) All() iter.Seq2[ServiceID, error] {
	return func(yield func(ServiceID, error) bool) {
		for p, err := range s.all() {
			e := ServiceID{}
			if err == nil {
				e = ServiceID{decodeServiceKey(p.key), p.value}
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func encodeServiceKey(key ServiceKey) (k bpf.LbService4Key, err error) {
	k.Proto = key.Proto
	k.Addr, k.Port, err = endpoint(key.Addr)
	return k, err
}

func decodeServiceKey(k bpf.LbService4Key) ServiceKey {
	return ServiceKey{Addr: fromEndpoint(k.Addr, k.Port), Proto: k.Proto}
}
