// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// loopback's index is 1 in every network namespace.
const loopback = 1

func TestPortsRawBytes(t *testing.T) {
	set, coll := newSet(t)
	check(t, set.Ports.Set(3, Port{MAC: MAC{2, 0, 0, 0, 0, 9}, MTU: 1500, Ifindex: loopback, Flags: 5}))
	want := []byte{2, 0, 0, 0, 0, 9}
	want = binary.NativeEndian.AppendUint16(want, 1500)
	want = binary.NativeEndian.AppendUint32(want, loopback)
	want = binary.NativeEndian.AppendUint32(want, 5)
	if diff := cmp.Diff(want, raw(t, coll, "ports", uint32(3))); diff != "" {
		t.Errorf("value in the map (-want +got):\n%s", diff)
	}
	if got := raw(t, coll, "port_ids", uint32(loopback)); binary.NativeEndian.Uint32(got) != 3 {
		t.Errorf("port_ids has % x", got)
	}
	if got := raw(t, coll, "devices", uint32(3)); binary.NativeEndian.Uint32(got) != loopback {
		t.Errorf("devices has % x", got)
	}
}

func TestPorts(t *testing.T) {
	set, coll := newSet(t)
	if n, err := set.Ports.Unused(); err != nil || n != 1 {
		t.Errorf("first unused number %d, %v", n, err)
	}
	p := Port{MAC: MAC{2}, MTU: 1500, Ifindex: loopback}
	check(t, set.Ports.Set(1, p))
	if n, err := set.Ports.Unused(); err != nil || n != 2 {
		t.Errorf("next unused number %d, %v", n, err)
	}
	check(t, set.Ports.SetLink(1, MAC{4}, 9000))
	check(t, set.Ports.SetFlags(1, 8))
	p.MAC, p.MTU, p.Flags = MAC{4}, 9000, 8
	if got, err := set.Ports.Get(1); err != nil || got != p {
		t.Errorf("got %+v, %v; want %+v", got, err, p)
	}
	if n, err := set.Ports.Lookup(loopback); err != nil || n != 1 {
		t.Errorf("lookup: %d, %v", n, err)
	}
	for n, got := range set.Ports.All() {
		if n != 1 || got != p {
			t.Errorf("port %d: %+v", n, got)
		}
	}
	check(t, set.Ports.Clear(1))
	check(t, set.Ports.Clear(1))
	if _, err := set.Ports.Lookup(loopback); !errors.Is(err, ErrNotFound) {
		t.Errorf("lookup after clear: %v", err)
	}
	if got, _ := set.Ports.Get(1); got != (Port{}) {
		t.Errorf("after clear: %+v", got)
	}
	if b, err := coll.Maps["devices"].LookupBytes(uint32(1)); err != nil || b != nil {
		t.Errorf("devices after clear: % x, %v", b, err)
	}
}

func TestPortTakesOverNumber(t *testing.T) {
	set, _ := newSet(t)
	// An interface that is gone, of which its number is all that is left.
	check(t, set.Ports.put(1, encodePort(Port{Ifindex: 4711}), portIndex))
	check(t, set.Ports.ids.update(4711, 1, 0))
	check(t, set.Ports.Set(1, Port{Ifindex: loopback}))
	if _, err := set.Ports.Lookup(4711); !errors.Is(err, ErrNotFound) {
		t.Errorf("the old interface: %v", err)
	}
	if n, err := set.Ports.Lookup(loopback); err != nil || n != 1 {
		t.Errorf("the new interface: %d, %v", n, err)
	}
}

func TestPortsRefuse(t *testing.T) {
	set, _ := newSet(t)
	if err := set.Ports.Set(0, Port{Ifindex: loopback}); !errors.Is(err, ErrRange) {
		t.Errorf("number 0: %v", err)
	}
	if err := set.Ports.Set(1, Port{}); !errors.Is(err, ErrRange) {
		t.Errorf("interface 0: %v", err)
	}
	if err := set.Ports.Set(set.Ports.Len(), Port{Ifindex: loopback}); !errors.Is(err, ErrRange) {
		t.Errorf("beyond the end: %v", err)
	}
	err := set.Ports.Set(1, Port{Ifindex: 1 << 30})
	if err == nil || !strings.Contains(err.Error(), "network namespace") {
		t.Errorf("an interface that is not there: %v", err)
	}
	if got, _ := set.Ports.Get(1); got != (Port{}) {
		t.Errorf("a refused interface left %+v", got)
	}
}

func TestPortsFull(t *testing.T) {
	set, _ := newSet(t)
	for n := uint32(1); n < uint32(set.Ports.Len()); n++ {
		check(t, set.Ports.put(n, encodePort(Port{Ifindex: n}), portIndex))
	}
	if _, err := set.Ports.Unused(); !errors.Is(err, ErrFull) {
		t.Errorf("error %v, want %v", err, ErrFull)
	}
}
