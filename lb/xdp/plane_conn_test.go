// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/xdp/sweep"
	"github.com/xlb-project/xlb/maps"
	"github.com/xlb-project/xlb/test/netns"
	"github.com/xlb-project/xlb/test/packet"
)

// listed counts connections by state.
func (p *plane) listed(t testing.TB, f lb.ConnFilter) map[string]int {
	t.Helper()
	out := map[string]int{}
	for c, err := range p.Connections(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		if c.Expires <= 0 || c.Service != p.vip || c.Client.Addr() != p.Client.Addr || c.Method != lb.NAT {
			t.Fatalf("listed: %+v", c)
		}
		out[c.State]++
	}
	return out
}

func wantStates(t testing.TB, got map[string]int, want map[string]int) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("connections %v, want %v", got, want)
	}
}

// clean sweeps and wants counts that agree with the connections.
func clean(t testing.TB, s *sweep.Sweeper) sweep.Report {
	t.Helper()
	r, err := s.Pass(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Drift != 0 || r.Unstable != 0 || !r.Complete {
		t.Fatalf("sweep: %+v", r)
	}
	return r
}

// Connections that the data path itself made: listed, counted, swept, cut.
func TestConnectionsOfTheDataPath(t *testing.T) {
	p := newPlane(t, small(), 3)
	apply(t, p.Engine, p.serving(1, 1, 1))
	chosen := map[netip.AddrPort]int{}
	for n := range 30 {
		chosen[p.establish(t, n)]++
	}
	if len(chosen) != 3 || chosen[server(1)] != 10 || chosen[server(2)] != 10 {
		t.Fatalf("rr chose %v", chosen)
	}
	p.with(t, func(client, _ *lane) {
		client.opens(p.client(50)) // and stays half-open
		client.send(p.client(0), p.vip.Addr, packet.FIN|packet.ACK)
	})
	all := map[string]int{"ESTABLISHED": 29, "CLOSE_WAIT": 1, "SYN_RECV": 1}
	wantStates(t, p.listed(t, lb.ConnFilter{}), all)
	one := server(1)
	some := p.listed(t, lb.ConnFilter{Real: one, State: "ESTABLISHED"})
	if some["ESTABLISHED"] < 9 || len(some) != 1 {
		t.Fatalf("of one real server: %v", some)
	}

	s := sweep.New(sweep.Over(p.set), sweep.Options{})
	clean(t, s)
	if r := clean(t, s); r.Established != 30 || r.HalfOpen != 1 || r.Expired != 0 {
		t.Fatalf("sweep: %+v", r)
	}
	c, err := p.Counters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c.Established.Used != 30 || c.HalfOpen.Used != 1 || c.Services[p.vip].Connections != 31 || c.Reasons["redirect"] != 92 {
		t.Fatalf("counters: %+v", c)
	}

	n, err := p.Cut(t.Context(), lb.ConnFilter{State: "ESTABLISHED"}, lb.Forget)
	if n != 29 || err != nil {
		t.Fatal(n, err)
	}
	wantStates(t, p.listed(t, lb.ConnFilter{}), map[string]int{"CLOSE_WAIT": 1, "SYN_RECV": 1})
	if r := clean(t, s); r.Established != 1 || r.HalfOpen != 1 {
		t.Fatalf("sweep: %+v", r)
	}
}

// Timeouts take effect on connections that exist: they are not listed any more
// at once, and swept, and what was removed meanwhile is freed.
func TestSweepOfTheDataPath(t *testing.T) {
	p := newPlane(t, small(), 2)
	apply(t, p.Engine, p.serving(1, 1))
	for n := range 10 {
		p.establish(t, n)
	}
	remove(t, p.Engine, p.vip)
	s := sweep.New(sweep.Over(p.set), sweep.Options{})
	if err := p.Swept(clean(t, s)); err != nil {
		t.Fatal(err)
	}
	if r, _ := p.set.Reals.Get(idOf(t, p.set, server(1))); !r.Retired {
		t.Fatalf("%+v", r)
	}

	if err := p.SetTimeouts(t.Context(), lb.Timeouts{Established: time.Second}); err != nil {
		t.Fatal(err)
	}
	expired := 0
	netns.Eventually(t, 10*time.Second, func() error {
		r := clean(t, s)
		expired += r.Expired
		if err := p.Swept(r); err != nil {
			return err
		}
		for id, r := range p.set.Reals.All() {
			return fmt.Errorf("real server %d is still there: %+v", id, r)
		}
		return nil
	})
	if expired != 10 {
		t.Fatalf("%d connections expired, want 10", expired)
	}
	wantStates(t, p.listed(t, lb.ConnFilter{}), map[string]int{})
	for id, h := range p.set.NextHops.All() {
		t.Errorf("next hop %d is left: %+v", id, h)
	}
}

// A flood of SYNs evicts half-open connections, and only the sweep can tell.
func TestSweepAfterAFlood(t *testing.T) {
	size := small()
	size.conns = 256
	p := newPlane(t, size, 1)
	apply(t, p.Engine, p.serving(1))
	p.with(t, func(client, _ *lane) {
		for n := range 5000 {
			client.send(netip.AddrPortFrom(p.Client.Addr, uint16(10000+n)), p.vip.Addr, packet.SYN)
		}
	})
	one := idOf(t, p.set, server(1))
	before, _ := p.set.Loads.Get(one)
	if before.HalfOpen <= 256 {
		t.Fatalf("nothing was evicted: %+v", before)
	}
	s := sweep.New(sweep.Over(p.set), sweep.Options{})
	clean(t, s)
	r := clean(t, s)
	after, _ := p.set.Loads.Get(one)
	if r.Corrected == 0 || after.HalfOpen != int64(r.HalfOpen) {
		t.Fatalf("sweep %+v\ncounts %+v before, %+v after", r, before, after)
	}
	if r := clean(t, s); r.Corrected != 0 {
		t.Fatalf("corrected again: %+v", r)
	}
}

// What Restore writes is what the data path would have written, but for where
// the client is; and packets go on in it.
func TestRestoreIsWhatTheDataPathWrites(t *testing.T) {
	p := newPlane(t, small(), 2)
	apply(t, p.Engine, p.serving(1, 1))
	for n := range 8 {
		p.establish(t, n)
	}
	made := p.entries(t)
	var conns []lb.Connection
	for c, err := range p.Connections(t.Context(), lb.ConnFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	if n, err := p.Cut(t.Context(), lb.ConnFilter{}, lb.Forget); n != 8 || err != nil {
		t.Fatal(n, err)
	}
	n, err := p.Restore(t.Context(), func(yield func(lb.Connection) bool) {
		for _, c := range conns {
			if !yield(c) {
				return
			}
		}
	})
	if n != 8 || err != nil {
		t.Fatal(n, err)
	}
	restored := p.entries(t)
	if len(restored) != len(made) {
		t.Fatalf("%d entries, were %d", len(restored), len(made))
	}
	for key, want := range made {
		got := restored[key]
		if age := want.Seen.Since(got.Seen); age > 2 {
			t.Errorf("%v was seen at %d, is at %d", key, want.Seen, got.Seen)
		}
		got.Seen, got.MAC, got.Port = want.Seen, want.MAC, want.Port
		if got != want {
			t.Errorf("%v:\nrestored %+v\nwas      %+v", key, got, want)
		}
	}
	p.with(t, func(client, server *lane) {
		for _, c := range conns {
			if v, _ := client.send(c.Client, c.Service.Addr, packet.ACK); v != xdpRedirect {
				t.Errorf("request of %v: verdict %d; %s", c.Client, v, p.reasons(t))
			}
			v, out := server.send(c.Real, c.Client, packet.ACK)
			if v != xdpRedirect {
				t.Errorf("answer to %v: verdict %d; %s", c.Client, v, p.reasons(t))
			}
			if err := packet.Check(out); err != nil {
				t.Errorf("answer to %v: %v", c.Client, err)
			}
		}
	})
	clean(t, sweep.New(sweep.Over(p.set), sweep.Options{}))
}

func (p *plane) entries(t testing.TB) map[maps.Tuple]maps.Conn {
	t.Helper()
	out := map[maps.Tuple]maps.Conn{}
	for e, err := range p.set.Established.All() {
		if err != nil {
			t.Fatal(err)
		}
		out[e.Key] = e.Conn
	}
	return out
}
