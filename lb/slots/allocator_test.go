// SPDX-License-Identifier: Apache-2.0

package slots_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/lb/slots"
)

// clock is a time that moves only when told to.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func (c *clock) sleep(d time.Duration) { c.now = c.now.Add(d) }

const rest = 100 * time.Millisecond

func newAllocator(size uint32) (*slots.Allocator, *clock) {
	c := &clock{time.Unix(1000, 0)}
	return slots.NewAllocator(size, rest, c.read), c
}

func allocate(t *testing.T, a *slots.Allocator, n, want uint32) {
	t.Helper()
	if got, err := a.Allocate(n); got != want || err != nil {
		t.Fatalf("Allocate(%d) = %d, %v, want %d", n, got, err, want)
	}
}

func free(t *testing.T, a *slots.Allocator, base, n uint32) {
	t.Helper()
	if err := a.Free(base, n); err != nil {
		t.Fatalf("Free(%d, %d): %v", base, n, err)
	}
}

func TestFirstFit(t *testing.T) {
	a, clock := newAllocator(10)
	allocate(t, a, 3, 0)
	allocate(t, a, 2, 3)
	allocate(t, a, 4, 5)
	free(t, a, 0, 3)
	clock.sleep(rest)
	allocate(t, a, 2, 0)
	allocate(t, a, 1, 2)
	allocate(t, a, 1, 9)
	allocate(t, a, 0, 0) // always fits
	if _, err := a.Allocate(1); !errors.Is(err, slots.ErrFull) {
		t.Errorf("no room: %v, want an ErrFull", err)
	}
	if a.Used() != 10 {
		t.Errorf("%d slots used, want 10", a.Used())
	}
}

func TestFreedRangesRest(t *testing.T) {
	a, clock := newAllocator(4)
	allocate(t, a, 4, 0)
	free(t, a, 0, 2)
	clock.sleep(60 * time.Millisecond)
	free(t, a, 2, 2)
	if a.Used() != 0 {
		t.Errorf("%d slots used, want 0: they only rest", a.Used())
	}
	for _, test := range []struct {
		n    uint32
		wait time.Duration
	}{{2, 40 * time.Millisecond}, {3, 100 * time.Millisecond}} {
		var resting *slots.RestingError
		if _, err := a.Allocate(test.n); !errors.As(err, &resting) || resting.Wait != test.wait {
			t.Errorf("Allocate(%d): %v, want to wait %s", test.n, err, test.wait)
		}
	}
	if _, err := a.Allocate(5); !errors.Is(err, slots.ErrFull) {
		t.Errorf("more than there is: %v, want an ErrFull", err)
	}
	clock.sleep(40*time.Millisecond - 1)
	if _, err := a.Allocate(1); err == nil {
		t.Errorf("given out a moment too early")
	}
	clock.sleep(1)
	allocate(t, a, 1, 0)
	clock.sleep(60 * time.Millisecond)
	allocate(t, a, 3, 1) // both ranges are one
}

func TestFreedPiecesJoin(t *testing.T) {
	for _, order := range [][]uint32{{0, 1, 2}, {2, 1, 0}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}} {
		a, clock := newAllocator(6)
		allocate(t, a, 6, 0)
		for _, i := range order {
			free(t, a, 2*i, 2)
			clock.sleep(rest)
		}
		allocate(t, a, 6, 0)
	}
}

func TestReserve(t *testing.T) {
	a, _ := newAllocator(10)
	for _, r := range [][2]uint32{{2, 3}, {7, 1}, {9, 1}, {0, 0}} {
		if err := a.Reserve(r[0], r[1]); err != nil {
			t.Fatalf("Reserve(%d, %d): %v", r[0], r[1], err)
		}
	}
	for _, r := range [][2]uint32{{2, 1}, {1, 2}, {4, 2}, {9, 2}, {10, 1}, {5, 1<<32 - 3}} {
		if err := a.Reserve(r[0], r[1]); !errors.Is(err, slots.ErrOverlap) {
			t.Errorf("Reserve(%d, %d): %v, want an ErrOverlap", r[0], r[1], err)
		}
	}
	allocate(t, a, 2, 0)
	allocate(t, a, 2, 5)
	allocate(t, a, 1, 8)
}

