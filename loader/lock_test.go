// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	first, err := Acquire(t.Context(), dir, 0)
	check(t, err)
	_, err = Acquire(t.Context(), dir, 50*time.Millisecond)
	wantError(t, err, ErrLocked, filepath.Join(dir, "lock"), fmt.Sprintf("%s, process %d,", filepath.Base(os.Args[0]), os.Getpid()))
	wantError(t, err, context.DeadlineExceeded)
	check(t, first.Release())
	check(t, first.Release())
	second, err := Acquire(t.Context(), dir, 50*time.Millisecond)
	check(t, err)
	check(t, second.Release())
}

func TestLockWaits(t *testing.T) {
	dir := t.TempDir()
	first, err := Acquire(t.Context(), dir, 0)
	check(t, err)
	got := make(chan error, 1)
	go func() {
		second, err := Acquire(t.Context(), dir, 10*time.Second)
		if err == nil {
			err = second.Release()
		}
		got <- err
	}()
	check(t, first.Release())
	check(t, <-got)
}

func TestLockCancelled(t *testing.T) {
	dir := t.TempDir()
	first, err := Acquire(t.Context(), dir, 0)
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Acquire(ctx, dir, time.Hour)
	wantError(t, err, context.Canceled)
	check(t, first.Release())
}

// TestLockExcludes has many writers: never is more than one inside.
func TestLockExcludes(t *testing.T) {
	dir := t.TempDir()
	var inside, turns atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				l, err := Acquire(t.Context(), dir, 30*time.Second)
				if err != nil {
					t.Error(err)
					return
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d writers at once", n)
				}
				turns.Add(1)
				inside.Add(-1)
				if err := l.Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := turns.Load(); n != 40 {
		t.Errorf("%d turns of 40", n)
	}
}

func TestTwoWriters(t *testing.T) {
	s := newSite(t)
	lock, err := Acquire(t.Context(), s.options.Run, 0)
	check(t, err)
	_, err = s.attach(func(o *Options) { o.LockTimeout = 50 * time.Millisecond })
	wantError(t, err, ErrLocked, "has the lock")
	out := s.mustAttach(func(o *Options) { o.Lock = lock })
	if !out.Created {
		t.Errorf("attachment %+v", out)
	}
	check(t, lock.Release())
}
