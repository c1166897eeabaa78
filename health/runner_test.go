// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var errRefused = errors.New("connection refused")

// world is a prober over servers that only exist here.
type world struct {
	mu       sync.Mutex
	down     map[netip.AddrPort]error
	silent   map[netip.AddrPort]bool // neither answers nor refuses
	attempts map[netip.AddrPort][]time.Time
	busy     int
}

func newWorld() *world {
	return &world{
		down: map[netip.AddrPort]error{}, silent: map[netip.AddrPort]bool{},
		attempts: map[netip.AddrPort][]time.Time{},
	}
}

func (w *world) Probe(ctx context.Context, addr netip.AddrPort) error {
	w.mu.Lock()
	w.attempts[addr] = append(w.attempts[addr], time.Now())
	err, silent := w.down[addr], w.silent[addr]
	w.busy++
	w.mu.Unlock()
	defer func() { w.mu.Lock(); w.busy--; w.mu.Unlock() }()
	if silent {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func (w *world) set(addr netip.AddrPort, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down[addr] = err
}

func (w *world) hush(addr netip.AddrPort, silent bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent[addr] = silent
}

func (w *world) count(addr netip.AddrPort) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.attempts[addr])
}

func target(id string, s Settings) Target[string] {
	return Target[string]{ID: id, Addr: netip.MustParseAddrPort(id), Settings: s}
}

const a, b = "10.0.0.1:80", "10.0.0.2:80"

// virtual runs a test in virtual time with a running Runner.
func virtual(t *testing.T, f func(t *testing.T, w *world, r *Runner[string])) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		r := NewRunner[string](w)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		f(t, w, r)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if w.busy != 0 {
			t.Errorf("%d attempts outlive Run", w.busy)
		}
	})
}

// pass lets virtual time go by.
func pass(d time.Duration) {
	time.Sleep(d) // virtual: synctest
	synctest.Wait()
}

func TestRunnerStartsUpAndChecksWithinASecond(t *testing.T) {
	virtual(t, func(t *testing.T, w *world, r *Runner[string]) {
		w.set(netip.MustParseAddrPort(a), errRefused)
		r.Set([]Target[string]{target(a, fiveSeconds()), target(b, fiveSeconds())})
		synctest.Wait()
		for _, id := range []string{a, b} {
			if got := r.Results()[id]; !got.Up {
				t.Errorf("%s is down before any check: %+v", id, got)
			}
		}
		pass(time.Second)
		results := r.Results()
		if got := results[a]; got.Up || !errors.Is(got.Err, errRefused) || got.Failed == 0 {
			t.Errorf("%s refuses, but: %+v", a, got)
		}
		if got := results[b]; !got.Up || got.Err != nil || got.Passed == 0 || got.Checked.IsZero() {
			t.Errorf("%s is well, but: %+v", b, got)
		}
	})
}

func TestRunnerInterval(t *testing.T) {
	virtual(t, func(t *testing.T, w *world, r *Runner[string]) {
		addr := netip.MustParseAddrPort(a)
		r.Set([]Target[string]{target(a, fiveSeconds())})
		pass(100 * time.Second)
		times := w.attempts[addr]
		if len(times) < 20 || len(times) > 22 {
			t.Fatalf("%d checks in 100 s, want about 20", len(times))
		}
		for i := range times[2:] {
			if d := times[i+2].Sub(times[i+1]); d != 5*time.Second {
				t.Errorf("checks %d and %d are %v apart", i+1, i+2, d)
			}
		}
	})
}

func TestRunnerTellsOfChangesOnly(t *testing.T) {
	virtual(t, func(t *testing.T, w *world, r *Runner[string]) {
		addr := netip.MustParseAddrPort(a)
		news := func() bool {
			select {
			case <-r.Changed():
				return true
			default:
				return false
			}
		}
		r.Set([]Target[string]{target(a, fiveSeconds())})
		pass(time.Second)
		if !news() {
			t.Error("the first check was not told")
		}
		pass(time.Minute)
		if news() {
			t.Error("told although nothing changed")
		}
		w.set(addr, errRefused)
		pass(5 * time.Second)
		if !news() || r.Results()[a].Up {
			t.Errorf("going down was not told: %+v", r.Results()[a])
		}
		down := r.Results()[a].Since
		pass(time.Minute)
		if got := r.Results()[a]; got.Since != down {
			t.Errorf("down since %v became %v", down, got.Since)
		}
		w.set(addr, nil)
		pass(5 * time.Second)
		if got := r.Results()[a]; !news() || !got.Up || got.Err != nil || !got.Since.After(down) {
			t.Errorf("coming back was not told: %+v", got)
		}
	})
}

