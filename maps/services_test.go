// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestServices4(t *testing.T) {
	set, coll := newSet(t)
	tcp := ServiceKey{Addr: addrPort("192.0.2.1:80"), Proto: 6}
	udp := ServiceKey{Addr: addrPort("192.0.2.1:80"), Proto: 17}
	check(t, set.Services4.Set(tcp, 1))
	check(t, set.Services4.Set(udp, 2))

	want := binary.NativeEndian.AppendUint32(nil, 1)
	if got := raw(t, coll, "services4", []byte{192, 0, 2, 1, 0, 80, 6, 0}); !slices.Equal(got, want) {
		t.Errorf("raw value % x, want % x", got, want)
	}
	if id, err := set.Services4.Lookup(udp); err != nil || id != 2 {
		t.Errorf("lookup: %d, %v", id, err)
	}
	all := map[ServiceKey]uint32{}
	for e, err := range set.Services4.All() {
		check(t, err)
		all[e.Key] = e.ID
	}
	if diff := cmp.Diff(map[ServiceKey]uint32{tcp: 1, udp: 2}, all, comparable4()); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	check(t, set.Services4.Delete(tcp))
	if _, err := set.Services4.Lookup(tcp); !errors.Is(err, ErrNotFound) {
		t.Errorf("after delete: %v", err)
	}
	if err := set.Services4.Delete(tcp); !errors.Is(err, ErrNotFound) {
		t.Errorf("second delete: %v", err)
	}
	if err := set.Services4.Set(ServiceKey{Addr: addrPort("[::1]:80")}, 1); !errors.Is(err, ErrFamily) {
		t.Errorf("IPv6: %v", err)
	}
	if tcp.String() != "6 192.0.2.1:80" || set.Services4.Capacity() != 64 {
		t.Errorf("%q, capacity %d", tcp, set.Services4.Capacity())
	}
}

func TestServicesRawBytes(t *testing.T) {
	set, coll := newSet(t)
	check(t, set.Services.Set(3, Service{
		Slots: SlotRange{Base: 0x123456, Length: 0x789AB, Cursor: 0xCDEF0}, Scheduler: SchedulerSH, Instance: 0x1234, Owner: "xlbd",
	}))
	want := binary.NativeEndian.AppendUint64(nil, 0xCDEF0_789AB_123456)
	want = binary.NativeEndian.AppendUint64(want, 0x1234_0004)
	want = append(want, "xlbd\x00\x00\x00\x00"...)
	want = append(want, make([]byte, 8)...)
	if got := raw(t, coll, "services", uint32(3)); !slices.Equal(got, want) {
		t.Errorf("raw value % x, want % x", got, want)
	}
}

func TestServices(t *testing.T) {
	set, _ := newSet(t)
	s := Service{Slots: SlotRange{Base: 10, Length: 3, Cursor: 1}, Scheduler: SchedulerWRR, Instance: 5}
	check(t, set.Services.Set(1, s))
	check(t, set.Services.SetConfig(1, SchedulerRR, 7))
	check(t, set.Services.SetOwner(1, "12345678"))
	s.Scheduler, s.Instance, s.Owner = SchedulerRR, 7, "12345678"
	if got, err := set.Services.Get(1); err != nil || got != s {
		t.Errorf("got %+v, %v; want %+v", got, err, s)
	}
	for _, owner := range []string{"123456789", "a\x00b"} {
		if err := set.Services.SetOwner(1, owner); err == nil || !strings.Contains(err.Error(), "at most 8 bytes") {
			t.Errorf("owner %q: %v", owner, err)
		}
	}
	check(t, set.Services.Clear(1))
	if got, _ := set.Services.Get(1); got != (Service{}) {
		t.Errorf("after clear: %+v", got)
	}
	if _, err := set.Services.Get(set.Services.Len()); !errors.Is(err, ErrRange) {
		t.Errorf("beyond the end: %v", err)
	}
}

func TestSlotWordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := SlotRange{
			Base:   rapid.Uint32Max(1<<24-1).Draw(t, "base"),
			Length: rapid.Uint32Max(MaxSlots).Draw(t, "length"),
			Cursor: rapid.Uint32Max(MaxSlots).Draw(t, "cursor"),
		}
		if got := UnpackSlots(r.Pack()); got != r {
			t.Fatalf("%+v became %+v", r, got)
		}
	})
}

func TestSlotRangeValid(t *testing.T) {
	for _, tt := range []struct {
		name string
		r    SlotRange
		want bool
	}{
		{"OK empty", SlotRange{}, true},
		{"OK whole", SlotRange{0, 100, 99}, true},
		{"OK end", SlotRange{99, 1, 0}, true},
		{"bad: beyond the end", SlotRange{99, 2, 0}, false},
		{"bad: cursor", SlotRange{0, 10, 10}, false},
		{"bad: cursor of nothing", SlotRange{0, 0, 1}, false},
	} {
		if got := tt.r.Valid(100); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// TestSlotWordUnderWriters has packets' cursor moves and commits of new ranges
// fight for one word: every move is counted, no commit is lost.
func TestSlotWordUnderWriters(t *testing.T) {
	set, _ := newSet(t)
	const movers, moves, commits = 3, 20000, 2000
	check(t, set.Services.Set(1, Service{Slots: SlotRange{Length: MaxSlots}}))
	swap := func(f func(SlotRange) SlotRange) {
		for {
			s, err := set.Services.Get(1)
			if err != nil {
				t.Error(err)
				return
			}
			if ok, err := set.Services.SwapSlots(1, s.Slots, f(s.Slots)); ok || err != nil {
				return
			}
		}
	}
	var wg sync.WaitGroup
	for range movers {
		wg.Go(func() {
			for range moves {
				swap(func(r SlotRange) SlotRange { r.Cursor++; return r })
			}
		})
	}
	wg.Go(func() {
		for range commits {
			swap(func(r SlotRange) SlotRange { r.Base++; return r })
		}
	})
	wg.Wait()
	s, err := set.Services.Get(1)
	check(t, err)
	if want := (SlotRange{Base: commits, Length: MaxSlots, Cursor: movers * moves}); s.Slots != want {
		t.Errorf("the word is %+v, want %+v", s.Slots, want)
	}
}

func TestSlots(t *testing.T) {
	set, coll := newSet(t)
	check(t, set.Slots.Write(1000, []uint32{7, 8, 9}))
	got, err := set.Slots.Read(SlotRange{Base: 999, Length: 5})
	check(t, err)
	if !slices.Equal(got, []uint32{0, 7, 8, 9, 0}) {
		t.Errorf("slots are %v", got)
	}
	if got := raw(t, coll, "slots", uint32(1001)); binary.NativeEndian.Uint32(got) != 8 {
		t.Errorf("raw value % x", got)
	}
	if err := set.Slots.Write(1022, []uint32{1, 2, 3}); !errors.Is(err, ErrRange) {
		t.Errorf("write beyond the end: %v", err)
	}
	if got, _ := set.Slots.Read(SlotRange{Base: 1022, Length: 2}); !slices.Equal(got, []uint32{0, 0}) {
		t.Errorf("a refused write left %v", got)
	}
	if _, err := set.Slots.Read(SlotRange{Base: 1 << 23, Length: 1 << 19}); !errors.Is(err, ErrRange) {
		t.Errorf("read beyond the end: %v", err)
	}
}
