// SPDX-License-Identifier: Apache-2.0

package ids

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Unix(1000, 0)

func take(t *testing.T, p *Pool, now time.Time) uint32 {
	t.Helper()
	id, err := p.Take(now)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestZeroIsNeverGivenOut(t *testing.T) {
	p := NewPool(3)
	if a, b := take(t, p, start), take(t, p, start); a != 1 || b != 2 {
		t.Fatalf("got %d and %d, want 1 and 2", a, b)
	}
	if _, err := p.Take(start); !errors.Is(err, ErrFull) {
		t.Fatalf("a third of two: %v, want ErrFull", err)
	}
}

func TestReturnedNumbersRest(t *testing.T) {
	p := NewPool(3)
	take(t, p, start)
	take(t, p, start)
	p.Return(2, start)
	p.Return(1, start.Add(time.Millisecond))
	if _, err := p.Take(start.Add(Rest - 1)); !errors.Is(err, ErrFull) {
		t.Fatalf("a resting number was given out: %v", err)
	}
	if id := take(t, p, start.Add(Rest)); id != 2 {
		t.Fatalf("got %d, want 2, which rested longest", id)
	}
	if _, err := p.Take(start.Add(Rest)); !errors.Is(err, ErrFull) {
		t.Fatalf("1 rests still: %v", err)
	}
}

func TestFreshNumbersFirst(t *testing.T) {
	p := NewPool(4)
	p.Return(take(t, p, start), start)
	if id := take(t, p, start.Add(time.Hour)); id != 2 {
		t.Fatalf("got %d, want the fresh 2", id)
	}
}

func TestReturnTwice(t *testing.T) {
	p := NewPool(2)
	p.Adopt(1)
	p.Return(1, start)
	p.Return(1, start)
	later := start.Add(Rest)
	if id := take(t, p, later); id != 1 {
		t.Fatalf("got %d", id)
	}
	if _, err := p.Take(later.Add(time.Hour)); !errors.Is(err, ErrFull) {
		t.Fatalf("1 was given out twice: %v", err)
	}
}

// Whatever the order of calls: no number is held twice, none is 0 or beyond
// the limit, none comes back before its rest.
func TestPoolProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const size = 12
		p, now := NewPool(size), start
		held := map[uint32]bool{}
		rested := map[uint32]time.Time{}
		for _, id := range rapid.SliceOfDistinct(rapid.Uint32Range(1, size-1), rapid.ID[uint32]).Draw(t, "adopted") {
			p.Adopt(id)
			held[id] = true
		}
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				id, err := p.Take(now)
				if err != nil {
					return
				}
				if held[id] || id == 0 || id >= size {
					t.Fatalf("gave out %d; held: %v", id, held)
				}
				if at, ok := rested[id]; ok && now.Sub(at) < Rest {
					t.Fatalf("%d rested only %v", id, now.Sub(at))
				}
				held[id] = true
			},
			"return": func(t *rapid.T) {
				id := rapid.Uint32Range(0, size).Draw(t, "id")
				p.Return(id, now)
				if held[id] {
					rested[id] = now
				}
				delete(held, id)
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(Rest)).Draw(t, "wait")))
			},
			"": func(t *rapid.T) {
				if p.Len() != len(held) {
					t.Fatalf("Len %d, want %d", p.Len(), len(held))
				}
				for id := uint32(0); id <= size; id++ {
					if p.Used(id) != held[id] {
						t.Fatalf("Used(%d) = %v", id, p.Used(id))
					}
				}
			},
		})
	})
}
