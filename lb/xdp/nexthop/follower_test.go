// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/xlb-project/xlb/test/netns"
)

// twoArm is a director with both interfaces attached.
func twoArm(t *testing.T, servers int) (*netns.Topology, *memory) {
	t.Helper()
	topo := netns.TwoArmForTest(t, servers)
	return topo, newMemory(portOf(t, 1, topo.ClientSide), portOf(t, 2, topo.ServerSide))
}

func TestServerIsResolvedAheadOfNeed(t *testing.T) {
	topo, m := twoArm(t, 1)
	f := follow(t, topo.Director, Options{Writer: m})
	id := claim(t, f, topo.Servers[0].Addr)
	wantLeads(t, m, id, topo.ServerSide, topo.Servers[0].Link)
	got, _ := m.hop(id)
	if got.Target != topo.Servers[0].Addr || got.Hop.Port != 2 || got.Hop.MTU != 1500 {
		t.Fatalf("got %+v", got)
	}
	ports, _ := m.Ports()
	for i, l := range []*netns.Link{topo.ClientSide, topo.ServerSide} {
		if ports[i].MAC != linkMAC(t, l) || ports[i].MTU != 1500 {
			t.Fatalf("port %+v was not brought in line with %v", ports[i], l)
		}
	}
}

func TestSettleNeedsNoRun(t *testing.T) {
	topo, m := twoArm(t, 2)
	f := open(t, topo.Director, Options{Writer: m})
	defer closing(t, f)
	a, b := claim(t, f, topo.Servers[0].Addr), claim(t, f, topo.Servers[1].Addr)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if n, err := f.Settle(ctx); n != 0 || err != nil {
		t.Fatalf("%d still wait, %v", n, err)
	}
	for i, id := range []uint32{a, b} {
		wantLeads(t, m, id, topo.ServerSide, topo.Servers[i].Link)
	}

	nobody := claim(t, f, netip.MustParseAddr("10.2.0.200"))
	brief, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if n, err := f.Settle(brief); n != 1 || err != nil {
		t.Fatalf("nobody answers for next hop %d, yet %d wait, %v", nobody, n, err)
	}
}

// Both ways of keeping a neighbour resolved: a new NIC that speaks, and one
// that says nothing.
func TestServerGetsANewNIC(t *testing.T) {
	for _, how := range []Keeping{KeepManaged, KeepAsking} {
		t.Run(fmt.Sprint(how), func(t *testing.T) {
			topo, m := twoArm(t, 1)
			s := topo.Servers[0]
			hastenNeighbours(t, topo.Director, "eth1")
			f := follow(t, topo.Director, Options{Writer: m, Keeping: how})
			id := claim(t, f, s.Addr)
			wantLeads(t, m, id, topo.ServerSide, s.Link)

			_, before := m.hop(id)
			if err := s.Link.SetMAC(newMAC(1)); err != nil {
				t.Fatal(err)
			}
			announce(t, s.NS, topo.Director, "10.2.0.254:9")
			wantLeads(t, m, id, topo.ServerSide, s.Link)
			if _, after := m.hop(id); after != before+1 {
				t.Errorf("%d writes for one new MAC", after-before)
			}
		})
	}
}

// A server that changes its MAC and never says a word is found by asking
// everybody, once the old address does not answer.
func TestSilentServerGetsANewNIC(t *testing.T) {
	for _, how := range []Keeping{KeepManaged, KeepAsking} {
		t.Run(fmt.Sprint(how), func(t *testing.T) {
			topo, m := twoArm(t, 1)
			s := topo.Servers[0]
			hastenNeighbours(t, topo.Director, "eth1")
			f := follow(t, topo.Director, Options{Writer: m, Keeping: how})
			id := claim(t, f, s.Addr)
			wantLeads(t, m, id, topo.ServerSide, s.Link)
			if err := s.Link.SetMAC(newMAC(2)); err != nil {
				t.Fatal(err)
			}
			if how == KeepAsking {
				// Its own interval is longer than this test should take.
				netns.Eventually(t, 2*patience, func() error {
					f.askKept()
					return leads(m, id, macOf(newMAC(2)))
				})
			}
			netns.Eventually(t, 3*patience, func() error { return leads(m, id, macOf(newMAC(2))) })
		})
	}
}

