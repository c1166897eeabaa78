// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
)

// numbered is the n-th of many keys.
func numbered(n int) Tuple {
	return Tuple{
		Src:   netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), uint16(1+n%60000)),
		Dst:   addrPort("192.0.2.1:80"),
		Proto: 17,
	}
}

func TestAllSeesEveryEntryOnce(t *testing.T) {
	set, _ := newSet(t)
	for _, n := range []int{0, 1, batchSize - 1, batchSize, batchSize + 1, 3*batchSize + 7} {
		for i := range n {
			check(t, set.Established.Update(numbered(i), Conn{Src: addrPort("192.0.2.9:1"), Dst: addrPort("192.0.2.9:2"), Service: uint32(i)}))
		}
		seen := map[Tuple]uint32{}
		for e, err := range set.Established.All() {
			check(t, err)
			if _, twice := seen[e.Key]; twice {
				t.Errorf("%v came twice", e.Key)
			}
			seen[e.Key] = e.Service
		}
		if len(seen) != n {
			t.Errorf("saw %d entries of %d", len(seen), n)
		}
		for i := range n {
			if got := seen[numbered(i)]; got != uint32(i) {
				t.Fatalf("entry %d has %d", i, got)
			}
		}
	}
}

func TestAllStopsWhenAsked(t *testing.T) {
	set, _ := newSet(t)
	e, _ := halves()
	for i := range 10 {
		check(t, set.Established.Insert(numbered(i), e.Conn))
	}
	n := 0
	for _, err := range set.Established.All() {
		check(t, err)
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("saw %d entries, wanted 3", n)
	}
}

// TestAllWhileTheTableChanges walks 2000 entries that stay while others come
// and go: those that stay are seen exactly once.
func TestAllWhileTheTableChanges(t *testing.T) {
	set, _ := newSet(t)
	const stay, churn = 2000, 1000
	e, _ := halves()
	for i := range stay {
		check(t, set.Established.Insert(numbered(i), e.Conn))
	}
	var stop atomic.Bool
	var rounds atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for !stop.Load() {
			for i := stay; i < stay+churn; i++ {
				if err := set.Established.Update(numbered(i), e.Conn); err != nil {
					t.Errorf("update: %v", err)
					return
				}
			}
			for i := stay; i < stay+churn; i++ {
				if err := set.Established.Delete(numbered(i)); err != nil {
					t.Errorf("delete: %v", err)
					return
				}
			}
			rounds.Add(1)
		}
	})
	walks := 0
	for ; walks < 200 || rounds.Load() < 20; walks++ {
		walkOnce(t, set.Established, stay)
		if t.Failed() {
			break
		}
	}
	stop.Store(true)
	wg.Wait()
	t.Logf("%d walks during %d rounds of %d changes", walks, rounds.Load(), 2*churn)
}

// walkOnce checks that one walk sees the first stay entries exactly once.
func walkOnce(t *testing.T, table *ConnTable, stay int) {
	seen := make(map[Tuple]int, stay)
	for e, err := range table.All() {
		if err != nil {
			t.Errorf("walk: %v", err)
			return
		}
		seen[e.Key]++
	}
	for i := range stay {
		if got := seen[numbered(i)]; got != 1 {
			t.Errorf("an entry that stays was seen %d times", got)
			return
		}
	}
}

func TestAllAfterClose(t *testing.T) {
	set, _ := newSet(t)
	check(t, set.Close())
	n := 0
	for _, err := range set.Established.All() {
		n++
		if !errors.Is(err, ErrClosed) {
			t.Errorf("error %v, want %v", err, ErrClosed)
		}
	}
	if n != 1 {
		t.Errorf("the walk yielded %d times, want one error", n)
	}
}
