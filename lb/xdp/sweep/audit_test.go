// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/maps"
)

func TestDriftNeedsTwoLooks(t *testing.T) {
	f := newFake(1, 2)
	f.open(1, false, 1, maps.StateEstablished)
	f.open(2, false, 2, maps.StateTimeWait)
	s := New(f, Options{})
	want := func(drift int64) {
		t.Helper()
		if r := pass1(t, s); r.Drift != drift || r.Unstable != 0 {
			t.Fatalf("drift %d, %d unstable, want %d and 0", r.Drift, r.Unstable, drift)
		}
	}
	want(0)
	f.loads[1] = maps.Load{Active: 3}
	f.loads[2] = maps.Load{Inactive: -1, Total: 9}
	want(0)
	want(4) // 2 too many, 2 too few
	want(4)
	f.loads[1] = maps.Load{Active: 1}
	want(4)
	want(2)
	if f.loads[2].Inactive != -1 {
		t.Fatal("a defect was hidden by mending it")
	}
	delete(f.loads, 2)
	want(0)
}

// Counts that change during the walk are not judged.
func TestBusyRealServerIsNotVerified(t *testing.T) {
	f := newFake(1, 2)
	f.open(1, false, 1, maps.StateEstablished)
	f.open(2, false, 2, maps.StateEstablished)
	s := New(f, Options{})
	n := 10
	f.during = func() { // opened behind the walk
		if n < 20 {
			f.open(200-n, false, 1, maps.StateEstablished)
			n++
		}
	}
	for range 3 {
		if r := pass1(t, s); r.Drift != 0 {
			t.Fatalf("drift %d is the walk's, not the counts'", r.Drift)
		}
	}
	f.during = nil
	pass1(t, s)
	if r := pass1(t, s); r.Drift != 0 || r.Unstable != 0 || r.Established != 12 {
		t.Fatalf("%+v", r)
	}
}

// What the sweep removes is no change of somebody else's.
func TestOwnRemovalsAreNotInstability(t *testing.T) {
	f := newFake(1)
	f.open(1, false, 1, maps.StateEstablished)
	gone := f.open(2, false, 1, maps.StateClose)
	f.est[gone].Seen -= rate.Ticks(1e12)
	f.est[maps.ConnEntry{Key: gone, Conn: *f.est[gone]}.Partner()].Seen -= rate.Ticks(1e12)
	r := pass1(t, New(f, Options{}))
	if r.Expired != 1 || r.Unstable != 0 {
		t.Fatalf("%+v", r)
	}
}

func TestEvictionsAreCorrected(t *testing.T) {
	f := newFake(1)
	s := New(f, Options{})
	for n := range 20 {
		f.open(n, true, 1, maps.StateSynRecv)
	}
	for n := range 15 {
		f.evict(n)
	}
	if r := pass1(t, s); r.Corrected != 0 || f.loads[1].HalfOpen != 20 {
		t.Fatalf("corrected at the first look: %+v", r)
	}
	if r := pass1(t, s); r.Corrected != 15 || f.loads[1].HalfOpen != 5 {
		t.Fatalf("%+v, %+v", r, f.loads[1])
	}
	for range 3 {
		if r := pass1(t, s); r.Corrected != 0 || r.Drift != 0 {
			t.Fatalf("corrected again: %+v", r)
		}
	}
	f.loads[1] = maps.Load{HalfOpen: 2, Total: 20}
	pass1(t, s)
	if r := pass1(t, s); r.Corrected != -3 || f.loads[1].HalfOpen != 5 {
		t.Fatalf("too few: %+v, %+v", r, f.loads[1])
	}
}

// While connections come and go all the time, the surplus is still found, as
// far as it is certain.
func TestEvictionsAreCorrectedUnderLoad(t *testing.T) {
	f := newFake(1)
	s := New(f, Options{})
	for n := range 100 {
		f.open(n, true, 1, maps.StateSynRecv)
	}
	for n := range 90 {
		f.evict(n)
	}
	next, room := 100, 0
	f.during = func() { // one comes, one moves on, at the first steps of every walk
		if room--; room > 0 {
			f.open(next, true, 1, maps.StateSynRecv)
			f.promote(next - 3)
			next++
		}
	}
	for range 10 {
		room = 21
		pass1(t, s)
	}
	if e := f.halfOpenError(1); e < 0 || e > 45 {
		t.Fatalf("the count is too high by %d, of 90: %v", e, f)
	}
	f.during = nil
	pass1(t, s)
	pass1(t, s)
	if e := f.halfOpenError(1); e != 0 {
		t.Fatalf("at rest the count is off by %d", e)
	}
}

// Whatever happens during walks: a correction never goes beyond the error, and
// at rest a few sweeps leave none. The exact counts are never said to drift.
func TestAuditProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFake(1, 2)
		s := New(f, Options{})
		n := 0
		act := func() {
			real := uint32(1 + n%2)
			old := n - rapid.IntRange(1, 8).Draw(t, "which")
			switch rapid.IntRange(0, 6).Draw(t, "action") {
			case 0, 1:
				f.open(n, true, real, maps.StateSynRecv)
				n++
			case 2:
				f.promote(old)
			case 3:
				f.evict(old)
			case 4:
				closeOne(f, old)
			case 5:
				endOne(f, old)
			}
		}
		budget := 0
		f.during = func() {
			if budget > 0 {
				budget--
				act()
			}
		}
		for range rapid.IntRange(1, 6).Draw(t, "sweeps") {
			for range rapid.IntRange(0, 20).Draw(t, "between") {
				act()
			}
			budget = rapid.IntRange(0, 15).Draw(t, "during")
			r, err := s.Pass(t.Context())
			if err != nil || r.Drift != 0 {
				t.Fatalf("%+v, %v", r, err)
			}
			for real := range f.loads {
				if e := f.halfOpenError(real); e < 0 {
					t.Fatalf("real server %d: corrected beyond the error, by %d", real, -e)
				}
			}
		}
		budget = 0
		for range 4 { // twice two: a look from before may agree on a part only
			if _, err := s.Pass(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for real := range f.loads {
			if e := f.halfOpenError(real); e != 0 {
				t.Fatalf("real server %d: off by %d at rest", real, e)
			}
		}
	})
}

// closeOne is a FIN: active to inactive.
func closeOne(f *fake, n int) {
	c := f.est[client(n)]
	if c == nil || c.State != maps.StateEstablished {
		return
	}
	f.count(*c, false, -1)
	c.State = maps.StateTimeWait
	f.count(*c, false, 1)
}

// endOne is a removal by the data path.
func endOne(f *fake, n int) {
	c := f.est[client(n)]
	if c == nil {
		return
	}
	f.count(*c, false, -1)
	delete(f.est, maps.ConnEntry{Key: client(n), Conn: *c}.Partner())
	delete(f.est, client(n))
}