func TestRunnerTimeout(t *testing.T) {
	virtual(t, func(t *testing.T, w *world, r *Runner[string]) {
		addr := netip.MustParseAddrPort(a)
		pass(time.Second)
		r.Set([]Target[string]{target(a, fiveSeconds())})
		pass(time.Second)
		w.hush(addr, true)
		pass(5 * time.Second) // the next check has begun
		pass(3 * time.Second) // and has timed out
		got := r.Results()[a]
		if got.Up || !errors.Is(got.Err, context.DeadlineExceeded) || got.Took != 3*time.Second {
			t.Errorf("%+v", got)
		}
	})
}

func TestRunnerSetKeepsWhatIsUnchanged(t *testing.T) {
	virtual(t, func(t *testing.T, w *world, r *Runner[string]) {
		addrB := netip.MustParseAddrPort(b)
		w.set(addrB, errRefused)
		r.Set([]Target[string]{target(a, fiveSeconds()), target(b, fiveSeconds())})
		pass(10 * time.Second)
		before := w.count(netip.MustParseAddrPort(a))
		for range 50 { // reloads of the same file
			r.Set([]Target[string]{target(a, fiveSeconds()), target(b, fiveSeconds())})
			synctest.Wait()
		}
		if after := w.count(netip.MustParseAddrPort(a)); after != before {
			t.Errorf("%d more checks by setting the same again", after-before)
		}
		slower := fiveSeconds()
		slower.Interval = time.Minute
		r.Set([]Target[string]{target(b, slower)})
		synctest.Wait()
		results := r.Results()
		if _, there := results[a]; there {
			t.Error("a removed target still has a result")
		}
		if results[b].Up {
			t.Error("a changed setting forgot the verdict")
		}
		checksOfA := w.count(netip.MustParseAddrPort(a))
		pass(time.Minute)
		if w.count(netip.MustParseAddrPort(a)) != checksOfA {
			t.Error("a removed target is still checked")
		}
	})
}

// TestRunnerRemovalDuringAnAttempt: what was removed stores nothing any more.
func TestRunnerRemovalDuringAnAttempt(t *testing.T) {
	virtual(t, func(t *testing.T, w *world, r *Runner[string]) {
		w.hush(netip.MustParseAddrPort(a), true)
		r.Set([]Target[string]{target(a, fiveSeconds())})
		pass(1500 * time.Millisecond)
		if w.busy != 1 {
			t.Fatalf("%d attempts under way", w.busy)
		}
		r.Set(nil)
		pass(time.Minute)
		if len(r.Results()) != 0 || w.busy != 0 {
			t.Errorf("left behind: %+v, %d attempts", r.Results(), w.busy)
		}
	})
}

// TestRunnerSpreads: a thousand targets that start together are not checked
// together.
func TestRunnerSpreads(t *testing.T) {
	virtual(t, func(t *testing.T, w *world, r *Runner[string]) {
		var targets []Target[string]
		for i := range 1000 {
			addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i / 250), byte(i % 250)}), 80)
			targets = append(targets, target(addr.String(), fiveSeconds()))
		}
		began := time.Now()
		r.Set(targets)
		pass(60 * time.Second)
		buckets := map[int]int{}
		for _, times := range w.attempts {
			for _, at := range times {
				if d := at.Sub(began); d >= 10*time.Second && d < 15*time.Second {
					buckets[int(d/(500*time.Millisecond))]++
				}
			}
		}
		for bucket, n := range buckets {
			if n > 200 { // 100 on average
				t.Errorf("%d checks in half second %d", n, bucket)
			}
		}
		if len(buckets) != 10 {
			t.Errorf("checks in only %d of 10 half seconds", len(buckets))
		}
	})
}
