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

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/test/netns"
	"github.com/xlb-project/xlb/test/packet"
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

func TestTopologyShape(t *testing.T) {
	type host struct{ name, addr, mac string }
	for name, build := range topologies {
		t.Run(name, func(t *testing.T) {
			topo := build(t, 2)
			var got []host
			for _, h := range append([]*netns.Host{topo.Client}, topo.Servers...) {
				mac, err := h.Link.MAC()
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, host{h.Name() + "/" + h.Link.Name(), h.Addr.String(), mac.String()})
			}
			want := []host{
				{"client/eth0", "10.1.0.1", "02:00:0a:01:00:01"},
				{"server1/eth0", "10.2.0.1", "02:00:0a:02:00:01"},
				{"server2/eth0", "10.2.0.2", "02:00:0a:02:00:02"},
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(host{})); diff != "" {
				t.Errorf("hosts (-want +got):\n%s", diff)
			}
			if oneArm := topo.ClientSide == topo.ServerSide; oneArm != (name == "one arm") {
				t.Errorf("one interface for both sides: %v", oneArm)
			}
			for _, side := range []*netns.Link{topo.ClientSide, topo.ServerSide} {
				facesDirector(t, side.Peer())
			}
		})
	}
}

// facesDirector wants the settings of FaceDirector, without which XDP on the other end loses frames.
func facesDirector(t *testing.T, l *netns.Link) {
	t.Helper()
	offloads, err := l.Offloads()
	if err != nil {
		t.Fatal(err)
	}
	if x := attributes(t, l).Xdp; offloads != (netns.Offloads{GRO: true}) || x == nil || x.AttachMode != 1 {
		t.Errorf("%v has offloads %+v and XDP %+v", l, offloads, x)
	}
}

// With one arm the director sends back what it received on the same interface: it must not tell the client about a shorter way.
func TestOneArmSendsNoRedirects(t *testing.T) {
	topo := netns.OneArmForTest(t, 1)
	frames := record(t, topo.Client.Link)
	ping(t, topo.Client.NS, topo.Servers[0].Addr)
	reply := next(t, frames, func(f []byte) bool {
		typ, ok := packet.Dissect(f).Field("ICMP", "Type")
		return ok && typ != "8" // not the request
	})
	d := packet.Dissect(reply)
	typ, _ := d.Field("ICMP", "Type")
	if ttl, _ := d.Field("IPv4", "TTL"); typ != "0" || ttl != "63" {
		t.Errorf("want an echo reply that was routed once, not\n%v", d)
	}
}

func TestTopologyWithoutServers(t *testing.T) {
	topo := netns.TwoArmForTest(t, 0)
	ping(t, topo.Client.NS, topo.VIP)
	for _, n := range []int{-1, 201} {
		if _, err := netns.OneArm(topo.Lab, n); err == nil {
			t.Errorf("%d servers were accepted", n)
		}
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
