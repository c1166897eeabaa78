// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// DefaultLockTimeout is how long a writer waits for another one.
const DefaultLockTimeout = 10 * time.Second

// lockPoll is how often a waiting writer tries again.
const lockPoll = 20 * time.Millisecond

// Lock is the right to change what is pinned. It is a flock(2) on the file
// "lock" in the run directory, which holds the pid and name of whoever has it;
// the kernel releases it when the holder ends, however that happens.
type Lock struct{ f *os.File }

// Acquire waits for the lock of a run directory, at most for timeout (0:
// [DefaultLockTimeout]). After that it fails with [ErrLocked] and says who has
// the lock.
func Acquire(ctx context.Context, runDir string, timeout time.Duration) (*Lock, error) {
	if timeout == 0 {
		timeout = DefaultLockTimeout
	}
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return nil, fmt.Errorf("making the run directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(runDir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := waitLock(ctx, f); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", f.Name(), err), f.Close())
	}
	l := &Lock{f}
	if err := l.sign(); err != nil {
		return nil, errors.Join(err, l.Release())
	}
	return l, nil
}

// waitLock tries until it has the lock or ctx ends. It stays on the caller's
// thread, which may be in a network namespace of its own.
func waitLock(ctx context.Context, f *os.File) error {
	ticker := time.NewTicker(lockPoll)
	defer ticker.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %s (%w)", ErrLocked, holder(f), context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

// sign writes who has the lock.
func (l *Lock) sign() error {
	text := fmt.Sprintf("%d %s\n", os.Getpid(), filepath.Base(os.Args[0]))
	if err := l.f.Truncate(0); err != nil {
		return fmt.Errorf("signing the lock: %w", err)
	}
	if _, err := l.f.WriteAt([]byte(text), 0); err != nil {
		return fmt.Errorf("signing the lock: %w", err)
	}
	return nil
}

// holder reads who has the lock.
func holder(f *os.File) string {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 256))
	pid, name, ok := strings.Cut(strings.TrimSpace(string(text)), " ")
	if err != nil || !ok {
		return "its holder has not signed"
	}
	return fmt.Sprintf("%s, process %s, has the lock", name, pid)
}

// Release gives the lock up. The file stays, for whoever waits on it.
func (l *Lock) Release() error {
	if l == nil || l.f == nil {
		return nil
	}
	err := errors.Join(l.f.Truncate(0), l.f.Close())
	l.f = nil
	return err
}
