// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/cmd/internal/config"
	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/cmd/internal/notify"
)

// world is everything around a daemon in virtual time: a kernel, real servers,
// a file, a state directory. Daemons come and go in it.
type world struct {
	t      *testing.T
	kernel *kernel
	dir    string
	log    *logBuffer

	mu   sync.Mutex
	down map[netip.AddrPort]bool
}

// inWorld runs a test in virtual time.
func inWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, kernel: newKernel("eth0", "eth1"), dir: dir, log: &logBuffer{}, down: map[netip.AddrPort]bool{}}
		defer func() {
			if t.Failed() {
				t.Logf("the daemon said:\n%s", w.log)
			}
		}()
		f(t, w)
	})
}

// Probe is a check: refused by what is down.
func (w *world) Probe(_ context.Context, addr netip.AddrPort) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down[addr] {
		return errors.New("connection refused")
	}
	return nil
}

func (w *world) set(addr string, down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down[netip.MustParseAddrPort(addr)] = down
}

func (w *world) file() string { return filepath.Join(w.dir, "xlb.yaml") }

func (w *world) write(text string) {
	w.t.Helper()
	if err := os.WriteFile(w.file(), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) options() Options {
	w.t.Helper()
	load := func() (*config.Config, error) { return config.Load(w.file(), features()) }
	c, err := load()
	if err != nil {
		w.t.Fatal(err)
	}
	return Options{
		File: w.file(), Config: c, Load: load, Node: w.kernel, Prober: w, Version: "test",
		Dirs: control.Dirs{Run: filepath.Join(w.dir, "run"), State: filepath.Join(w.dir, "state")},
		Log:  slog.New(slog.NewTextHandler(w.log, nil)), Level: new(slog.LevelVar),
		Notify: notify.New(func(string) string { return "" }),
	}
}

// start starts a daemon without its sockets. stop ends it as a crash would:
// nothing is taken back.
func (w *world) start(text string) (c *controller, stop func()) {
	w.t.Helper()
	w.write(text)
	d, err := assemble(w.options())
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.must(d.owner.run(ctx)) })
	running.Go(func() { w.must(d.owner.health.Run(ctx)) })
	synctest.Wait()
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	w.t.Cleanup(stop)
	return d.controller, stop
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Error(err)
	}
}

// holds compares the kernel's virtual servers.
func (w *world) holds(want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), shape(w.kernel.state())); diff != "" {
		w.t.Errorf("in the kernel, -want +got:\n%s", diff)
	}
}

// pass lets virtual time go by.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// logBuffer keeps what is logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
