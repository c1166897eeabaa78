// SPDX-License-Identifier: Apache-2.0

package health_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xlb-project/xlb/health"
)

func listen(t *testing.T) (net.Listener, netip.AddrPort) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, netip.MustParseAddrPort(l.Addr().String())
}

func TestTCPProbe(t *testing.T) {
	l, addr := listen(t)
	var p health.TCP
	if err := p.Probe(t.Context(), addr); err != nil {
		t.Errorf("a listening server: %v", err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "EOF") {
		t.Errorf("the probe ended with %v, not with an orderly close", err)
	}
	_ = l.Close()
	err = p.Probe(t.Context(), addr)
	if !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), addr.String()) {
		t.Errorf("a closed port gives %v", err)
	}
}

// TestTCPProbeTimeout connects to a listener whose backlog is full, which
// answers nothing.
func TestTCPProbeTimeout(t *testing.T) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(name.(*syscall.SockaddrInet4).Port))
	var p health.TCP
	for range 3 { // fill the backlog, then meet its end
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		var d net.Dialer
		if conn, err := d.DialContext(ctx, "tcp", addr.String()); err == nil {
			defer conn.Close()
		}
		cancel()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err = p.Probe(ctx, addr)
	if err == nil || !strings.Contains(err.Error(), "no answer after") {
		t.Errorf("a silent server gives %v", err)
	}
}

// TestRunnerOnRealSockets takes a server away and brings it back.
func TestRunnerOnRealSockets(t *testing.T) {
	l, addr := listen(t)
	r := health.NewRunner[int](&health.TCP{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.Set([]health.Target[int]{{ID: 7, Addr: addr, Settings: health.Settings{
		Interval: 20 * time.Millisecond, Timeout: time.Second, Rise: 1, Fall: 2, Retry: 1, RetryDelay: time.Millisecond,
	}}})
	until := func(what string, ok func(health.Result) bool) {
		t.Helper()
		deadline := time.After(10 * time.Second)
		for !ok(r.Results()[7]) {
			select {
			case <-r.Changed():
			case <-deadline:
				t.Fatalf("never %s: %+v", what, r.Results()[7])
			}
		}
	}
	until("checked and up", func(r health.Result) bool { return r.Up && r.Passed > 0 })
	_ = l.Close()
	until("down", func(r health.Result) bool { return !r.Up && errors.Is(r.Err, syscall.ECONNREFUSED) })
	again, err := net.Listen("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	until("up again", func(r health.Result) bool { return r.Up && r.Err == nil })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