func leads(m *memory, id uint32, dst MAC) error {
	if got, _ := m.hop(id); !got.Resolved || got.Hop.Dst != dst {
		return fmt.Errorf("next hop %d is %+v, want %v", id, got, dst)
	}
	return nil
}

// announce makes a host speak to the director, which hears its MAC: it forgets
// the director first, so that it has to ask for it.
func announce(t *testing.T, from, to *netns.NS, address string) {
	t.Helper()
	l, err := to.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, l)
	if out, err := from.Command(t.Context(), "ip", "neigh", "flush", "all").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c, err := from.Dial(t.Context(), "udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("here")); err != nil {
		t.Fatal(err)
	}
	if err := l.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.ReadFrom(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
}

func TestServerDiesAndComesBack(t *testing.T) {
	topo, m := twoArm(t, 1)
	s := topo.Servers[0]
	hastenNeighbours(t, topo.Director, "eth1")
	f := follow(t, topo.Director, Options{Writer: m})
	id := claim(t, f, s.Addr)
	wantResolved(t, m, id, true)
	if err := s.Link.Down(); err != nil {
		t.Fatal(err)
	}
	wantResolved(t, m, id, false)
	if err := s.Link.Up(); err != nil {
		t.Fatal(err)
	}
	wantLeads(t, m, id, topo.ServerSide, s.Link)
}

func TestFlushedNeighbours(t *testing.T) {
	topo, m := twoArm(t, 1)
	f := follow(t, topo.Director, Options{Writer: m})
	id := claim(t, f, topo.Servers[0].Addr)
	wantResolved(t, m, id, true)
	if err := topo.ServerSide.FlushNeighs(); err != nil {
		t.Fatal(err)
	}
	netns.Eventually(t, patience, func() error {
		all, err := topo.ServerSide.Neighs()
		if err == nil && all[topo.Servers[0].Addr] == nil {
			err = fmt.Errorf("not asked for again: %v", all)
		}
		return err
	})
	wantResolved(t, m, id, true)
}

func TestGatewayReplaced(t *testing.T) {
	topo := netns.OneArmForTest(t, 2)
	m := newMemory(portOf(t, 1, topo.ClientSide))
	far := netip.MustParsePrefix("192.168.0.0/16")
	route := func(i int) {
		t.Helper()
		if err := topo.Director.AddRoute(far, topo.Servers[i].Addr); err != nil {
			t.Fatal(err)
		}
	}
	route(0)
	follow(t, topo.Director, Options{Writer: m})
	index, err := topo.ClientSide.Index()
	if err != nil {
		t.Fatal(err)
	}
	id, ok := m.gateway(Via{topo.Servers[0].Addr, index})
	if !ok {
		t.Fatal("the gateway is not registered")
	}
	wantLeads(t, m, id, topo.ClientSide, topo.Servers[0].Link)

	route(1)
	wantLeads(t, m, id, topo.ClientSide, topo.Servers[1].Link)
	next, ok := m.gateway(Via{topo.Servers[1].Addr, index})
	if _, old := m.gateway(Via{topo.Servers[0].Addr, index}); !ok || old {
		t.Fatalf("registered now: %v", m.gateways)
	}
	wantLeads(t, m, next, topo.ClientSide, topo.Servers[1].Link)

	route(0)
	wantLeads(t, m, id, topo.ClientSide, topo.Servers[0].Link)
}

func TestDirectorsOwnInterface(t *testing.T) {
	topo, m := twoArm(t, 1)
	f := follow(t, topo.Director, Options{Writer: m})
	id := claim(t, f, topo.Servers[0].Addr)
	wantLeads(t, m, id, topo.ServerSide, topo.Servers[0].Link)
	if err := topo.ServerSide.SetMAC(newMAC(3)); err != nil {
		t.Fatal(err)
	}
	if err := topo.ServerSide.SetMTU(1400); err != nil {
		t.Fatal(err)
	}
	wantLeads(t, m, id, topo.ServerSide, topo.Servers[0].Link)
	netns.Eventually(t, patience, func() error {
		got, _ := m.hop(id)
		ports, _ := m.Ports()
		if want := macOf(newMAC(3)); got.Hop.MTU != 1400 || ports[1].MTU != 1400 || ports[1].MAC != want {
			return fmt.Errorf("hop %+v, port %+v, want %v and 1400", got.Hop, ports[1], want)
		}
		return nil
	})
	if err := topo.ServerSide.Down(); err != nil {
		t.Fatal(err)
	}
	wantResolved(t, m, id, false)
	if err := topo.ServerSide.Up(); err != nil {
		t.Fatal(err)
	}
	wantLeads(t, m, id, topo.ServerSide, topo.Servers[0].Link)
}