func TestFreeOfWhatIsNotUsed(t *testing.T) {
	a, _ := newAllocator(10)
	allocate(t, a, 5, 0)
	free(t, a, 1, 2)
	free(t, a, 0, 0)
	for _, r := range [][2]uint32{{5, 1}, {4, 2}, {1, 1}, {0, 2}, {9, 2}, {3, 1<<32 - 1}} {
		if err := a.Free(r[0], r[1]); !errors.Is(err, slots.ErrOverlap) {
			t.Errorf("Free(%d, %d): %v, want an ErrOverlap", r[0], r[1], err)
		}
	}
	free(t, a, 3, 2)
}

// usage is what a test believes of each slot.
type usage struct {
	owner   []int // 0: free or resting
	rested  []time.Time
	ranges  map[int][2]uint32
	counter int
}

// Against a model that looks at each slot: nothing is given out twice, or
// before it has rested; first fit; full only when it is.
func TestAllocatorModel(t *testing.T) {
	const size = 24
	rapid.Check(t, func(t *rapid.T) {
		a, clock := newAllocator(size)
		u := usage{make([]int, size), make([]time.Time, size), map[int][2]uint32{}, 0}
		t.Repeat(map[string]func(*rapid.T){
			"allocate": func(t *rapid.T) { u.allocate(t, a, clock, rapid.Uint32Range(1, 8).Draw(t, "n")) },
			"free":     func(t *rapid.T) { u.free(t, a, clock) },
			"sleep":    func(t *rapid.T) { clock.sleep(time.Duration(rapid.IntRange(0, 120).Draw(t, "ms")) * time.Millisecond) },
			"": func(t *rapid.T) {
				if a.Used() != u.used() {
					t.Fatalf("%d used, want %d", a.Used(), u.used())
				}
			},
		})
	})
}

func (u *usage) allocate(t *rapid.T, a *slots.Allocator, clock *clock, n uint32) {
	base, err := a.Allocate(n)
	want, ok := u.first(int(n), func(i int) bool { return u.owner[i] == 0 && !clock.now.Before(u.rested[i]) })
	if ok != (err == nil) || ok && base != want {
		t.Fatalf("Allocate(%d) = %d, %v; the first place is %d (%t)", n, base, err, want, ok)
	}
	if !ok {
		_, later := u.first(int(n), func(i int) bool { return u.owner[i] == 0 })
		if errors.Is(err, slots.ErrFull) == later {
			t.Fatalf("Allocate(%d): %v, but room later: %t", n, err, later)
		}
		return
	}
	u.counter++
	u.ranges[u.counter] = [2]uint32{base, n}
	u.mark(base, n, u.counter)
}

func (u *usage) free(t *rapid.T, a *slots.Allocator, clock *clock) {
	if len(u.ranges) == 0 {
		return
	}
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(u.ranges))).Draw(t, "range")
	r := u.ranges[id]
	delete(u.ranges, id)
	if err := a.Free(r[0], r[1]); err != nil {
		t.Fatalf("Free(%d, %d): %v", r[0], r[1], err)
	}
	u.mark(r[0], r[1], 0)
	for i := r[0]; i < r[0]+r[1]; i++ {
		u.rested[i] = clock.now.Add(rest)
	}
}

func (u *usage) used() (n uint32) {
	for _, r := range u.ranges {
		n += r[1]
	}
	return n
}

func (u *usage) mark(base, n uint32, owner int) {
	for i := base; i < base+n; i++ {
		u.owner[i] = owner
	}
}

// first is the first place with n suitable slots in a row.
func (u *usage) first(n int, suits func(int) bool) (uint32, bool) {
	run := 0
	for i := range u.owner {
		run++
		if !suits(i) {
			run = 0
		}
		if run == n {
			return uint32(i + 1 - n), true
		}
	}
	return 0, false
}
