// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
)

// otherLayout is the built-in object with two members of a connection in each
// other's place: what the built-in program takes for the virtual server is the
// real server.
func otherLayout() (*ebpf.CollectionSpec, error) {
	spec, err := otherIngress()
	if err != nil {
		return nil, err
	}
	m := spec.Maps[bpf.LbMapEstablished4]
	value := btf.Copy(m.Value).(*btf.Struct)
	service := slices.IndexFunc(value.Members, func(m btf.Member) bool { return m.Name == "service" })
	real := slices.IndexFunc(value.Members, func(m btf.Member) bool { return m.Name == "real" })
	value.Members[service].Name, value.Members[real].Name = "real", "service"
	m.Value = value
	return spec, nil
}

func layoutFrom(t *testing.T, source source, change func(*ebpf.CollectionSpec)) uint64 {
	t.Helper()
	spec, err := source()
	check(t, err)
	if change != nil {
		change(spec)
	}
	layout, err := layoutOf(spec)
	check(t, err)
	return layout
}

func TestLayout(t *testing.T) {
	builtin := layoutFrom(t, bpf.LoadLb, nil)
	if again := layoutFrom(t, bpf.LoadLb, nil); again != builtin || builtin == 0 {
		t.Errorf("the same object has layouts %x and %x", builtin, again)
	}
	if code := layoutFrom(t, otherIngress, nil); code != builtin {
		t.Error("other code of the same types has another layout")
	}
	if members := layoutFrom(t, otherLayout, nil); members == builtin {
		t.Error("members in another place have the same layout")
	}
	for name, change := range map[string]func(*ebpf.CollectionSpec){
		"size":      func(s *ebpf.CollectionSpec) { s.Maps["slots"].MaxEntries++ },
		"flags":     func(s *ebpf.CollectionSpec) { s.Maps["services4"].Flags = 0 },
		"type":      func(s *ebpf.CollectionSpec) { s.Maps["half_open4"].Type = ebpf.Hash },
		"no map":    func(s *ebpf.CollectionSpec) { delete(s.Maps, "gates") },
		"other map": func(s *ebpf.CollectionSpec) { s.Maps["more"] = s.Maps["gates"] },
	} {
		if layoutFrom(t, bpf.LoadLb, change) == builtin {
			t.Errorf("another %s, and the same layout", name)
		}
	}
	constants := layoutFrom(t, bpf.LoadLb, func(s *ebpf.CollectionSpec) { s.Maps[".rodata"].ValueSize++ })
	if constants != builtin {
		t.Error("another number of constants changes the layout")
	}
}

func TestDescribeType(t *testing.T) {
	u32 := &btf.Int{Name: "u32", Size: 4}
	inner := &btf.Struct{Name: "inner", Size: 4, Members: []btf.Member{{Name: "a", Type: &btf.Typedef{Name: "x", Type: u32}}}}
	for want, typ := range map[string]btf.Type{
		"-":                                nil,
		"int32.unsigned":                   &btf.Volatile{Type: u32},
		"[3]struct{a@0.0:int32.unsigned;}": &btf.Array{Nelems: 3, Type: inner, Index: u32},
		"union{b@0.0:int32.unsigned;}":     &btf.Union{Size: 4, Members: []btf.Member{{Name: "b", Type: u32}}},
		"enum32{one=1;}":                   &btf.Enum{Size: 4, Values: []btf.EnumValue{{Name: "one", Value: 1}}},
		"*btf.Pointer":                     &btf.Pointer{Target: u32},
	} {
		if got := describeType(typ); got != want {
			t.Errorf("%v is %q, want %q", typ, got, want)
		}
	}
}

// TestMigrateLayout moves members of every connection, there and back.
func TestMigrateLayout(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	const n = 500
	fillAll(t, s, n)
	before := s.status()
	p := newPing(s)
	p.during(t, func() {
		out, err := s.attachFrom(otherLayout, nil)
		check(t, err)
		if !slices.Equal(out.Migrated, []string{"established4: its members differ"}) {
			t.Errorf("migrated %q", out.Migrated)
		}
	})
	wantKept(t, before, s.status(), []string{"established4:"})
	s.with(func(set *maps.Set) {
		entries := 0
		for e, err := range set.Established.All() {
			check(t, err)
			if e.Real != 1 || e.Service < 1 || e.Service > 7 {
				t.Errorf("%v has real server %d and virtual server %d", e.Key, e.Real, e.Service)
			}
			entries++
		}
		if entries != 2*n {
			t.Errorf("%d entries, want %d", entries, 2*n)
		}
	})
	err := s.do(func() error {
		_, err := OpenSet(s.options.Pin)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), `made by xlb "test"`) {
		t.Errorf("opening another layout: %v", err)
	}
	s.mustAttach(nil)
	wantAll(t, s, n)
}

// TestMapsComeAndGo migrates from a version that lacked a map, and had one more.
func TestMapsComeAndGo(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	const n = 10
	fillConns := func(set *maps.Set) { fillConnections(t, set, n) }
	s.with(fillConns)
	p := pins{s.options.Pin}
	check(t, os.Remove(p.mapFile(bpf.LbMapGateways4)))
	extra, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	check(t, err)
	defer extra.Close()
	check(t, extra.Pin(p.mapFile("obsolete")))
	out, err := s.attachFrom(otherLayout, nil)
	check(t, err)
	if !slices.Contains(out.Migrated, "gateways4: new") {
		t.Errorf("migrated %q", out.Migrated)
	}
	names, err := list(p.dir(maps.MapDir))
	check(t, err)
	spec, err := bpf.LoadLb()
	check(t, err)
	if slices.Sort(names); !slices.Equal(names, mapNames(spec)) {
		t.Errorf("pinned are %v", names)
	}
	s.mustAttach(nil)
	s.with(func(set *maps.Set) { wantConnections(t, set, n) })
}

// TestIncompatible refuses to change what every dispatcher calls, and members
// that would lose bits.
func TestIncompatible(t *testing.T) {
	s := newSite(t)
	s.mustAttach(nil)
	before := s.status()
	for name, change := range map[string]func(*ebpf.CollectionSpec){
		"map programs": func(spec *ebpf.CollectionSpec) { spec.Maps[bpf.LbMapPrograms].MaxEntries = 2 },
		"status had 4 bytes, now 2": func(spec *ebpf.CollectionSpec) {
			m := spec.Maps[bpf.LbMapEstablished4]
			value := btf.Copy(m.Value).(*btf.Struct)
			i := slices.IndexFunc(value.Members, func(m btf.Member) bool { return m.Name == "status" })
			value.Members[i].Type = &btf.Int{Name: "u16", Size: 2}
			m.Value = value
		},
	} {
		_, err := s.attachFrom(func() (*ebpf.CollectionSpec, error) {
			spec, err := bpf.LoadLb()
			if err == nil {
				change(spec)
			}
			return spec, err
		}, nil)
		wantError(t, err, ErrIncompatible, name)
	}
	if after := s.status(); !slices.Equal(before.Maps, after.Maps) || before.Active != after.Active {
		t.Errorf("before %+v, after %+v", before, after)
	}
}
