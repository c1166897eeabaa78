// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/maps"
	"github.com/xlb-project/xlb/test/datapath"
	"github.com/xlb-project/xlb/test/netns"
)

// tb is what helpers need of a test, or of a property that is tested.
type tb interface {
	Helper()
	Context() context.Context
	Cleanup(func())
	Errorf(format string, args ...any)
	Error(args ...any)
	Fatalf(format string, args ...any)
	Fatal(args ...any)
	Skip(args ...any)
	Skipf(format string, args ...any)
	Failed() bool
}

func TestMain(m *testing.M) { os.Exit(netns.Main(m)) }

// sizes are those of most tests' maps: small, so that limits are near.
type sizes struct{ services, reals, slots, hops, conns uint32 }

func small() sizes { return sizes{services: 16, reals: 64, slots: 512, hops: 64, conns: 4096} }

func (s sizes) entries() map[string]uint32 {
	return map[string]uint32{
		bpf.LbMapServices: s.services, bpf.LbMapServices4: s.services, bpf.LbMapServiceCounters: s.services,
		bpf.LbMapReals: s.reals, bpf.LbMapLoads: s.reals, bpf.LbMapRealCounters: s.reals,
		bpf.LbMapSlots: s.slots, bpf.LbMapNextHops: s.hops,
		bpf.LbMapEstablished4: s.conns, bpf.LbMapHalfOpen4: s.conns,
	}
}

// newCollection loads the data path with maps of the test's own.
func newCollection(t tb, s sizes) *ebpf.Collection {
	t.Helper()
	coll, _ := datapath.Load(t, s.entries())
	return coll
}

// newSet makes maps of the test's own, in the state in which the loader leaves
// them.
func newSet(t tb, s sizes) *maps.Set {
	t.Helper()
	return openSet(t, newCollection(t, s))
}

func openSet(t tb, coll *ebpf.Collection) *maps.Set {
	t.Helper()
	set, err := maps.FromCollection(coll)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := set.Close(); err != nil {
			t.Errorf("closing the maps: %v", err)
		}
	})
	if err := set.Init(maps.Identity{Rate: set.Clock.Rate}); err != nil {
		t.Fatal(err)
	}
	return set
}

// newEngine makes an engine with next hops that are always resolved.
func newEngine(t tb, set *maps.Set) *Engine {
	t.Helper()
	e, err := New(set, Options{Resolver: newStaticResolver(t, set), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("closing the engine: %v", err)
		}
	})
	return e
}

var web = lb.ServiceKey{Protocol: lb.TCP, Addr: netip.MustParseAddrPort("192.0.2.1:80")}

// serving is a virtual server with NAT real servers, one for each weight: the
// first at 10.2.0.1:8080.
func serving(key lb.ServiceKey, weights ...int) *lb.Service {
	s := &lb.Service{ServiceKey: key, Scheduler: lb.RoundRobin, Owner: lb.OwnerDaemon}
	for i, w := range weights {
		s.Reals = append(s.Reals, lb.Real{Addr: server(i + 1), Method: lb.NAT, Weight: w})
	}
	return s
}

func server(n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 2, byte(n >> 8), byte(n)}), 8080)
}

// apply makes a virtual server be as it says.
func apply(t tb, e *Engine, s *lb.Service) {
	t.Helper()
	if err := e.Apply(t.Context(), lb.ServiceChange{Key: s.ServiceKey, After: s}); err != nil {
		t.Fatal(err)
	}
}

func remove(t tb, e *Engine, key lb.ServiceKey) {
	t.Helper()
	if err := e.Apply(t.Context(), lb.ServiceChange{Key: key}); err != nil {
		t.Fatal(err)
	}
}

func state(t tb, e *Engine) lb.State {
	t.Helper()
	s, err := e.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantServices compares the virtual servers that the maps hold.
func wantServices(t tb, e *Engine, want ...*lb.Service) {
	t.Helper()
	var s lb.State
	for _, svc := range want {
		s.Services = append(s.Services, *svc)
	}
	s.Sort()
	got := state(t, e)
	got.Gates, got.Timeouts = nil, lb.Timeouts{}
	if !got.Equal(s) {
		t.Fatalf("the maps hold %+v\nwant %+v", got.Services, s.Services)
	}
}
