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
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestListenMode(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "here")
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, l)
	info, err := os.Stat(l.Path())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("the socket has mode %v", info.Mode())
	}
}

func TestListenTwice(t *testing.T) {
	dir := t.TempDir()
	first, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Listen(dir)
	if pid := fmt.Sprintf("process id %d", os.Getpid()); !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), pid) {
		t.Errorf("the second daemon got: %v", err)
	}
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Errorf("closing: %v", err)
	}
	if _, err := os.Stat(first.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	again, err := Listen(dir)
	if err != nil {
		t.Fatalf("after the first was closed: %v", err)
	}
	defer closing(t, again)
}

// A killed daemon leaves its socket and a half-made one.
func TestListenAfterKill(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{SocketName, SocketName + ".new"} {
		stale(t, filepath.Join(dir, name))
	}
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, l)
	conn, err := net.Dial("unix", l.Path())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func TestListenPathTooLong(t *testing.T) {
	_, err := Listen(filepath.Join(t.TempDir(), strings.Repeat("x", 100)))
	if !errors.Is(err, ErrUsage) || !strings.Contains(AsError(err).Hint, "--run-dir") {
		t.Errorf("error: %v", err)
	}
}

// stale makes a socket that nobody listens on.
func stale(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	closing(t, l)
}

// closing closes what must be closable.
func closing(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestServeEndsAndLetsRequestsEnd(t *testing.T) {
	l, err := Listen(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &sample{hold: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	ended, answered := make(chan error, 1), make(chan error, 1)
	go func() { ended <- l.Serve(ctx, Handler(s), slog.New(slog.DiscardHandler)) }()
	c := client(t, filepath.Dir(l.Path()))
	if _, err := c.Version(t.Context()); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := c.Status(t.Context())
		answered <- err
	}()
	cancel()
	close(s.hold)
	if err := <-ended; err != nil {
		t.Errorf("serving: %v", err)
	}
	if err := <-answered; err != nil && !errors.Is(err, ErrUnavailable) {
		t.Errorf("the request that was under way: %v", err)
	}
	if _, err := os.Stat(l.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestGuard(t *testing.T) {
	self := uint32(os.Geteuid())
	peers := []struct {
		name string
		cred *unix.Ucred
		want int
	}{
		{"root", &unix.Ucred{Uid: 0}, http.StatusOK},
		{"the daemon's user", &unix.Ucred{Uid: self}, http.StatusOK},
		{"another user", &unix.Ucred{Uid: self + 1}, http.StatusServiceUnavailable},
		{"not known", nil, http.StatusServiceUnavailable},
	}
	for _, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			ctx := t.Context()
			if p.cred != nil {
				ctx = context.WithValue(ctx, peerKey{}, p.cred)
			}
			w := httptest.NewRecorder()
			Handler(new(sample)).ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, pathVersion, nil))
			if w.Code != p.want {
				t.Errorf("status %d, want %d: %s", w.Code, p.want, w.Body)
			}
		})
	}
}

func TestHandlerRefuses(t *testing.T) {
	tests := []struct {
		name, method, path, body, want string
	}{
		{"unknown field", "POST", pathAttach, `{"interface": "eth0", "queues": 2}`, `unknown field \"queues\"`},
		{"no JSON", "POST", pathEdit, `server-add`, "invalid character"},
		{"too long", "POST", pathEdit, `["` + strings.Repeat("x", maxBody) + `"]`, "too large"},
		{"unknown request", "GET", "/v1/nothing", "", "does not know GET /v1/nothing"},
		{"wrong method", "GET", pathClear, "", "does not know GET /v1/clear"},
		{"another version", "GET", "/v2/version", "", "restart xlbd"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := new(sample)
			ctx := context.WithValue(t.Context(), peerKey{}, &unix.Ucred{})
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(ctx, tt.method, tt.path, strings.NewReader(tt.body))
			Handler(s).ServeHTTP(w, r)
			if w.Code < 400 || !strings.Contains(w.Body.String(), tt.want) {
				t.Errorf("answer %d %s, want %q", w.Code, w.Body, tt.want)
			}
			if len(s.asked) != 0 {
				t.Errorf("it was done nevertheless: %v", s.asked)
			}
		})
	}
}

// What the client makes of answers that no xlbd of this version gives.
func TestClientOddAnswers(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		want       error
	}{
		{"no JSON", "<html>", 200, ErrInternal},
		{"an error that is none", "gone", 502, ErrInternal},
		{"an error without a kind", "{}", 500, ErrInternal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := answer(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			})
			if _, err := client(t, dir).Version(t.Context()); !errors.Is(err, tt.want) {
				t.Errorf("error: %v", err)
			}
		})
	}
}

// A stream without its last line was cut off, and is no complete list.
func TestClientStreamCutOff(t *testing.T) {
	for name, body := range map[string]string{
		"at a line's end":  `{"connection":{"protocol":"tcp"}}` + "\n",
		"in a line":        `{"connection":{"protocol":"tcp"}}` + "\n" + `{"conn`,
		"with another end": `{"connection":{"protocol":"tcp"}}` + "\n{}\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := answer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
			n, failed := 0, error(nil)
			for _, err := range client(t, dir).Connections(t.Context(), ConnFilter{}) {
				if failed = err; err == nil {
					n++
				}
			}
			if n != 1 || failed == nil || errors.Is(failed, io.EOF) {
				t.Errorf("%d connections, then %v", n, failed)
			}
		})
	}
}

// answer serves one answer to everything on a socket of its own.
func answer(t *testing.T, h http.HandlerFunc) (runDir string) {
	t.Helper()
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, SocketName))
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = srv.Serve(l) }()
	t.Cleanup(func() { closing(t, srv); <-ended })
	return dir
}
