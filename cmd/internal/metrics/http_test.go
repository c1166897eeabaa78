// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestHandler(t *testing.T) {
	waiting := full()
	waiting.notReady = errors.New("eth1 is not attached")
	tests := []struct {
		name, method, path string
		source             static
		code               int
		want               string
	}{
		{"OK metrics", "GET", "/metrics", full(), 200, `xlb_packets_total{reason="tx",verdict="forward"} 100`},
		{"OK metrics of the process", "GET", "/metrics", full(), 200, "process_resident_memory_bytes"},
		{"OK metrics of an engine that cannot be read", "GET", "/metrics", static{err: errors.New("no pins")}, 200, "xlb_engine_up 0"},
		{"OK healthy though not ready", "GET", "/healthz", waiting, 200, "ok"},
		{"OK ready", "GET", "/readyz", full(), 200, "ok"},
		{"bad not ready", "GET", "/readyz", waiting, 503, "eth1 is not attached"},
		{"OK index", "GET", "/", full(), 200, "/metrics"},
		{"bad path", "GET", "/debug/pprof", full(), 404, ""},
		{"bad method", "POST", "/metrics", full(), 405, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			Handler(test.source).ServeHTTP(w, httptest.NewRequest(test.method, test.path, nil))
			if w.Code != test.code || !strings.Contains(w.Body.String(), test.want) {
				t.Errorf("%d, want %d with %q:\n%.2000s", w.Code, test.code, test.want, w.Body)
			}
		})
	}
}

func TestListenAddressInUse(t *testing.T) {
	first, err := Listen(t.Context(), netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	addr := netip.MustParseAddrPort(first.Addr().String())
	_, err = Listen(t.Context(), addr)
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), addr.String()) ||
		!strings.Contains(err.Error(), "metrics.listen") {
		t.Errorf("got %v; want the address, the key and the cause", err)
	}
}

func TestServe(t *testing.T) {
	l, err := Listen(t.Context(), netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, Handler(full())) }()
	response, err := http.Get("http://" + l.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || !strings.Contains(string(body), "xlb_build_info") {
		t.Errorf("%v: %.200s", err, body)
	}
	// A client that says nothing must not hold up the end.
	idle, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("Serve does not end")
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("the listener is still open")
	}
}

func TestServeReportsABrokenListener(t *testing.T) {
	l, err := Listen(t.Context(), netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := Serve(t.Context(), l, Handler(full())); err == nil {
		t.Error("no error from a closed listener")
	}
}
