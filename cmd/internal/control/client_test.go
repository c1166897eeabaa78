// SPDX-License-Identifier: Apache-2.0

package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// serve answers on a socket in a directory of its own until the test ends.
func serve(t *testing.T, c Controller) (runDir string) {
	t.Helper()
	runDir = t.TempDir()
	l, err := Listen(runDir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Serve(ctx, Handler(c), slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	return runDir
}

func client(t *testing.T, runDir string) *Client {
	t.Helper()
	c := NewClient(runDir)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// calls are all requests of a Controller but the stream.
func calls(ctx context.Context) map[string]func(Controller) (any, error) {
	return map[string]func(Controller) (any, error){
		"version":  func(c Controller) (any, error) { return c.Version(ctx) },
		"status":   func(c Controller) (any, error) { return c.Status(ctx) },
		"services": func(c Controller) (any, error) { return c.Services(ctx) },
		"stats":    func(c Controller) (any, error) { return c.Stats(ctx) },
		"attach": func(c Controller) (any, error) {
			return c.Attach(ctx, AttachRequest{Interface: "eth0", Mode: ModeNative})
		},
		"detach": func(c Controller) (any, error) { return c.Detach(ctx, DetachRequest{All: true}) },
		"edit": func(c Controller) (any, error) {
			return nil, c.Edit(ctx, []Edit{{Op: ServerAdd, Server: web, Scheduler: "rr"}, sampleEdit()})
		},
		"clear": func(c Controller) (any, error) { return c.Clear(ctx) },
		"zero":  func(c Controller) (any, error) { return nil, c.Zero(ctx, ZeroRequest{Server: web}) },
		"count": func(c Controller) (any, error) {
			return c.CountConnections(ctx, ConnFilter{Server: web, Real: "10.0.0.1:80", Client: "1.2.3.0/24", State: "UDP"})
		},
		"reset":  func(c Controller) (any, error) { return c.Reset(ctx, ResetRequest{Server: web}) },
		"reload": func(c Controller) (any, error) { return c.Reload(ctx) },
	}
}

// Whatever is asked and answered is the same on both sides of the socket.
func TestClientIsTheController(t *testing.T) {
	for name, call := range calls(t.Context()) {
		t.Run(name, func(t *testing.T) {
			local, remote := new(sample), new(sample)
			want, err := call(local)
			if err != nil {
				t.Fatal(err)
			}
			got, err := call(client(t, serve(t, remote)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("another answer (-direct +socket):\n%s", diff)
			}
			if diff := cmp.Diff(local.asked, remote.asked); diff != "" {
				t.Errorf("another question (-direct +socket):\n%s", diff)
			}
		})
	}
}

// An error keeps its kind, message and hint; and no answer comes with it.
func TestClientErrors(t *testing.T) {
	refusal := fmt.Errorf("server: %w", Errorf(CodeExists, "it is there").WithHint("change it"))
	for name, call := range calls(t.Context()) {
		t.Run(name, func(t *testing.T) {
			_, err := call(client(t, serve(t, &sample{err: refusal})))
			e := AsError(err)
			if !errors.Is(err, ErrExists) || e.Message != "server: it is there" || e.Hint != "change it" {
				t.Errorf("error %+v", e)
			}
		})
	}
}

func TestClientConnections(t *testing.T) {
	const many = 20000 // more than any buffer on the way holds
	s := &sample{conns: many}
	c := client(t, serve(t, s))
	n := 0
	for conn, err := range c.Connections(t.Context(), ConnFilter{State: "UDP"}) {
		if err != nil {
			t.Fatal(err)
		}
		if conn.ExpiresMS != int64(n) || conn.State != "ESTABLISHED" {
			t.Fatalf("connection %d is %+v", n, conn)
		}
		n++
	}
	if n != many {
		t.Errorf("%d connections, want %d", n, many)
	}
	if diff := cmp.Diff([]any{ConnFilter{State: "UDP"}}, s.asked); diff != "" {
		t.Errorf("another filter:\n%s", diff)
	}
}

func TestClientConnectionsEndEarly(t *testing.T) {
	c := client(t, serve(t, &sample{conns: 1 << 30}))
	n := 0
	for _, err := range c.Connections(t.Context(), ConnFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 10 {
			break
		}
	}
}

// The error of a list that fails in its middle comes after what was read.
func TestClientConnectionsFail(t *testing.T) {
	c := client(t, serve(t, &sample{conns: 3, err: Errorf(CodeConflict, "tables are being exchanged")}))
	n, failed := 0, error(nil)
	for _, err := range c.Connections(t.Context(), ConnFilter{}) {
		if err != nil {
			failed = err
			continue
		}
		n++
	}
	if n != 3 || !errors.Is(failed, ErrConflict) {
		t.Errorf("%d connections, then %v", n, failed)
	}
}
