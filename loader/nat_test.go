// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/xlb-project/xlb/maps"
	"github.com/xlb-project/xlb/test/netns"
)

// nat is a director with a virtual server over real servers that echo.
type nat struct {
	*site
	topo *netns.Topology
	vip  netip.AddrPort
}

func newNAT(t *testing.T, servers int) *nat {
	t.Helper()
	topo := netns.TwoArmForTest(t, servers)
	root, err := topo.Lab.BPFFS()
	check(t, err)
	s := &site{t: t, lab: topo.Lab, director: topo.Director, client: topo.Client.NS, eth0: topo.ClientSide}
	s.options = Options{
		Dirs:      Dirs{Pin: filepath.Join(root, "xlb"), Run: filepath.Join(topo.Lab.Dir(), "run")},
		Interface: "eth0", Sizes: smallSizes(), LockTimeout: time.Second, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	t.Cleanup(func() {
		_, err := s.detachAll()
		check(t, err)
	})
	s.mustAttach(nil)
	s.mustAttach(func(o *Options) { o.Interface = "eth1" })
	n := &nat{site: s, topo: topo, vip: netip.AddrPortFrom(topo.VIP, 80)}
	n.serve()
	s.with(n.balance)
	return n
}

// serve starts an echo on every server.
func (n *nat) serve() {
	n.t.Helper()
	var wg sync.WaitGroup
	n.t.Cleanup(wg.Wait) // after the listeners and connections are closed
	for _, server := range n.topo.Servers {
		l, err := server.Listen("tcp", netip.AddrPortFrom(server.Addr, 8080).String())
		check(n.t, err)
		n.t.Cleanup(func() { l.Close() })
		wg.Go(func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				wg.Go(func() {
					defer conn.Close()
					_, _ = io.Copy(conn, conn)
				})
			}
		})
	}
}

// balance writes the virtual server, in the order that packets need.
func (n *nat) balance(set *maps.Set) {
	n.t.Helper()
	src, err := n.topo.ServerSide.MAC()
	check(n.t, err)
	index, err := n.topo.ServerSide.Index()
	check(n.t, err)
	var ids []uint32
	for i, server := range n.topo.Servers {
		id := uint32(i + 1)
		dst, err := server.Link.MAC()
		check(n.t, err)
		check(n.t, set.NextHops.Create(id, server.Addr))
		check(n.t, set.NextHops.Set(id, maps.Hop{
			DstMAC: maps.MACFrom(dst), SrcMAC: maps.MACFrom(src), Port: 2, Ifindex: uint32(index), MTU: 1500,
		}))
		check(n.t, set.Reals.Set(id, maps.Real{Addr: netip.AddrPortFrom(server.Addr, 8080), Service: 1, NextHop: id, Weight: 1}))
		check(n.t, set.Ours.Add(maps.OursReal, server.Addr))
		ids = append(ids, id)
	}
	check(n.t, set.Slots.Write(0, ids))
	check(n.t, set.Services.Set(1, maps.Service{Slots: maps.SlotRange{Length: uint32(len(ids))}}))
	check(n.t, set.Ours.Add(maps.OursVirtual, n.vip.Addr()))
	check(n.t, set.Services4.Set(maps.ServiceKey{Addr: n.vip, Proto: 6}, 1))
}

// dial opens a connection from the client, and sees an echo.
func (n *nat) dial() (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	conn, err := n.topo.Client.Dial(ctx, "tcp", n.vip.String())
	if err != nil {
		return nil, err
	}
	if err := echo(conn, "hello"); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// echo sends a text and waits for it to come back.
func echo(conn net.Conn, text string) error {
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, text); err != nil {
		return err
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(conn, got); err != nil {
		return err
	}
	if string(got) != text {
		return fmt.Errorf("%q came back as %q", text, got)
	}
	return nil
}

// TestMigrationUnderConnections exchanges the tables while connections are
// busy, idle, and being opened: none breaks, and the counts stay right.
func TestMigrationUnderConnections(t *testing.T) {
	n := newNAT(t, 3)
	const busy, idle = 20, 20
	var conns []net.Conn
	open := func() {
		conn, err := n.dial()
		check(t, err)
		t.Cleanup(func() { conn.Close() })
		conns = append(conns, conn)
	}
	for range busy + idle {
		open()
	}
	ctx, stop := context.WithCancel(t.Context())
	group, ctx := errgroup.WithContext(ctx)
	for i, conn := range conns[:busy] {
		group.Go(func() error {
			for round := 0; ctx.Err() == nil; round++ {
				if err := echo(conn, fmt.Sprintf("connection %d, round %d", i, round)); err != nil {
					return fmt.Errorf("connection %d: %w", i, err)
				}
			}
			return nil
		})
	}
	var opened []net.Conn
	group.Go(func() error {
		for ctx.Err() == nil {
			conn, err := n.dial()
			if err != nil {
				return fmt.Errorf("new connection %d: %w", len(opened), err)
			}
			t.Cleanup(func() { conn.Close() })
			opened = append(opened, conn)
		}
		return nil
	})
	for i := range 6 {
		size := doubled()
		if i%2 == 1 {
			size = smallSizes()
		}
		if out := n.mustAttach(func(o *Options) { o.Sizes = size }); len(out.Migrated) == 0 {
			t.Errorf("migration %d: %+v", i, out)
		}
	}
	stop()
	check(t, group.Wait())
	for i, conn := range conns[busy:] {
		if err := echo(conn, "still there"); err != nil {
			t.Errorf("idle connection %d: %v", i, err)
		}
	}
	conns = append(conns, opened...)
	n.wantCounted(len(conns))
	t.Logf("%d connections were opened meanwhile", len(opened))
}

// wantCounted checks that so many connections are in the table and counted.
func (n *nat) wantCounted(want int) {
	n.t.Helper()
	n.with(func(set *maps.Set) {
		entries := 0
		for _, err := range set.Established.All() {
			check(n.t, err)
			entries++
		}
		var active int64
		for id := range n.topo.Servers {
			l, err := set.Loads.Get(uint32(id + 1))
			check(n.t, err)
			active += l.Active
		}
		if entries != 2*want || active != int64(want) {
			n.t.Errorf("%d connections have %d entries and are counted as %d", want, entries, active)
		}
	})
}
