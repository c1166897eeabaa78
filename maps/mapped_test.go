// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/netns"
)

// two is a record of two words.
type two struct{ A, B uint64 }

// newTwo maps an array of n records of a test's own.
func newTwo(t testing.TB, n uint32) (*mapped[two], *ebpf.Map) {
	t.Helper()
	netns.NeedRoot(t)
	m, err := ebpf.NewMap(&ebpf.MapSpec{
		Name: "two", Type: ebpf.Array, KeySize: 4, ValueSize: 16, MaxEntries: n, Flags: unix.BPF_F_MMAPABLE,
	})
	check(t, err)
	t.Cleanup(func() { m.Close() })
	v, err := newMapped[two]("two", m)
	check(t, err)
	t.Cleanup(func() { v.close() })
	return v, m
}

func TestMappedIsTheMap(t *testing.T) {
	v, m := newTwo(t, 1000) // 16000 bytes: not a multiple of a page
	for _, i := range []uint32{0, 1, 255, 256, 999} {
		check(t, v.put(i, two{uint64(i), 7}, 1))
		var got two
		check(t, m.Lookup(i, &got))
		if got != (two{uint64(i), 7}) {
			t.Errorf("record %d is %v in the kernel", i, got)
		}
		check(t, m.Put(i, &two{8, 9}))
		if got, err := v.get(i); err != nil || got != (two{8, 9}) {
			t.Errorf("record %d is %v, %v in memory", i, got, err)
		}
	}
}

func TestMappedOperations(t *testing.T) {
	v, _ := newTwo(t, 4)
	check(t, v.store(1, 1, 10))
	check(t, v.add(1, 1, ^uint64(2))) // minus 3
	if got, err := v.load(1, 1); err != nil || got != 7 {
		t.Errorf("10-3 is %d, %v", got, err)
	}
	if ok, err := v.swap(1, 1, 8, 9); ok || err != nil {
		t.Errorf("swap of another value: %v, %v", ok, err)
	}
	if ok, err := v.swap(1, 1, 7, 9); !ok || err != nil {
		t.Errorf("swap: %v, %v", ok, err)
	}
	check(t, v.modify(1, func(r *two) { r.A = 5 }))
	if got, _ := v.get(1); got != (two{5, 9}) {
		t.Errorf("after modify: %v", got)
	}
	check(t, v.clear(1, 0))
	for i := range v.len() {
		if got, _ := v.get(i); got != (two{}) {
			t.Errorf("record %d is %v after clear", i, got)
		}
	}
}

func TestMappedRange(t *testing.T) {
	v, _ := newTwo(t, 4)
	_, err := v.get(4)
	if !errors.Is(err, ErrRange) || !strings.Contains(err.Error(), "index 4 of 4") {
		t.Errorf("beyond the end: %v", err)
	}
	if err := v.store(1<<31, 0, 1); !errors.Is(err, ErrRange) {
		t.Errorf("far beyond the end: %v", err)
	}
}

// TestMappedClose closes a mapping while it is read and written all the time.
func TestMappedClose(t *testing.T) {
	v, _ := newTwo(t, 4)
	var wg sync.WaitGroup
	started := make(chan struct{}, 4)
	for range 4 {
		wg.Go(func() {
			started <- struct{}{}
			for {
				_, err := v.get(3)
				if err == nil {
					err = v.add(3, 0, 1)
				}
				if err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Errorf("after close: %v", err)
					}
					return
				}
			}
		})
	}
	for range 4 {
		<-started
	}
	check(t, v.close())
	wg.Wait()
	if err := v.close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestMappedRefusesOtherSizes(t *testing.T) {
	_, m := newTwo(t, 4)
	if _, err := newMapped[bpf.LbReal]("two", m); err == nil || !strings.Contains(err.Error(), "16 bytes") {
		t.Errorf("a record of another size: %v", err)
	}
}

func TestMappedRefusesPlainArrays(t *testing.T) {
	netns.NeedRoot(t)
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 16, MaxEntries: 1})
	check(t, err)
	defer m.Close()
	if _, err := newMapped[two]("plain", m); err == nil || !strings.Contains(err.Error(), "map plain: mapping") {
		t.Errorf("an array without BPF_F_MMAPABLE: %v", err)
	}
}

// TestModifyKeepsOthersChanges has two writers change two halves of one word.
func TestModifyKeepsOthersChanges(t *testing.T) {
	netns.NeedRoot(t)
	set, _ := newSet(t)
	const n = 20000
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range uint32(n) {
			if err := set.Reals.SetWeight(1, i+1); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		for i := range uint32(n) {
			if err := set.Reals.SetNextHop(1, i+1); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	if r, err := set.Reals.Get(1); err != nil || r.Weight != n || r.NextHop != n {
		t.Errorf("weight %d, next hop %d, %v; want %d", r.Weight, r.NextHop, err, n)
	}
}
