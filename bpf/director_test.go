// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/netns"
	"github.com/xlb-project/xlb/test/packet"
)

// frozen is a tick_shift with which the tick stands still for an hour; with 0 a tick is a jiffy, 10 ms at most.
const (
	frozen = 20
	live   = 0
)

// setup is what a director is made with. Zero values are fine.
type setup struct {
	tickShift      uint32 // live; use [newDirector] for a frozen one
	established    uint32 // entries, two a connection; 0: 1024
	halfOpen       uint32 // 0: 1024
	heartbeatLimit uint32 // ticks; 0: the daemon never counts as gone
}

// director is one data path of its own, between clients and servers in a network namespace.
type director struct {
	objects
	ns               *netns.NS
	clients, servers link

	calls chan func()   // to the thread in the namespace
	ended chan struct{} // closed when that thread has gone

	services, reals, slots uint32 // how many are in use
}

// objects are what is loaded, without the variables: those would be kept in memory until the garbage collector comes, and the maps with them.
type objects struct {
	bpf.LbPrograms
	bpf.LbMaps
}

// link is an interface of the director.
type link struct {
	*netns.Link
	port    uint16
	ifindex uint32
	mac     net.HardwareAddr
}

// mtu is that of both links and of all next hops unless a test says otherwise.
const mtu = 1500

// newDirector returns a director for which time stands still.
func newDirector(t testing.TB) *director {
	t.Helper()
	return setup{tickShift: frozen}.director(t)
}

// director loads the data path into maps of its own. It is gone when the test ends.
func (s setup) director(t testing.TB) *director {
	t.Helper()
	d := &director{}
	d.makeNamespace(t)
	s.load(t, &d.objects)
	t.Cleanup(func() {
		if err := errors.Join(d.LbPrograms.Close(), d.LbMaps.Close()); err != nil {
			t.Errorf("close the data path: %v", err)
		}
	})
	for _, l := range []link{d.clients, d.servers} {
		put(t, d.Ports, uint32(l.port), bpf.LbPort{Mac: [6]byte(l.mac), Mtu: mtu, Ifindex: l.ifindex})
		put(t, d.PortIds, l.ifindex, uint32(l.port))
		// The kernel looks the interface up in the namespace of the caller.
		d.do(func() { put(t, d.Devices, uint32(l.port), l.ifindex) })
	}
	put(t, d.Gates, uint32(0), bpf.LbGate{Open: 1})
	now := d.now(t)
	d.tune(t, func(v *bpf.LbTunables) {
		v.Heartbeat = uint64(now)
		for i := range v.Timeouts {
			v.Timeouts[i] = 1 << 20
		}
	})
	return d
}

// load loads the programs with small maps.
func (s setup) load(t testing.TB, into *objects) {
	t.Helper()
	spec, err := bpf.LoadLb()
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]uint32{
		bpf.LbMapEstablished4: or(s.established, 1024), bpf.LbMapHalfOpen4: or(s.halfOpen, 1024), bpf.LbMapSlots: 4096,
		bpf.LbMapServices: 64, bpf.LbMapServices4: 64, bpf.LbMapServiceCounters: 64,
		bpf.LbMapReals: 64, bpf.LbMapLoads: 64, bpf.LbMapRealCounters: 64, bpf.LbMapNextHops: 64,
	}
	for name, n := range sizes {
		spec.Maps[name].MaxEntries = n
	}
	constants := map[string]uint32{
		bpf.LbVarTickShift: s.tickShift, bpf.LbVarHeartbeatLimit: or(s.heartbeatLimit, 1<<31),
	}
	for name, v := range constants {
		if err := spec.Variables[name].Set(v); err != nil {
			t.Fatal(err)
		}
	}
	options := &ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{LogLevel: ebpf.LogLevelStats}}
	if err := spec.LoadAndAssign(into, options); err != nil {
		t.Fatalf("load the data path: %+v", err)
	}
}

// makeNamespace makes two interfaces with a route to the clients and one to the servers, and a thread that stays there.
func (d *director) makeNamespace(t testing.TB) {
	t.Helper()
	lab := netns.ForTest(t)
	ns, err := lab.NewNS("director")
	if err != nil {
		t.Fatal(err)
	}
	d.ns = ns
	d.clients = link{port: 1, mac: packet.MAC("02:00:00:00:01:01")}
	d.servers = link{port: 2, mac: packet.MAC("02:00:00:00:02:01")}
	d.clients.Link, d.servers.Link, err = lab.Connect(
		netns.End{NS: ns, Name: "clients", MAC: d.clients.mac, Addrs: []netip.Prefix{netip.MustParsePrefix("198.51.100.1/24")}},
		netns.End{NS: ns, Name: "servers", MAC: d.servers.mac, Addrs: []netip.Prefix{netip.MustParsePrefix("10.2.0.1/24")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []*link{&d.clients, &d.servers} {
		index, err := l.Index()
		if err != nil {
			t.Fatal(err)
		}
		l.ifindex = uint32(index)
	}
	if err := ns.SetSysctl("net.ipv4.ip_forward", "1"); err != nil {
		t.Fatal(err)
	}
	d.enter(t)
}

// enter starts the thread for [director.do].
func (d *director) enter(t testing.TB) {
	d.calls, d.ended = make(chan func()), make(chan struct{})
	var err error
	go func() {
		defer close(d.ended)
		err = d.ns.Do(func() error {
			for f := range d.calls {
				f()
			}
			return nil
		})
	}()
	t.Cleanup(func() {
		close(d.calls)
		if <-d.ended; err != nil {
			t.Errorf("the director's thread: %v", err)
		}
	})
}

// do runs f on a thread in the director's namespace. f must not end the test.
func (d *director) do(f func()) {
	done := make(chan struct{})
	select {
	case d.calls <- func() { defer close(done); f() }:
		<-done
	case <-d.ended:
		panic("the director's thread has ended")
	}
}

// tune changes the run-time settings.
func (d *director) tune(t testing.TB, change func(*bpf.LbTunables)) {
	t.Helper()
	edit(t, d.Settings, uint32(0), change)
}

// put stores a value in a map. It does not end the test, so that it can be used on any thread.
func put(t testing.TB, m *ebpf.Map, key, value any) {
	t.Helper()
	if err := m.Put(key, value); err != nil {
		t.Errorf("put %v into %v: %v", key, m, err)
	}
}

// edit changes a value in a map.
func edit[V any](t testing.TB, m *ebpf.Map, key any, change func(*V)) {
	t.Helper()
	var v V
	if err := m.Lookup(key, &v); err != nil {
		t.Fatalf("look up %v in %v: %v", key, m, err)
	}
	change(&v)
	put(t, m, key, v)
}

// find returns a value of a map, nil when there is none.
func find[V any](t testing.TB, m *ebpf.Map, key any) *V {
	t.Helper()
	v := new(V)
	switch err := m.Lookup(key, v); {
	case errors.Is(err, ebpf.ErrKeyNotExist):
		return nil
	case err != nil:
		t.Fatalf("look up %v in %v: %v", key, m, err)
	}
	return v
}

// or returns v, else its default.
func or[V comparable](v, otherwise V) V {
	var zero V
	if v == zero {
		return otherwise
	}
	return v
}
