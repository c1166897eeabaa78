// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xlb-project/xlb/maps"
)

func pass1(t *testing.T, s *Sweeper) Report {
	t.Helper()
	r, err := s.Pass(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !r.Complete {
		t.Fatal("a whole sweep says that it is not complete")
	}
	return r
}

func TestEachStateHasItsTime(t *testing.T) {
	timeouts := maps.DefaultTimeouts()
	for state := maps.StateEstablished; state < maps.StateMax; state++ {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(1)
			f.open(1, false, 1, state)
			s := New(f, Options{})
			time.Sleep(timeouts[state])
			if r := pass1(t, s); r.Expired != 0 {
				t.Fatalf("%v: removed after %v, at its timeout", state, timeouts[state])
			}
			time.Sleep(time.Second / 4)
			if r := pass1(t, s); r.Expired != 1 || len(f.est) != 0 {
				t.Fatalf("%v: not removed after its timeout: %+v, %v", state, r, f)
			}
			if f.loads[1] != (maps.Load{}) {
				t.Fatalf("%v: counts %+v", state, f.loads[1])
			}
		})
	}
}

// A connection is idle only when both halves are.
func TestOneBusyHalfKeepsAConnection(t *testing.T) {
	for _, busy := range []string{"request", "reply"} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(1)
			key := f.open(1, false, 1, maps.StateUDP)
			e := maps.ConnEntry{Key: key, Conn: *f.est[key]}
			time.Sleep(time.Hour)
			if busy == "reply" {
				key = e.Partner()
			}
			f.est[key].Seen = f.now()
			if r := pass1(t, New(f, Options{})); r.Expired != 0 || r.Established != 1 || len(f.est) != 2 {
				t.Fatalf("%s half is busy, and yet: %+v, %v", busy, r, f)
			}
		})
	}
}

func TestHalfWithoutPartner(t *testing.T) {
	for _, halfOpen := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(1)
			delete(f.table(halfOpen), f.add(1, halfOpen, 1, maps.StateSynRecv))
			s := New(f, Options{})
			if r := pass1(t, s); r.Reals[1] != 1 || r.Established+r.HalfOpen != 0 {
				t.Fatalf("before its time: %+v", r)
			}
			time.Sleep(2 * time.Minute)
			pass1(t, s)
			if len(f.half)+len(f.est) != 0 {
				t.Fatalf("a reply half alone stays for ever: %v", f)
			}
		})
	}
}

// A connection that moved on is counted where it went.
func TestPromoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.open(1, true, 1, maps.StateSynRecv)
		f.promote(1)
		r := pass1(t, New(f, Options{}))
		if r.HalfOpen != 0 || r.Established != 1 || f.calls != 0 {
			t.Fatalf("%+v, %d removals tried", r, f.calls)
		}
		if r.Reals[1] != 2 {
			t.Fatalf("references: %v", r.Reals)
		}
	})
}

// A claimed entry is somebody else's to remove: neither tried, nor counted.
func TestClaimedEntriesAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		for _, halfOpen := range []bool{true, false} {
			key := f.add(1, halfOpen, 1, maps.StateSynRecv)
			f.table(halfOpen)[key].State = maps.StateDead
		}
		if r := pass1(t, New(f, Options{})); r.HalfOpen+r.Established != 0 || f.calls != 0 {
			t.Fatalf("%+v, %d removals tried", r, f.calls)
		}
	})
}

// A connection that moves to the established table during the walk is seen.
func TestPromotionDuringTheWalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		for n := range 6 {
			f.open(n, true, 1, maps.StateSynRecv)
		}
		n := 0
		f.during = func() {
			f.promote(n)
			n++
		}
		if r := pass1(t, New(f, Options{})); r.Reals[1] < 6 {
			t.Fatalf("references: %v, want each of 6 connections", r.Reals)
		}
	})
}

func TestReferences(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1, 2, 3)
		f.open(1, false, 1, maps.StateEstablished)
		f.open(2, true, 2, maps.StateSynRecv)
		r := pass1(t, New(f, Options{}))
		if r.Reals[1] != 2 || r.Reals[2] != 2 || r.Reals[3] != 0 {
			t.Fatalf("real servers %v", r.Reals)
		}
		if !r.Hops[1] || !r.Hops[2] || r.Hops[3] || r.Hops[0] {
			t.Fatalf("next hops %v", r.Hops)
		}
	})
}

func TestBrokenWalk(t *testing.T) {
	f := newFake(1)
	f.open(1, false, 1, maps.StateEstablished)
	f.loads[1] = maps.Load{Active: 5}
	f.err = errors.New("no more")
	r, err := New(f, Options{}).Pass(t.Context())
	if !errors.Is(err, f.err) || r.Complete || r.Drift != 0 {
		t.Fatalf("got %+v, %v", r, err)
	}
}

// CLOSE lasts 10 s; with sweeps by themselves it is gone a fifth later.
func TestRunKeepsTheShortestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		f.open(1, false, 1, maps.StateClose)
		ctx, cancel := context.WithCancel(t.Context())
		var gone time.Duration
		began := time.Now()
		go func() {
			_ = New(f, Options{}).Run(ctx, func(r Report, err error) {
				if err != nil {
					t.Error(err)
				}
				if r.Expired == 1 {
					gone = time.Since(began)
				}
			})
		}()
		time.Sleep(time.Minute)
		cancel()
		synctest.Wait()
		if gone < 10*time.Second || gone > 12*time.Second+time.Second/4 {
			t.Fatalf("removed after %v", gone)
		}
	})
}

func TestRestsBetweenBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1)
		for n := range 100 {
			f.open(n, false, 1, maps.StateEstablished)
		}
		f.during = func() { time.Sleep(100 * time.Microsecond) }
		r := pass1(t, New(f, Options{Batch: 10}))
		// 200 entries of 0.1 ms; after 10 of them, 1 ms, a rest of 3 ms.
		if r.Busy < 20*time.Millisecond || r.Busy > 21*time.Millisecond || r.Took-r.Busy < 56*time.Millisecond {
			t.Fatalf("took %v, busy %v", r.Took, r.Busy)
		}
	})
}

func TestWaitsLongerAfterMoreWork(t *testing.T) {
	s := New(newFake(), Options{})
	for _, tt := range []struct {
		r    Report
		want time.Duration
	}{
		{Report{}, 2 * time.Second},
		{Report{Busy: 50 * time.Millisecond, Took: 200 * time.Millisecond}, 2 * time.Second},
		{Report{Busy: 250 * time.Millisecond, Took: time.Second}, 4 * time.Second},
	} {
		if got := s.wait(tt.r); got != tt.want {
			t.Errorf("after %v of work in %v: %v, want %v", tt.r.Busy, tt.r.Took, got, tt.want)
		}
	}
}

func TestCancelled(t *testing.T) {
	f := newFake(1)
	for n := range 10 {
		f.open(n, false, 1, maps.StateEstablished)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := New(f, Options{Batch: 5}).Pass(ctx)
	if !errors.Is(err, context.Canceled) || r.Complete {
		t.Fatalf("got %+v, %v", r, err)
	}
}
