// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/test/netns"
)

// TestIdentityOfAnyVersion reads and writes what begins a record of any length.
func TestIdentityOfAnyVersion(t *testing.T) {
	netns.NeedRoot(t)
	id := Identity{Layout: 7, Netns: 8, Rate: Rate{HZ: 1000, Shift: 7}, Version: "v1"}
	for _, size := range []uint32{24, 40, 64, 128} {
		m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: size, MaxEntries: 1})
		check(t, err)
		defer m.Close()
		if got, err := ReadIdentity(m); err != nil || got != (Identity{}) {
			t.Errorf("%d bytes: empty is %+v, %v", size, got, err)
		}
		check(t, WriteIdentity(m, id))
		want := id
		if size == 24 {
			want.Version = ""
		}
		if got, err := ReadIdentity(m); err != nil || got != want {
			t.Errorf("%d bytes: %+v, %v; want %+v", size, got, err, want)
		}
	}
	closed, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 64, MaxEntries: 1})
	check(t, err)
	check(t, closed.Close())
	if _, err := ReadIdentity(closed); !errors.Is(err, ErrClosed) {
		t.Errorf("closed map: %v", err)
	}
}

func TestDecodeLoad(t *testing.T) {
	set, coll := newSet(t)
	want := Load{Active: 5, Inactive: -1, HalfOpen: 3, Total: 9}
	check(t, set.Loads.Add(2, want))
	got, err := DecodeLoad(raw(t, coll, "loads", uint32(2)))
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if d := got.Minus(Load{Active: 1, Inactive: -1, Total: 2}); d != (Load{Active: 4, HalfOpen: 3, Total: 7}) {
		t.Errorf("difference %+v", d)
	}
	if _, err := DecodeLoad(make([]byte, 31)); err == nil {
		t.Error("31 bytes were decoded")
	}
}
