// SPDX-License-Identifier: Apache-2.0

package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// SocketName is the name of the control socket in the run directory.
const SocketName = "xlb.sock"

// maxPath is the longest path that a Unix socket can have (unix(7)): 108 bytes
// with the final zero.
const maxPath = 107

// Listener is the daemon's end of the control socket. While it is open no
// second daemon can have it: beside the socket a locked file stands for it,
// so that a socket that a killed daemon left is told from a living one's.
type Listener struct {
	socket *net.UnixListener
	path   string
	lock   *os.File
	closed sync.Once
}

// Listen opens the control socket in runDir (made where missing), with mode
// 0600. Where another daemon has it, the error is [CodeConflict] and names
// its process.
func Listen(runDir string) (*Listener, error) {
	path := filepath.Join(runDir, SocketName)
	if len(path) > maxPath-len(".new") {
		return nil, Errorf(CodeUsage, "%s is too long for a socket", path).
			WithHint("choose a shorter --run-dir")
	}
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return nil, fmt.Errorf("making the run directory: %w", err)
	}
	lock, err := lockSocket(path + ".lock")
	if err != nil {
		return nil, err
	}
	socket, err := bind(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the control socket: %w", err), lock.Close())
	}
	return &Listener{socket: socket, path: path, lock: lock}, nil
}

// bind makes the socket under another name first: under its own it is never
// seen without a listener behind it, nor with another mode.
func bind(path string) (*net.UnixListener, error) {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(fresh, 0o600), os.Rename(fresh, path)); err != nil {
		return nil, errors.Join(err, l.Close(), os.Remove(fresh))
	}
	return l, nil
}

// lockSocket takes the file that stands for the socket and writes our process
// id into it. The kernel lets go of it when the process ends, however it ends.
func lockSocket(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the control socket: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		defer f.Close()
		return nil, taken(f)
	}
	if err == nil {
		err = writePID(f)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), f.Close())
	}
	return f, nil
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// taken is the error for a socket that another daemon has.
func taken(f *os.File) error {
	who := "another xlbd"
	if text, err := io.ReadAll(f); err == nil {
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			who = fmt.Sprintf("xlbd with process id %d", pid)
		}
	}
	socket := strings.TrimSuffix(f.Name(), ".lock")
	return Errorf(CodeConflict, "%s has the control socket %s", who, socket).
		WithHint("stop it first, or give this one directories of its own: --run-dir, --pin-dir and --state-dir")
}

// Path of the socket.
func (l *Listener) Path() string { return l.path }

// Close removes the socket and lets another daemon have it. A second call does
// nothing.
func (l *Listener) Close() (err error) {
	l.closed.Do(func() {
		err = l.socket.Close()
		if errors.Is(err, net.ErrClosed) {
			err = nil // as Serve leaves it
		}
		err = errors.Join(err, os.Remove(l.path), l.lock.Close())
	})
	return err
}

// grace is how long requests that are under way may take at the end.
const grace = 5 * time.Second

// Serve answers requests until ctx ends, then lets those under way end and
// closes the listener.
func (l *Listener) Serve(ctx context.Context, h http.Handler, log *slog.Logger) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ConnContext:       withPeer,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l.socket) }()
	select {
	case err := <-ended:
		return errors.Join(fmt.Errorf("control socket: %w", err), l.Close())
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := srv.Shutdown(last)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	return errors.Join(err, l.Close())
}
