// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/rlimit"

	"github.com/xlb-project/xlb/maps"
	"github.com/xlb-project/xlb/test/netns"
)

// tableValue is what connections of these tests have: when the last packet
// came, and something that packets change.
type tableValue struct{ Seen, State uint32 }

// liveTables are an old and a new table, and the copying between them.
type liveTables struct {
	t        *testing.T
	old, new *ebpf.Map
	now      maps.Tick
	*liveCopy
}

func newLiveTables(t *testing.T, newSize uint32) *liveTables {
	t.Helper()
	netns.ForTest(t) // for its check of privileges
	check(t, rlimit.RemoveMemlock())
	l := &liveTables{t: t, now: 100}
	l.old, l.new = table(t, 4096), table(t, newSize)
	plain := plainCopy{old: l.old, new: l.new}
	var err error
	plain.key, err = newConverter(nil, nil, 4, 4)
	check(t, err)
	plain.value, err = newConverter(nil, nil, 8, 8)
	check(t, err)
	l.liveCopy, err = newLiveCopy(plain, structure(member("seen", number(4)), member("state", number(4))),
		func() (maps.Tick, error) { return l.now, nil })
	check(t, err)
	return l
}

func table(t *testing.T, size uint32) *ebpf.Map {
	t.Helper()
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "live", Type: ebpf.Hash, KeySize: 4, ValueSize: 8, MaxEntries: size})
	check(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

func (l *liveTables) set(m *ebpf.Map, key, seen, state uint32) {
	l.t.Helper()
	check(l.t, m.Put(key, tableValue{seen, state}))
}

func (l *liveTables) end(m *ebpf.Map, key uint32) {
	l.t.Helper()
	check(l.t, m.Delete(key))
}

// want checks one entry of the new table; state 0: there is none.
func (l *liveTables) want(what string, key, seen, state uint32) {
	l.t.Helper()
	var got tableValue
	err := l.new.Lookup(key, &got)
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		err = nil
	}
	check(l.t, err)
	want := tableValue{seen, state}
	if state == 0 {
		want = tableValue{}
	}
	if got != want {
		l.t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

// TestLiveCopy has packets change the old table until the swap, and the new
// one afterwards.
func TestLiveCopy(t *testing.T) {
	const (
		idle = iota + 1
		beforeDelta
		oldOnly
		newOnly
		both
		openedLate
		openedNew
		endedOld
		endedNew
		endedOldBusy
		endedOldTouched
		wokenOld
		wokenNew
		idleEndedOld
	)
	l := newLiveTables(t, 4096)
	for key := uint32(idle); key <= idleEndedOld; key++ {
		if key != openedLate && key != openedNew {
			l.set(l.old, key, 10, 1)
		}
	}
	for _, key := range []uint32{oldOnly, newOnly, both, endedNew, endedOldBusy, endedOldTouched} {
		l.set(l.old, key, 100, 1)
	}
	check(t, l.bulk())
	l.now = 110
	for _, key := range []uint32{beforeDelta, oldOnly, newOnly, both, endedNew, endedOldBusy, endedOldTouched} {
		l.set(l.old, key, 110, 2)
	}
	check(t, l.delta(l.now))
	l.want("idle", idle, 10, 1)
	l.want("changed before delta", beforeDelta, 110, 2)

	l.set(l.old, oldOnly, 111, 3)
	l.set(l.old, both, 111, 3)
	l.set(l.old, openedLate, 111, 3)
	l.set(l.old, wokenOld, 111, 3)
	for _, key := range []uint32{endedOld, endedOldBusy, endedOldTouched, idleEndedOld} {
		l.end(l.old, key)
	}
	// The swap. From here on nobody writes to the old table.
	l.set(l.new, newOnly, 112, 4)
	l.set(l.new, both, 112, 4)
	l.set(l.new, openedNew, 112, 4)
	l.set(l.new, wokenNew, 112, 4)
	l.set(l.new, endedOldTouched, 112, 4)
	l.end(l.new, endedNew)
	for range 2 { // a second time, as after a crash
		check(t, l.rest())
		check(t, l.prune())
		l.want("idle", idle, 10, 1)
		l.want("changed before delta", beforeDelta, 110, 2)
		l.want("changed in the old one at the end", oldOnly, 111, 3)
		l.want("changed in the new one", newOnly, 112, 4)
		l.want("changed in both", both, 112, 4)
		l.want("opened at the end of the old one", openedLate, 111, 3)
		l.want("opened in the new one", openedNew, 112, 4)
		l.want("idle, ended at the end of the old one", endedOld, 0, 0)
		l.want("busy, ended at the end of the old one", endedOldBusy, 0, 0)
		l.want("ended in the old one and used in the new one", endedOldTouched, 112, 4)
		l.want("ended in the new one", endedNew, 0, 0)
		l.want("idle, woken at the end of the old one", wokenOld, 111, 3)
		l.want("idle, woken in the new one", wokenNew, 112, 4)
		l.want("idle, ended in the old one", idleEndedOld, 0, 0)
	}
	if l.lost != 0 {
		t.Errorf("%d entries lost", l.lost)
	}
}

// TestLiveCopyMany copies more than a batch.
func TestLiveCopyMany(t *testing.T) {
	l := newLiveTables(t, 8192)
	const n = 3*batchRows + 17
	for key := range uint32(n) {
		l.set(l.old, key, 95+key%10, key+1)
	}
	for _, step := range []func() error{l.bulk, func() error { return l.delta(101) }, l.rest, l.prune} {
		check(t, step())
	}
	got, err := count(l.new)
	check(t, err)
	if got != n {
		t.Errorf("%d entries, want %d", got, n)
	}
	for key := range uint32(n) {
		l.want(fmt.Sprint(key), key, 95+key%10, key+1)
	}
}

func TestLiveCopyFull(t *testing.T) {
	l := newLiveTables(t, 8)
	for key := range uint32(8) {
		l.set(l.old, key, 100, 1)
	}
	check(t, l.bulk())
	check(t, l.delta(100))
	l.set(l.old, 100, 100, 1)
	check(t, l.rest())
	if l.lost != 1 {
		t.Errorf("%d entries lost, want 1", l.lost)
	}
}

func TestLiveCopyNeedsSeen(t *testing.T) {
	for _, value := range []btf.Type{number(8), structure(member("state", number(4))), structure(member("seen", number(8)))} {
		_, err := newLiveCopy(plainCopy{}, value, nil)
		wantError(t, err, ErrIncompatible, `"seen"`)
	}
}
