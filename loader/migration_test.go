// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
)

// TestSwapUnderTraffic replaces the program again and again while datagrams go
// through it one by one: none is lost.
func TestSwapUnderTraffic(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	before := s.status()
	p := newPing(s)
	const swaps = 10
	n := p.during(t, func() {
		for i := range swaps {
			source := otherIngress
			if i%2 == 1 {
				source = bpf.LoadLb
			}
			out, err := s.attachFrom(source, nil)
			check(t, err)
			if !slices.Equal(out.Programs, []string{bpf.LbProgXlbIngress}) || len(out.Migrated) != 0 || !out.Kept {
				t.Errorf("swap %d: %+v", i, out)
			}
		}
	})
	t.Logf("%d datagrams during %d swaps", n, swaps)
	after := s.status()
	if !sameMaps(before.Maps, after.Maps) || after.Active.ID == before.Active.ID || after.Active.Tag != before.Active.Tag {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if a, b := pinnedProgram(before, bpf.LbProgXlbDispatch), pinnedProgram(after, bpf.LbProgXlbDispatch); a != b {
		t.Errorf("the dispatcher was %+v, is %+v", a, b)
	}
	if pinnedProgram(after, bpf.LbProgXlbIngress) != after.Active {
		t.Errorf("active is %+v, pinned %+v", after.Active, after.Programs)
	}
	s.with(func(set *maps.Set) {
		counts, err := set.Reasons.Get()
		check(t, err)
		if counts[maps.ReasonNotOurs] < uint64(n) {
			t.Errorf("%d datagrams, counted are %d", n, counts[maps.ReasonNotOurs])
		}
	})
}

// sameMaps says that the maps are the same objects.
func sameMaps(a, b []Table) bool {
	return slices.EqualFunc(a, b, func(a, b Table) bool { return a.Name == b.Name && a.ID == b.ID })
}

func pinnedProgram(st *State, name string) Program {
	i := slices.IndexFunc(st.Programs, func(p Program) bool { return p.Name == name })
	if i < 0 {
		return Program{}
	}
	return st.Programs[i]
}

// otherDispatcher is the built-in object with another dispatcher.
func otherDispatcher() (*ebpf.CollectionSpec, error) {
	spec, err := bpf.LoadLb()
	if err != nil {
		return nil, err
	}
	return spec, prepend(spec.Programs[bpf.LbProgXlbDispatch], asm.Mov.Imm(asm.R0, 0))
}

func TestNewDispatcher(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	p := newPing(s)
	p.during(t, func() {
		out, err := s.attachFrom(otherDispatcher, nil)
		check(t, err)
		if !slices.Equal(out.Programs, []string{bpf.LbProgXlbDispatch}) {
			t.Errorf("attachment %+v", out)
		}
	})
	l, err := openLink(pins{s.options.Pin}, "eth0")
	check(t, err)
	defer l.link.Close()
	if st := s.status(); l.program != pinnedProgram(st, bpf.LbProgXlbDispatch).ID {
		t.Errorf("the interface has program %d, pinned are %+v", l.program, st.Programs)
	}
	// A second interface gets the same dispatcher.
	s.connect("eth1")
	_, err = s.attachFrom(otherDispatcher, func(o *Options) { o.Interface = "eth1" })
	check(t, err)
	p.many(t, 3)
}

// fillAll puts something into every kind of map.
func fillAll(t *testing.T, s *site, n int) {
	t.Helper()
	s.with(func(set *maps.Set) {
		fillConnections(t, set, n)
		now, err := set.Clock.Now()
		check(t, err)
		request, reply := connection(n+1, now)
		check(t, set.HalfOpen.Insert(reply.Key, reply.Conn))
		check(t, set.HalfOpen.Insert(request.Key, request.Conn))
		check(t, set.Services.Set(1, maps.Service{Slots: maps.SlotRange{Base: 10, Length: 3}, Owner: "xlbd"}))
		check(t, set.Slots.Write(10, []uint32{1, 2, 3}))
		check(t, set.Services4.Set(maps.ServiceKey{Addr: request.Key.Dst, Proto: 6}, 1))
		check(t, set.Reals.Set(1, maps.Real{Addr: reply.Key.Src, Service: 1, NextHop: 1, Weight: 5}))
		check(t, set.NextHops.Create(1, reply.Key.Src.Addr()))
		check(t, set.NextHops.Set(1, maps.Hop{DstMAC: maps.MAC{1}, Ifindex: 7}))
		check(t, set.Gateways4.Set(maps.Gateway{Addr: reply.Key.Src.Addr(), Ifindex: 7}, 1))
		check(t, set.Gates.Set(5, true))
	})
	for _, name := range []string{bpf.LbMapServiceCounters, bpf.LbMapRealCounters} {
		m, err := ebpf.LoadPinnedMap(pins{s.options.Pin}.mapFile(name), nil)
		check(t, err)
		cpus, err := ebpf.PossibleCPU()
		check(t, err)
		values := make([]bpf.LbCounters, cpus)
		values[0], values[cpus-1] = bpf.LbCounters{Connections: 1, OutBytes: 5}, bpf.LbCounters{Connections: 1, OutBytes: 5}
		check(t, m.Put(uint32(3), values))
		check(t, m.Close())
	}
}

// wantAll checks what fillAll put there.
func wantAll(t *testing.T, s *site, n int) {
	t.Helper()
	s.with(func(set *maps.Set) {
		wantConnections(t, set, n)
		request, reply := connection(n+1, 0)
		if c, err := set.HalfOpen.Lookup(request.Key); err != nil || c.Dst != reply.Key.Src {
			t.Errorf("half-open: %+v, %v", c, err)
		}
		if v, err := set.Services.Get(1); err != nil || v != (maps.Service{Slots: maps.SlotRange{Base: 10, Length: 3}, Owner: "xlbd"}) {
			t.Errorf("virtual server %+v, %v", v, err)
		}
		if v, err := set.Slots.Read(maps.SlotRange{Base: 10, Length: 3}); err != nil || !slices.Equal(v, []uint32{1, 2, 3}) {
			t.Errorf("slots %v, %v", v, err)
		}
		if id, err := set.Services4.Lookup(maps.ServiceKey{Addr: request.Key.Dst, Proto: 6}); err != nil || id != 1 {
			t.Errorf("virtual server's id %d, %v", id, err)
		}
		if v, err := set.Reals.Get(1); err != nil || v.Addr != reply.Key.Src || v.Weight != 5 {
			t.Errorf("real server %+v, %v", v, err)
		}
		if v, err := set.NextHops.Get(1); err != nil || !v.Resolved || v.Hop.Ifindex != 7 {
			t.Errorf("next hop %+v, %v", v, err)
		}
		if v, err := set.Gates.Get(5); err != nil || !v {
			t.Errorf("gate %v, %v", v, err)
		}
		cpus, err := ebpf.PossibleCPU()
		check(t, err)
		each := uint64(min(cpus, 2))
		for _, table := range []*maps.CounterTable{set.ServiceCounters, set.RealCounters} {
			if c, err := table.Get(3); err != nil || c != (maps.Counters{Connections: each, OutBytes: 5 * each}) {
				t.Errorf("counters %+v, %v", c, err)
			}
		}
		if on, err := set.Settings.Migrating(); err != nil || on {
			t.Errorf("migrating %v, %v", on, err)
		}
	})
}

// TestMorePorts exchanges the maps of the interfaces.
func TestMorePorts(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	out, err := s.attachFrom(func() (*ebpf.CollectionSpec, error) {
		spec, err := bpf.LoadLb()
		if err != nil {
			return nil, err
		}
		for _, name := range []string{bpf.LbMapPorts, bpf.LbMapPortIds, bpf.LbMapDevices} {
			spec.Maps[name].MaxEntries = 128
		}
		return spec, nil
	}, nil)
	check(t, err)
	if want := []string{"devices: 64 entries, now 128", "port_ids: 64 entries, now 128", "ports: 64 entries, now 128"}; !slices.Equal(out.Migrated, want) {
		t.Errorf("migrated %q", out.Migrated)
	}
	index, err := s.eth0.Index()
	check(t, err)
	s.with(func(set *maps.Set) {
		if n, err := set.Ports.Lookup(uint32(index)); err != nil || n != 1 || set.Ports.Len() != 128 {
			t.Errorf("number %d of %d, %v", n, set.Ports.Len(), err)
		}
	})
	devices, err := ebpf.LoadPinnedMap(pins{s.options.Pin}.mapFile(bpf.LbMapDevices), nil)
	check(t, err)
	defer devices.Close()
	var device uint32
	if err := devices.Lookup(uint32(1), &device); err != nil || int(device) != index {
		t.Errorf("redirects to port 1 go to interface %d, %v; want %d", device, err, index)
	}
	newPing(s).many(t, 3)
}

// TestFailedMigration fails in the middle, because a name cannot be pinned:
// everything stays as it was.
func TestFailedMigration(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	fillAll(t, s, 50)
	before := s.status()
	_, err := s.attachFrom(func() (*ebpf.CollectionSpec, error) {
		spec, err := otherIngress()
		if err != nil {
			return nil, err
		}
		spec.Maps["with.dot"] = spec.Maps[bpf.LbMapGates].Copy()
		return spec, nil
	}, func(o *Options) { o.Sizes = doubled() })
	if err == nil || !strings.Contains(err.Error(), "step pin: pinning map with.dot") {
		t.Errorf("error %v", err)
	}
	after := s.status()
	if !sameMaps(before.Maps, after.Maps) || before.Active != after.Active || after.Interrupted || after.Migrating {
		t.Errorf("before %+v, after %+v", before, after)
	}
	wantAll(t, s, 50)
	s.mustAttach(func(o *Options) { o.Sizes = doubled() })
	wantAll(t, s, 50)
}

func doubled() Sizes {
	small := smallSizes()
	return Sizes{
		Connections: 2 * small.Connections, HalfOpen: 2 * small.HalfOpen, Services: 2 * small.Services,
		Reals: 2 * small.Reals, Slots: 2 * small.Slots, NextHops: 2 * small.NextHops,
	}
}

// TestDoubleUnderTraffic doubles every table and halves it again.
func TestDoubleUnderTraffic(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	const n = 3000
	fillAll(t, s, n)
	p := newPing(s)
	p.many(t, 10)
	sizes := []Sizes{doubled(), smallSizes()}
	pings := p.during(t, func() {
		for _, size := range sizes {
			before := s.status()
			out := s.mustAttach(func(o *Options) { o.Sizes = size })
			if len(out.Migrated) != 10 || out.Created || !strings.Contains(strings.Join(out.Migrated, ","), "established4") {
				t.Errorf("attachment %+v", out)
			}
			wantAll(t, s, n)
			wantKept(t, before, s.status(), out.Migrated)
		}
	})
	s.with(func(set *maps.Set) {
		counts, err := set.Reasons.Get()
		check(t, err)
		if counts[maps.ReasonNotOurs] < uint64(pings) {
			t.Errorf("%d datagrams, counted are %d", pings, counts[maps.ReasonNotOurs])
		}
	})
	if st := s.status(); st.Interrupted || st.Migrating {
		t.Errorf("state %+v", st)
	}
}

// wantKept checks that the maps that were not migrated are the same objects,
// and the others are not.
func wantKept(t *testing.T, before, after *State, migrated []string) {
	t.Helper()
	for i, m := range before.Maps {
		moved := slices.ContainsFunc(migrated, func(s string) bool { return strings.HasPrefix(s, m.Name+":") })
		if same := after.Maps[i].ID == m.ID; same == moved {
			t.Errorf("map %s: migrated %v, the same object %v", m.Name, moved, same)
		}
	}
}

func TestSizesStayUnlessAskedFor(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	s.mustAttach(func(o *Options) { o.Sizes = doubled() })
	if out := s.mustAttach(func(o *Options) { o.Sizes = Sizes{} }); len(out.Migrated) != 0 {
		t.Errorf("attachment %+v", out)
	}
	out := s.mustAttach(func(o *Options) { o.Sizes = Sizes{Slots: 4096} })
	if len(out.Migrated) != 1 || !strings.HasPrefix(out.Migrated[0], "slots: ") {
		t.Errorf("attachment %+v", out)
	}
}

func TestTooSmall(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	fillAll(t, s, 1000)
	before := s.status()
	for _, tt := range []struct {
		sizes Sizes
		want  string
	}{
		{Sizes{Connections: 999}, "map established4"},
		{Sizes{Slots: 12}, "map slots"},
	} {
		_, err := s.attach(func(o *Options) { o.Sizes = tt.sizes })
		wantError(t, err, ErrTooSmall, tt.want, "entries in use")
	}
	if after := s.status(); !slices.Equal(before.Maps, after.Maps) || before.Active != after.Active {
		t.Errorf("a refused size changed something: before %+v, after %+v", before, after)
	}
	s.mustAttach(func(o *Options) { o.Sizes = Sizes{Connections: 1500, HalfOpen: 100, Slots: 13} })
	wantAll(t, s, 1000)
}

func TestMigrationUnderDaemon(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	s.with(func(set *maps.Set) {
		now, err := set.Clock.Now()
		check(t, err)
		check(t, set.Settings.SetHeartbeat(now))
	})
	if st := s.status(); !st.Alive || st.Heartbeat > maps.HeartbeatLimit {
		t.Errorf("state %+v", st)
	}
	_, err := s.attach(func(o *Options) { o.Sizes = doubled() })
	wantError(t, err, ErrBusy, "established4", "stop or restart xlbd")
	if out := s.mustAttach(func(o *Options) { o.Sizes, o.Daemon = doubled(), true }); len(out.Migrated) == 0 {
		t.Errorf("attachment %+v", out)
	}
}

// crash interrupts a migration before a step.
func (s *site) crash(stop string, source source, sizes Sizes) error {
	o := s.options
	o.Sizes = sizes
	return s.do(func() error {
		return withPlane(s.t.Context(), o, source, func(p *plane) error {
			p.stop = stop
			_, err := p.attach(o)
			return err
		})
	})
}

// TestCrash interrupts a migration before every step, with and without
// exchanging maps, and attaches again.
func TestCrash(t *testing.T) {
	for _, step := range (&migration{}).steps() {
		for _, sizes := range []Sizes{doubled(), smallSizes()} {
			t.Run(fmt.Sprintf("%s/%d", step.name, sizes.Connections), func(t *testing.T) {
				testCrash(t, step.name, sizes)
			})
		}
	}
}

func testCrash(t *testing.T, step string, sizes Sizes) {
	s := newSite(t)
	s.mustAttach(nil)
	const n = 300
	fillAll(t, s, n)
	p := newPing(s)
	if err := s.crash(step, otherIngress, sizes); !errors.Is(err, errStopped) {
		t.Fatalf("the migration was not interrupted: %v", err)
	}
	p.many(t, 3)
	st := s.status()
	if want := step != "copy" && step != "delta" && step != "pin"; st.Interrupted != want {
		t.Errorf("before %s: interrupted %v, want %v", step, st.Interrupted, want)
	}
	out, err := s.attachFrom(otherIngress, func(o *Options) { o.Sizes = sizes })
	check(t, err)
	if out.Created {
		t.Error("everything was made anew")
	}
	wantAll(t, s, n)
	st = s.status()
	if st.Interrupted || st.Migrating || pinnedProgram(st, bpf.LbProgXlbIngress) != st.Active {
		t.Errorf("state %+v", st)
	}
	for _, m := range st.Maps {
		if m.Name == bpf.LbMapEstablished4 && m.Capacity != 2*sizes.Connections {
			t.Errorf("capacity %d, want %d", m.Capacity, 2*sizes.Connections)
		}
	}
	if out, err := s.attachFrom(otherIngress, func(o *Options) { o.Sizes = Sizes{} }); err != nil || len(out.Programs)+len(out.Migrated) != 0 {
		t.Errorf("attached again: %+v, %v", out, err)
	}
	p.many(t, 3)
}

// TestCrashThenDetach removes what an interrupted migration left.
func TestCrashThenDetach(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	for _, step := range []string{"freeze", "commit"} {
		s.mustAttach(nil)
		if err := s.crash(step, otherIngress, doubled()); !errors.Is(err, errStopped) {
			t.Fatalf("the migration was not interrupted: %v", err)
		}
		objects := s.inventory()
		_, err := s.detachAll()
		check(t, err)
		if left := objects.left(); len(left) != 0 || exists(s.options.Pin) {
			t.Errorf("before %s: left are %v", step, left)
		}
	}
}

// TestRefusedProgram has the verifier refuse the new program: nothing changes.
func TestRefusedProgram(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	before := s.status()
	_, err := s.attachFrom(func() (*ebpf.CollectionSpec, error) {
		spec, err := bpf.LoadLb()
		if err != nil {
			return nil, err
		}
		return spec, prepend(spec.Programs[bpf.LbProgXlbIngress], asm.LoadMem(asm.R0, asm.R9, 0, asm.DWord))
	}, nil)
	wantError(t, err, ErrKernel, "verifier", "R9")
	if after := s.status(); !sameMaps(before.Maps, after.Maps) || before.Active != after.Active {
		t.Errorf("before %+v, after %+v", before, after)
	}
}
