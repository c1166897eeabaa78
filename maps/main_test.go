// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/netns"
)

func TestMain(m *testing.M) { os.Exit(netns.Main(m)) }

// testSizes keeps the tables of most tests small.
func testSizes() map[string]uint32 {
	return map[string]uint32{
		bpf.LbMapEstablished4: 4096,
		bpf.LbMapHalfOpen4:    4096,
		bpf.LbMapSlots:        1024,
		bpf.LbMapReals:        64,
		bpf.LbMapLoads:        64,
		bpf.LbMapRealCounters: 64,
		bpf.LbMapNextHops:     64,
		bpf.LbMapServices:     64,
		bpf.LbMapServices4:    64,
	}
}

// loadCollection loads the data path, tuned, with small tables.
func loadCollection(t testing.TB) *ebpf.Collection {
	t.Helper()
	netns.NeedRoot(t)
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
	spec, err := bpf.LoadLb()
	if err != nil {
		t.Fatal(err)
	}
	for name, n := range testSizes() {
		spec.Maps[name].MaxEntries = n
	}
	rate, err := SystemRate()
	if err != nil {
		t.Fatal(err)
	}
	if err := rate.Tune(spec); err != nil {
		t.Fatal(err)
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatalf("loading the data path: %+v", err)
	}
	unload(t, coll)
	return coll
}

// unload closes a collection when the test ends and waits until its program
// array is gone: whoever looks for leaks meanwhile, and opens it by its id,
// makes the kernel keep it for ever (prog_array_map_clear in
// kernel/bpf/arraymap.c).
func unload(t testing.TB, coll *ebpf.Collection) {
	t.Helper()
	info, err := coll.Maps[bpf.LbMapPrograms].Info()
	check(t, err)
	id, _ := info.ID()
	t.Cleanup(func() {
		coll.Close()
		netns.Eventually(t, 5*time.Second, func() error {
			if next, err := ebpf.MapGetNextID(id - 1); err == nil && next == id {
				return fmt.Errorf("map %d is still there", id)
			}
			return nil
		})
	})
}

// newSet opens the maps of a data path of the test's own.
func newSet(t testing.TB) (*Set, *ebpf.Collection) {
	t.Helper()
	coll := loadCollection(t)
	set, err := FromCollection(coll)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Errorf("closing the set: %v", err)
		}
	})
	if err := set.Init(Identity{Rate: set.Clock.Rate}); err != nil {
		t.Fatal(err)
	}
	return set, coll
}

// raw reads a value's bytes as they lie in the map.
func raw(t testing.TB, coll *ebpf.Collection, name string, key any) []byte {
	t.Helper()
	b, err := coll.Maps[name].LookupBytes(key)
	if err != nil {
		t.Fatalf("map %s: %v", name, err)
	}
	if b == nil {
		t.Fatalf("map %s: no entry under % x", name, key)
	}
	return b
}

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// check fails the test at once; for steps that a test does not judge.
func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
