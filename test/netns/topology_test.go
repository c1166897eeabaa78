// SPDX-License-Identifier: Apache-2.0

package netns_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/xlb-project/xlb/test/netns"
)

// topologies are built by each test that should hold in all of them.
var topologies = map[string]func(netns.TB, int) *netns.Topology{
	"two arms": netns.TwoArmForTest,
	"one arm":  netns.OneArmForTest,
}

func TestTopologyCarries(t *testing.T) {
	for name, build := range topologies {
		t.Run(name, func(t *testing.T) {
			topo := build(t, 2)
			for i, server := range topo.Servers {
				t.Run(fmt.Sprint("ping ", i), func(t *testing.T) { ping(t, topo.Client.NS, server.Addr) })
				t.Run(fmt.Sprint("tcp ", i), func(t *testing.T) { exchangeTCP(t, topo.Client, server) })
				t.Run(fmt.Sprint("udp ", i), func(t *testing.T) { exchangeUDP(t, topo.Client, server) })
			}
			t.Run("vip", func(t *testing.T) { ping(t, topo.Client.NS, topo.VIP) })
		})
	}
}

func ping(t *testing.T, from *netns.NS, to netip.Addr) {
	t.Helper()
	if err := from.Ping(t.Context(), to); err != nil {
		t.Fatal(err)
	}
}

func exchangeTCP(t *testing.T, client, server *netns.Host) {
	t.Helper()
	addr := netip.AddrPortFrom(server.Addr, 7000).String()
	l, err := server.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintln(conn, conn.RemoteAddr().(*net.TCPAddr).IP)
		_, _ = io.Copy(conn, conn)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn, err := client.Dial(ctx, "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	r := bufio.NewReader(conn)
	if line, err := r.ReadString('\n'); err != nil || line != client.Addr.String()+"\n" {
		t.Fatalf("the server sees %q, error %v; want %v", line, err, client.Addr)
	}
	sent := bytes.Repeat([]byte("0123456789abcdef"), 8192) // more than a window of small segments
	go func() { _, _ = conn.Write(sent) }()
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("the echo differs, error %v", err)
	}
}

func exchangeUDP(t *testing.T, client, server *netns.Host) {
	t.Helper()
	addr := netip.AddrPortFrom(server.Addr, 7001).String()
	pc, err := server.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	go func() {
		buf := make([]byte, 2048)
		n, from, err := pc.ReadFrom(buf)
		if err == nil {
			_, _ = pc.WriteTo(buf[:n], from)
		}
	}()
	conn, err := client.Dial(t.Context(), "udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 16)
	if n, err := conn.Read(buf); err != nil || string(buf[:n]) != "hello" {
		t.Fatalf("echo %q, error %v", buf[:n], err)
	}
}
