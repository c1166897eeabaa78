// SPDX-License-Identifier: Apache-2.0

package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// mustNotBypass fails the test when Open goes past the daemon.
func mustNotBypass(t *testing.T) func() (ControllerCloser, error) {
	return func() (ControllerCloser, error) {
		t.Error("the daemon was bypassed")
		return nil, errors.New("bypassed")
	}
}

func TestOpenWithDaemon(t *testing.T) {
	c, err := Open(t.Context(), serve(t, new(sample)), 0, mustNotBypass(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if v, err := c.Version(t.Context()); err != nil || v.PID != 42 {
		t.Errorf("Version() = %v, %v", v, err)
	}
}

func TestOpenWithoutDaemon(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T, string){
		"nothing":    func(*testing.T, string) {},
		"stale":      func(t *testing.T, dir string) { stale(t, filepath.Join(dir, SocketName)) },
		"no run dir": func(t *testing.T, dir string) { os.Remove(dir) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			prepare(t, dir)
			want := NewDirect(nil)
			c, err := Open(t.Context(), dir, 0, func() (ControllerCloser, error) { return want, nil })
			if err != nil || c != want {
				t.Errorf("Open() = %v, %v; want what direct returned", c, err)
			}
		})
	}
}

// A daemon that is stopped or hangs is alive: it has the virtual servers in
// hand, and the error names its process.
func TestOpenSilentDaemon(t *testing.T) {
	pid := fmt.Sprintf("process id %d", os.Getpid())
	listen := func(t *testing.T, dir string) *net.UnixListener {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, SocketName), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	for name, prepare := range map[string]func(*testing.T, string){
		"never accepts": func(t *testing.T, dir string) { listen(t, dir) },
		"hangs up": func(t *testing.T, dir string) {
			l := listen(t, dir)
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					c.Close()
				}
			}()
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			prepare(t, dir)
			_, err := Open(t.Context(), dir, 100*time.Millisecond, mustNotBypass(t))
			if !errors.Is(err, ErrUnavailable) || AsError(err).Hint == "" {
				t.Fatalf("error: %v", err)
			}
			if name == "never accepts" && !strings.Contains(err.Error(), pid) {
				t.Errorf("the error does not name the process: %v", err)
			}
		})
	}
}

func TestOpenInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Open(ctx, serve(t, new(sample)), 0, mustNotBypass(t))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v", err)
	}
}
