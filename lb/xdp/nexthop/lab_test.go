// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/xlb-project/xlb/test/netns"
)

func TestMain(m *testing.M) { os.Exit(netns.Main(m)) }

// patience is for what happens within milliseconds, on a busy machine.
const patience = 10 * time.Second

// memory is a Writer that keeps all in memory.
type memory struct {
	mu       sync.Mutex
	hops     map[uint32]Record
	gateways map[Via]uint32
	ports    map[uint16]Port
	writes   map[uint32]int
	block    chan struct{} // when not nil, SetHop waits until it is closed
}

func newMemory(ports ...Port) *memory {
	m := &memory{hops: map[uint32]Record{}, gateways: map[Via]uint32{}, ports: map[uint16]Port{}, writes: map[uint32]int{}}
	for _, p := range ports {
		m.ports[p.Number] = p
	}
	return m
}

func (m *memory) Ports() ([]Port, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Port
	for _, n := range slices.Sorted(maps.Keys(m.ports)) {
		out = append(out, m.ports[n])
	}
	return out, nil
}

func (m *memory) Hops() ([]Record, []Gateway, error) {
	h := m.held(nil)
	return h.Records, h.Gateways, nil
}

func (m *memory) SetPort(p Port) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ports[p.Number] = p
	return nil
}

func (m *memory) SetHop(r Record) error {
	m.mu.Lock()
	block := m.block
	m.hops[r.ID] = r
	m.writes[r.ID]++
	m.mu.Unlock()
	if block != nil {
		<-block
	}
	return nil
}

func (m *memory) ClearHop(id uint32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.hops, id)
	return nil
}

func (m *memory) SetGateway(g Gateway) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gateways[g.Via] = g.ID
	return nil
}

func (m *memory) DeleteGateway(v Via) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.gateways, v)
	return nil
}

func (m *memory) hop(id uint32) (Record, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hops[id], m.writes[id]
}

func (m *memory) gateway(v Via) (uint32, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, ok := m.gateways[v]
	return id, ok
}

// held is what the next process finds.
func (m *memory) held(refs map[uint32]int) Held {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := Held{Refs: refs}
	for _, r := range m.hops {
		h.Records = append(h.Records, r)
	}
	for via, id := range m.gateways {
		h.Gateways = append(h.Gateways, Gateway{via, id})
	}
	return h
}

// portOf is an attached interface, with a MAC and MTU that are not true yet.
func portOf(t *testing.T, number uint16, l *netns.Link) Port {
	t.Helper()
	index, err := l.Index()
	if err != nil {
		t.Fatal(err)
	}
	return Port{Number: number, Ifindex: index}
}

// follow opens a follower in a namespace and runs it until the test ends.
func follow(t *testing.T, ns *netns.NS, opt Options) *Follower {
	t.Helper()
	f := open(t, ns, opt)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := f.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return f
}

func open(t *testing.T, ns *netns.NS, opt Options) (f *Follower) {
	t.Helper()
	opt.Held.Size = 64
	opt.Log = slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		opt.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	var err error
	if opt.Held.Ports, err = opt.Writer.Ports(); err != nil {
		t.Fatal(err)
	}
	if err := ns.Do(func() error { f, err = Open(opt); return err }); err != nil {
		t.Fatal(err)
	}
	return f
}

// closing is for what must close without an error.
func closing(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func claim(t *testing.T, f *Follower, a netip.Addr) uint32 {
	t.Helper()
	id, err := f.Claim(a)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// linkMAC is the address that a link has now.
func linkMAC(t *testing.T, l *netns.Link) MAC {
	t.Helper()
	m, err := l.MAC()
	if err != nil {
		t.Fatal(err)
	}
	return macOf(m)
}

// wantLeads waits until a next hop leads to dst by egress.
func wantLeads(t *testing.T, m *memory, id uint32, egress, dst *netns.Link) {
	t.Helper()
	want := Record{Resolved: true, Hop: Hop{Dst: linkMAC(t, dst), Src: linkMAC(t, egress)}}
	index, err := egress.Index()
	if err != nil {
		t.Fatal(err)
	}
	netns.Eventually(t, patience, func() error {
		got, _ := m.hop(id)
		if !got.Resolved || got.Hop.Dst != want.Hop.Dst || got.Hop.Src != want.Hop.Src || got.Hop.Ifindex != index {
			return fmt.Errorf("next hop %d is %+v, want %v -> %v by interface %d", id, got, want.Hop.Src, want.Hop.Dst, index)
		}
		return nil
	})
}

func wantResolved(t *testing.T, m *memory, id uint32, want bool) {
	t.Helper()
	netns.Eventually(t, 2*patience, func() error {
		if got, _ := m.hop(id); got.Resolved != want {
			return fmt.Errorf("next hop %d is %+v, want resolved: %v", id, got, want)
		}
		return nil
	})
}

// hastenNeighbours makes the kernel doubt and give up within a second or so.
func hastenNeighbours(t *testing.T, ns *netns.NS, link string) {
	t.Helper()
	for key, value := range map[string]string{
		"base_reachable_time_ms": "500", "delay_first_probe_time": "1", "retrans_time_ms": "100",
		"locktime": "0", "interval_probe_time_ms": "300",
	} {
		if err := ns.SetSysctl("net/ipv4/neigh/"+link+"/"+key, value); err != nil {
			t.Fatal(err)
		}
	}
}

func newMAC(last byte) net.HardwareAddr { return net.HardwareAddr{2, 0, 0, 0xbb, 0, last} }
