// SPDX-License-Identifier: Apache-2.0

package netns_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/xlb-project/xlb/test/netns"
)

func TestDialFitsHTTP(t *testing.T) {
	topo := netns.TwoArmForTest(t, 1)
	server := topo.Servers[0]
	l, err := server.Listen("tcp", netip.AddrPortFrom(server.Addr, 80).String())
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprint(w, "hello ", host)
	})}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	transport := &http.Transport{DialContext: topo.Client.Dial}
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	resp, err := client.Get("http://" + server.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if want := "hello " + topo.Client.Addr.String(); string(body) != want || err != nil {
		t.Errorf("got %q, error %v; want %q", body, err, want)
	}
	transport.CloseIdleConnections()
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

func TestDialManyAtOnce(t *testing.T) {
	left, right := twoHosts(t)
	addr := netip.AddrPortFrom(rightAddr.Addr(), 7000).String()
	l, err := right.NS().Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const n = 300
	conns := make(chan net.Conn, 2*n)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if conn, err := left.NS().Dial(t.Context(), "tcp", addr); err != nil {
				t.Error(err)
			} else {
				conns <- conn
			}
		})
		wg.Go(func() {
			if conn, err := l.Accept(); err != nil {
				t.Error(err)
			} else {
				conns <- conn
			}
		})
	}
	wg.Wait()
	close(conns)
	if len(conns) != 2*n {
		t.Errorf("%d ends, want %d", len(conns), 2*n)
	}
	for c := range conns {
		c.Close()
	}
}

func TestDialWith(t *testing.T) {
	left, right := twoHosts(t)
	if err := left.AddAddr(netip.MustParsePrefix("10.9.0.3/24")); err != nil {
		t.Fatal(err)
	}
	pc, err := right.NS().ListenPacket("udp", netip.AddrPortFrom(rightAddr.Addr(), 9).String())
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	from := netip.MustParseAddrPort("10.9.0.3:5555")
	conn, err := left.NS().DialWith(t.Context(), &net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(from)}, "udp", pc.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprint(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	_ = pc.SetDeadline(time.Now().Add(5 * time.Second))
	if _, got, err := pc.ReadFrom(make([]byte, 16)); err != nil || got.String() != from.String() {
		t.Errorf("it came from %v, error %v; want %v", got, err, from)
	}
}

func TestDialAndPingFail(t *testing.T) {
	left, _ := twoHosts(t)
	if _, err := left.NS().Dial(t.Context(), "tcp", "10.9.0.2:1"); err == nil {
		t.Error("connected to a port where nobody listens")
	}
	if _, err := left.NS().Listen("tcp", "10.9.0.2:1"); err == nil {
		t.Error("listens at the other host's address")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := left.NS().Ping(ctx, netip.MustParseAddr("10.9.0.99")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("ping to nobody: %v, want a timeout", err)
	}
	if err := left.NS().Ping(t.Context(), netip.MustParseAddr("192.0.2.1")); err == nil {
		t.Error("ping without a route succeeded")
	}
}
