// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/xlb-project/xlb/bpf"
)

func TestGates(t *testing.T) {
	set, coll := newSet(t)
	if open, err := set.Gates.Get(0); err != nil || !open {
		t.Errorf("instance 0 after Init: %v, %v", open, err)
	}
	check(t, set.Gates.Set(255, true))
	if got := raw(t, coll, "gates", uint32(255)); binary.NativeEndian.Uint64(got) != 1 {
		t.Errorf("raw value % x", got)
	}
	if open, _ := set.Gates.Get(254); open {
		t.Error("the neighbour's gate is open")
	}
	check(t, set.Gates.Set(255, false))
	if open, _ := set.Gates.Get(255); open {
		t.Error("the gate is still open")
	}
	if err := set.Gates.Set(uint16(set.Gates.Len()), true); !errors.Is(err, ErrRange) {
		t.Errorf("beyond the end: %v", err)
	}
}

func TestSettingsRawBytes(t *testing.T) {
	set, coll := newSet(t)
	set.Settings.rate = Rate{HZ: 1000, Shift: 7}
	check(t, set.Settings.SetHeartbeat(0x01020304))
	check(t, set.Settings.SetMigrating(true))
	check(t, set.Settings.SetTimeouts(Timeouts{StateEstablished: 128 * time.Second, StateUDP: 64 * time.Second}))
	want := binary.NativeEndian.AppendUint64(nil, 0x01020304)
	want = binary.NativeEndian.AppendUint64(want, 1)
	for _, ticks := range []uint32{1, 1000, 1, 1, 1, 1, 1, 1, 1, 1, 1, 500, 0, 0, 0, 0} {
		want = binary.NativeEndian.AppendUint32(want, ticks)
	}
	if got := raw(t, coll, "settings", uint32(0)); string(got) != string(want) {
		t.Errorf("raw value\n% x, want\n% x", got, want)
	}
}

func TestSettings(t *testing.T) {
	set, _ := newSet(t)
	got, err := set.Settings.Timeouts()
	check(t, err)
	tick := set.Clock.Duration(1)
	for state, want := range DefaultTimeouts() {
		if d := want - got[state]; d < 0 || d > tick {
			t.Errorf("%v: %v, want %v within %v", ConnState(state), got[state], want, tick)
		}
	}
	for _, on := range []bool{true, false} {
		check(t, set.Settings.SetMigrating(on))
		if got, err := set.Settings.Migrating(); err != nil || got != on {
			t.Errorf("migrating %v, %v; want %v", got, err, on)
		}
	}
	check(t, set.Settings.SetHeartbeat(77))
	if got, err := set.Settings.Heartbeat(); err != nil || got != 77 {
		t.Errorf("heartbeat %v, %v", got, err)
	}
}

func TestMeta(t *testing.T) {
	set, coll := newSet(t)
	id := Identity{Layout: 0x0102030405060708, Netns: 9, Rate: Rate{HZ: 250, Shift: 5}, Version: "v1.2.3"}
	check(t, set.Meta.Set(id))
	if got, err := set.Meta.Get(); err != nil || got != id {
		t.Errorf("got %+v, %v", got, err)
	}
	want := binary.NativeEndian.AppendUint64(nil, id.Layout)
	want = binary.NativeEndian.AppendUint64(want, 9)
	want = binary.NativeEndian.AppendUint32(want, 5)
	want = binary.NativeEndian.AppendUint32(want, 250)
	want = append(want, "v1.2.3"+strings.Repeat("\x00", 26+8)...)
	if got := raw(t, coll, "meta", uint32(0)); string(got) != string(want) {
		t.Errorf("raw value\n% x, want\n% x", got, want)
	}
	id.Version = strings.Repeat("x", 40)
	check(t, set.Meta.Set(id))
	if got, _ := set.Meta.Get(); got.Version != id.Version[:32] {
		t.Errorf("a long version became %q", got.Version)
	}
}

func TestProgramSlot(t *testing.T) {
	set, coll := newSet(t)
	if _, err := set.Program.Active(); !errors.Is(err, ErrNotFound) {
		t.Errorf("new slot: %v", err)
	}
	prog := coll.Programs[bpf.LbProgXlbIngress]
	check(t, set.Program.Fill(prog))
	info, err := prog.Info()
	check(t, err)
	if got, err := set.Program.Active(); err != nil {
		t.Error(err)
	} else if want, _ := info.ID(); got != want {
		t.Errorf("active program %d, want %d", got, want)
	}
	check(t, set.Program.Empty())
	check(t, set.Program.Empty())
	if _, err := set.Program.Active(); !errors.Is(err, ErrNotFound) {
		t.Errorf("emptied slot: %v", err)
	}
}