func TestInterfaceIsDeletedAndMadeAgain(t *testing.T) {
	topo, m := twoArm(t, 1)
	var mu sync.Mutex
	var heard []string
	opt := Options{
		Writer: m,
		Lost:   func(name string) { mu.Lock(); heard = append(heard, "lost "+name); mu.Unlock() },
		Returned: func(name string) {
			mu.Lock()
			heard = append(heard, "returned "+name)
			mu.Unlock()
			_ = m.SetPort(portOf(t, 2, topo.ServerSide)) // as the loader does
		},
	}
	f := follow(t, topo.Director, opt)
	id := claim(t, f, topo.Servers[0].Addr)
	wantLeads(t, m, id, topo.ServerSide, topo.Servers[0].Link)
	if err := topo.ServerSide.Delete(); err != nil {
		t.Fatal(err)
	}
	wantResolved(t, m, id, false)
	if err := topo.ServerSide.Recreate(); err != nil {
		t.Fatal(err)
	}
	wantLeads(t, m, id, topo.ServerSide, topo.Servers[0].Link)
	mu.Lock()
	defer mu.Unlock()
	if got, want := fmt.Sprint(heard), "[lost eth1 returned eth1]"; got != want {
		t.Fatalf("heard %v, want %v", got, want)
	}
}

// An interface that somebody else attaches is noticed without a notification.
func TestPortsArePolled(t *testing.T) {
	topo, m := twoArm(t, 1)
	port := m.ports[2]
	delete(m.ports, 2)
	f := follow(t, topo.Director, Options{Writer: m})
	id := claim(t, f, topo.Servers[0].Addr)
	wantResolved(t, m, id, false)
	if err := m.SetPort(port); err != nil {
		t.Fatal(err)
	}
	wantLeads(t, m, id, topo.ServerSide, topo.Servers[0].Link)
}

func TestRestartInTheKernel(t *testing.T) {
	topo, m := twoArm(t, 1)
	f := open(t, topo.Director, Options{Writer: m})
	id := claim(t, f, topo.Servers[0].Addr)
	if n, err := f.Settle(t.Context()); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	_, before := m.hop(id)
	f = follow(t, topo.Director, Options{Writer: m, Held: m.held(map[uint32]int{id: 1})})
	if got := claim(t, f, topo.Servers[0].Addr); got != id {
		t.Fatalf("next hop %d, was %d", got, id)
	}
	if got, after := m.hop(id); after != before || !got.Resolved {
		t.Fatalf("written again by a restart: %+v", got)
	}
}

// More notifications than the socket holds, while the follower is busy: it
// reads everything anew, and misses nothing.
func TestOverflow(t *testing.T) {
	topo, m := twoArm(t, 2)
	f := open(t, topo.Director, Options{Writer: m})
	f.kernel.buffer = 4096
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- f.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	id := claim(t, f, topo.Servers[0].Addr)
	wantResolved(t, m, id, true)

	// The next write holds the follower up while the socket overflows.
	block := make(chan struct{})
	m.mu.Lock()
	m.block = block
	m.mu.Unlock()
	if err := topo.ServerSide.SetMTU(1300); err != nil {
		t.Fatal(err)
	}
	netns.Eventually(t, patience, func() error {
		if got, _ := m.hop(id); got.Hop.MTU != 1300 {
			return fmt.Errorf("not busy yet: %+v", got)
		}
		return nil
	})
	for i := range 200 {
		a := netip.AddrFrom4([4]byte{10, 2, 0, byte(10 + i)})
		if err := topo.ServerSide.SetNeigh(a, newMAC(byte(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := topo.ServerSide.SetNeigh(topo.Servers[0].Addr, newMAC(7)); err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	m.block = nil
	m.mu.Unlock()
	close(block)
	netns.Eventually(t, patience, func() error { return leads(m, id, macOf(newMAC(7))) })
}
