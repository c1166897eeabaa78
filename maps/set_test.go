// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/netns"
)

// bpffs mounts a bpffs of the test's own.
func bpffs(t *testing.T) string {
	t.Helper()
	netns.NeedRoot(t)
	dir := t.TempDir()
	check(t, unix.Mount("bpf", dir, "bpf", 0, "mode=0700"))
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmounting %s: %v", dir, err)
		}
	})
	return dir
}

// pinAll pins a collection as the loader does.
func pinAll(t *testing.T, coll *ebpf.Collection, dir string) {
	t.Helper()
	for _, sub := range []string{MapDir, ProgramDir} {
		check(t, os.Mkdir(filepath.Join(dir, sub), 0o700))
	}
	for name, m := range coll.Maps {
		if !strings.HasPrefix(name, ".") {
			check(t, m.Pin(filepath.Join(dir, MapDir, name)))
		}
	}
	prog := coll.Programs[bpf.LbProgXlbExpire]
	check(t, prog.Pin(filepath.Join(dir, ProgramDir, bpf.LbProgXlbExpire)))
}

func TestOpen(t *testing.T) {
	coll, dir := loadCollection(t), bpffs(t)
	pinAll(t, coll, dir)
	first, err := Open(dir)
	check(t, err)
	check(t, first.Init(Identity{Layout: 5, Rate: first.Clock.Rate}))
	check(t, first.Reals.Set(1, someReal()))
	check(t, first.Close())

	second, err := Open(dir)
	check(t, err)
	defer second.Close()
	if id, err := second.Meta.Get(); err != nil || id.Layout != 5 || id.Rate != second.Clock.Rate {
		t.Errorf("identity %+v, %v; clock %+v", id, err, second.Clock.Rate)
	}
	if r, err := second.Reals.Get(1); err != nil || r != someReal() {
		t.Errorf("real server %+v, %v", r, err)
	}
	if _, err := second.Clock.Now(); err != nil {
		t.Error(err)
	}
}

func TestOpenNothing(t *testing.T) {
	dir := bpffs(t)
	_, err := Open(dir)
	if !errors.Is(err, ErrNotPinned) || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v", err)
	}
}

func TestOpenOtherLayout(t *testing.T) {
	coll, dir := loadCollection(t), bpffs(t)
	other, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Hash, KeySize: 8, ValueSize: 8, MaxEntries: 1})
	check(t, err)
	coll.Maps[bpf.LbMapServices4].Close()
	coll.Maps[bpf.LbMapServices4] = other
	pinAll(t, coll, dir)
	_, err = Open(dir)
	if err == nil || !strings.Contains(err.Error(), "map services4: key and value have 8 and 8 bytes") {
		t.Errorf("error %v", err)
	}
}

func TestFromCollectionIsIndependent(t *testing.T) {
	coll := loadCollection(t)
	set, err := FromCollection(coll)
	check(t, err)
	defer set.Close()
	coll.Close()
	e, _ := halves()
	check(t, set.Established.Insert(e.Key, e.Conn))
	if _, err := set.Clock.Now(); err != nil {
		t.Error(err)
	}
}

func TestFromIncompleteCollection(t *testing.T) {
	coll := loadCollection(t)
	coll.Maps[bpf.LbMapReals].Close()
	delete(coll.Maps, bpf.LbMapReals)
	if _, err := FromCollection(coll); err == nil || !strings.Contains(err.Error(), "no map reals") {
		t.Errorf("error %v", err)
	}
}

// TestClosed uses every view after Close.
func TestClosed(t *testing.T) {
	set, _ := newSet(t)
	e, _ := halves()
	check(t, set.Close())
	check(t, set.Close())
	_, lookup := set.Established.Lookup(e.Key)
	_, counters := set.ServiceCounters.Get(0)
	_, reasons := set.Reasons.Get()
	_, meta := set.Meta.Get()
	_, active := set.Program.Active()
	_, gate := set.Gates.Get(0)
	_, slots := set.Slots.Read(SlotRange{Length: 1})
	_, hop := set.NextHops.Get(1)
	_, unused := set.Ports.Unused()
	_, timeouts := set.Settings.Timeouts()
	_, load := set.Loads.Get(1)
	for name, err := range map[string]error{
		"lookup": lookup, "counters": counters, "reasons": reasons, "meta": meta, "active": active, "gate": gate,
		"slots": slots, "hop": hop, "unused": unused, "timeouts": timeouts, "load": load,
		"insert":  set.Established.Insert(e.Key, e.Conn),
		"service": set.Services4.Set(ServiceKey{Addr: addrPort("192.0.2.1:1")}, 1),
		"real":    set.Reals.SetWeight(1, 1),
		"set hop": set.NextHops.Set(1, Hop{}),
		"clear":   set.Ports.Clear(1),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v, want %v", name, err, ErrClosed)
		}
	}
	for range set.Reals.All() {
		t.Error("a closed set has real servers")
	}
	for range set.NextHops.All() {
		t.Error("a closed set has next hops")
	}
	for range set.Ports.All() {
		t.Error("a closed set has ports")
	}
}

// TestNoLeak opens and closes sets, and fails to, without losing descriptors.
func TestNoLeak(t *testing.T) {
	coll := loadCollection(t)
	broken := &ebpf.Collection{Maps: map[string]*ebpf.Map{}, Programs: coll.Programs}
	for name, m := range coll.Maps {
		if name != bpf.LbMapMeta {
			broken.Maps[name] = m
		}
	}
	before := descriptors(t)
	for range 3 {
		set, err := FromCollection(coll)
		check(t, err)
		check(t, set.Close())
		if _, err := FromCollection(broken); err == nil {
			t.Error("a collection without meta was accepted")
		}
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	check(t, err)
	return len(entries)
}
