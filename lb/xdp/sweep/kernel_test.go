// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
	"github.com/xlb-project/xlb/test/datapath"
	"github.com/xlb-project/xlb/test/netns"
)

func TestMain(m *testing.M) { os.Exit(netns.Main(m)) }

// kernel is the data path's maps and xlb_expire, with tables for n connections.
func kernel(t testing.TB, n uint32) *maps.Set {
	t.Helper()
	coll, rate := datapath.Load(t, map[string]uint32{
		bpf.LbMapEstablished4: 2 * n, bpf.LbMapHalfOpen4: 2 * n, bpf.LbMapReals: 8, bpf.LbMapLoads: 8, bpf.LbMapRealCounters: 8,
	})
	set, err := maps.FromCollection(coll)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Errorf("closing the maps: %v", err)
		}
	})
	if err := set.Init(maps.Identity{Rate: rate}); err != nil {
		t.Fatal(err)
	}
	if err := set.Reals.Set(1, maps.Real{Addr: netip.MustParseAddrPort("10.2.0.1:80"), Service: 1}); err != nil {
		t.Fatal(err)
	}
	return set
}

// insert adds connection n of real server 1, last seen so long ago, and counts it.
func insert(t testing.TB, set *maps.Set, n int, halfOpen bool, state maps.ConnState, ago time.Duration) maps.Tuple {
	t.Helper()
	now, err := set.Clock.Now()
	if err != nil {
		t.Fatal(err)
	}
	key := maps.Tuple{
		Src:   netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(n >> 16), byte(n >> 8)}), uint16(1024+n&0xff)),
		Dst:   netip.MustParseAddrPort("192.0.2.1:80"),
		Proto: 6,
	}
	server := netip.MustParseAddrPort("10.2.0.1:80")
	c := maps.Conn{Src: key.Src, Dst: server, Real: 1, State: state, Seen: now - set.Clock.Ticks(ago)}
	table, load := set.Established, maps.Load{Total: 1}
	switch {
	case halfOpen:
		table, load.HalfOpen = set.HalfOpen, 1
	case state.Active():
		load.Active = 1
	default:
		load.Inactive = 1
	}
	reply := c
	reply.Src, reply.Dst, reply.Flags = key.Dst, key.Src, maps.FlagReply|maps.FlagInline
	for _, half := range []maps.ConnEntry{{Key: maps.Tuple{Src: server, Dst: key.Src, Proto: 6}, Conn: reply}, {Key: key, Conn: c}} {
		if err := table.Insert(half.Key, half.Conn); err != nil {
			t.Fatal(err)
		}
	}
	if err := set.Loads.Add(1, load); err != nil {
		t.Fatal(err)
	}
	return key
}

func wantLoad(t testing.TB, set *maps.Set, want maps.Load) {
	t.Helper()
	got, err := set.Loads.Get(1)
	if err != nil {
		t.Fatal(err)
	}
	got.Total = 0
	if got != want {
		t.Fatalf("counts %+v, want %+v", got, want)
	}
}

// The kernel's program agrees with us about whose time has passed, in every
// state, and keeps the counts.
func TestKernelExpires(t *testing.T) {
	set := kernel(t, 512)
	timeouts := maps.DefaultTimeouts()
	n, kept := 0, 0
	for state := maps.StateEstablished; state < maps.StateMax; state++ {
		insert(t, set, n, false, state, timeouts[state]-2*time.Second)
		insert(t, set, n+1, false, state, timeouts[state]+2*time.Second)
		n, kept = n+2, kept+1
	}
	insert(t, set, n, true, maps.StateSynRecv, 59*time.Second)
	insert(t, set, n+1, true, maps.StateSynRecv, 62*time.Second)
	s := New(Over(set), Options{})
	r := pass1(t, s)
	if r.Expired != kept+1 || r.Established != kept || r.HalfOpen != 1 || r.Unstable != 0 {
		t.Fatalf("%+v, want %d of each", r, kept)
	}
	wantLoad(t, set, maps.Load{Active: 5, Inactive: int64(kept - 5), HalfOpen: 1})
	if r := pass1(t, s); r.Expired != 0 || r.Drift != 0 {
		t.Fatalf("%+v", r)
	}
}

// Halves whose partner is gone are ended too, in both tables.
func TestKernelEndsLoneHalves(t *testing.T) {
	set := kernel(t, 64)
	for i, halfOpen := range []bool{true, false} {
		key := insert(t, set, i, halfOpen, maps.StateSynRecv, 3*time.Minute)
		if err := Over(set).(kernelTables).table(halfOpen).Delete(key); err != nil {
			t.Fatal(err)
		}
	}
	pass1(t, New(Over(set), Options{}))
	for _, halfOpen := range []bool{true, false} {
		for e, err := range Over(set).Entries(halfOpen) {
			t.Errorf("half-open %v: %+v is left, %v", halfOpen, e, err)
		}
	}
}

// One half that is busy keeps both, in the kernel's eyes as in ours.
func TestKernelLooksAtBothHalves(t *testing.T) {
	set := kernel(t, 64)
	key := insert(t, set, 1, false, maps.StateUDP, time.Hour)
	c, err := set.Established.Lookup(key)
	if err != nil {
		t.Fatal(err)
	}
	partner := maps.ConnEntry{Key: key, Conn: c}.Partner()
	reply, err := set.Established.Lookup(partner)
	if err != nil {
		t.Fatal(err)
	}
	reply.Seen, _ = set.Clock.Now()
	if err := set.Established.Update(partner, reply); err != nil {
		t.Fatal(err)
	}
	if r := pass1(t, New(Over(set), Options{})); r.Expired != 0 || r.Established != 1 {
		t.Fatalf("%+v", r)
	}
}

func TestKernelDrift(t *testing.T) {
	set := kernel(t, 64)
	insert(t, set, 1, false, maps.StateEstablished, 0)
	insert(t, set, 2, true, maps.StateSynRecv, 0)
	if err := set.Loads.Add(1, maps.Load{Active: 2, HalfOpen: 7}); err != nil {
		t.Fatal(err)
	}
	s := New(Over(set), Options{})
	pass1(t, s)
	if r := pass1(t, s); r.Drift != 2 || r.Corrected != 7 {
		t.Fatalf("%+v", r)
	}
	wantLoad(t, set, maps.Load{Active: 3, HalfOpen: 1})
}

// A large table is swept in short pieces.
func TestKernelLargeTable(t *testing.T) {
	set := kernel(t, 20_000)
	for n := range 20_000 {
		insert(t, set, n, false, maps.StateEstablished, time.Duration(n%2)*time.Hour)
	}
	r := pass1(t, New(Over(set), Options{}))
	if r.Expired != 10_000 || r.Established != 10_000 {
		t.Fatalf("%+v", r)
	}
	t.Logf("40,000 entries, half of them expired: %v, of it %v working", r.Took, r.Busy)
	wantLoad(t, set, maps.Load{Active: 10_000})
}
