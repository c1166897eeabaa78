// SPDX-License-Identifier: Apache-2.0

package slots_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/slots"
)

func TestBuild(t *testing.T) {
	tests := []struct {
		name    string
		servers []slots.Server
		want    []uint32
	}{
		{"none", nil, []uint32{}},
		{"one", []slots.Server{{ID: 7, Weight: 1}}, []uint32{7}},
		{"the last added is the first", []slots.Server{{ID: 1, Weight: 1}, {ID: 2, Weight: 1}, {ID: 3, Weight: 1}}, []uint32{3, 2, 1}},
		{"weights do not count", []slots.Server{{ID: 1, Weight: 1}, {ID: 2, Weight: 65535}}, []uint32{2, 1}},
		{"but for 0", []slots.Server{{ID: 1, Weight: 1}, {ID: 2, Weight: 0}, {ID: 3, Weight: 1}}, []uint32{3, 1}},
		{"all quiesced", []slots.Server{{ID: 1}, {ID: 2}}, []uint32{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := (slots.RoundRobin{}).Build(test.servers); !slices.Equal(got, test.want) {
				t.Errorf("Build: %v, want %v", got, test.want)
			}
		})
	}
}

func TestNext(t *testing.T) {
	tests := []struct {
		name   string
		old    []uint32
		cursor int
		list   []uint32
		want   int
	}{
		{"a new virtual server", nil, 0, []uint32{3, 2, 1}, 0},
		{"nobody is left", []uint32{3, 2, 1}, 1, nil, 0},
		{"nothing changes", []uint32{3, 2, 1}, 2, []uint32{3, 2, 1}, 2},
		{"nothing changes at the end of a round", []uint32{3, 2, 1}, 0, []uint32{3, 2, 1}, 0},
		{"one is added: its turn comes after the others'", []uint32{3, 2, 1}, 1, []uint32{4, 3, 2, 1}, 2},
		{"one is added at the end of a round: it is next", []uint32{3, 2, 1}, 0, []uint32{4, 3, 2, 1}, 0},
		{"the next is removed", []uint32{3, 2, 1}, 1, []uint32{3, 1}, 1},
		{"the last chosen is removed", []uint32{3, 2, 1}, 2, []uint32{3, 1}, 1},
		{"the last of the list is next and is removed", []uint32{3, 2, 1}, 2, []uint32{3, 2}, 0},
		{"the last chosen and those before it are removed", []uint32{4, 3, 2, 1}, 2, []uint32{2, 1}, 0},
		{"all are others", []uint32{3, 2, 1}, 2, []uint32{6, 5}, 0},
		{"one comes back right after the last chosen", []uint32{3, 1}, 1, []uint32{3, 2, 1}, 1},
		{"one comes back that has had its turn", []uint32{2, 1}, 1, []uint32{3, 2, 1}, 2},
		{"one comes back as the last of the list, at the end of a round", []uint32{3, 2}, 0, []uint32{3, 2, 1}, 2},
		{"another order", []uint32{3, 2, 1}, 1, []uint32{1, 2, 3}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := (slots.RoundRobin{}).Next(test.old, test.cursor, test.list); got != test.want {
				t.Errorf("Next(%v, %d, %v) = %d, want %d", test.old, test.cursor, test.list, got, test.want)
			}
		})
	}
}

func TestFor(t *testing.T) {
	if s, err := slots.For(lb.RoundRobin); err != nil || s != (slots.RoundRobin{}) {
		t.Errorf("rr: %v, %v", s, err)
	}
	if _, err := slots.For("sh"); !errors.Is(err, lb.ErrUnsupported) {
		t.Errorf("sh: %v, want an ErrUnsupported", err)
	}
}

// path is a data path with one virtual server: what is committed, and how it
// chooses.
type path struct {
	list   []uint32
	cursor int
}

func (p *path) choose() (uint32, bool) {
	if len(p.list) == 0 {
		return 0, false
	}
	id := p.list[p.cursor]
	p.cursor = (p.cursor + 1) % len(p.list)
	return id, true
}

func (p *path) commit(servers []slots.Server) {
	list := slots.RoundRobin{}.Build(servers)
	p.list, p.cursor = list, slots.RoundRobin{}.Next(p.list, p.cursor, list)
}

// duel is IPVS and slots side by side.
type duel struct {
	ipvs   slots.Reference
	path   path
	nextID uint32
}

func (d *duel) choose(t *rapid.T) {
	want, wantOK := d.ipvs.Choose()
	got, ok := d.path.choose()
	if got != want || ok != wantOK {
		t.Fatalf("chose %d (%t), IPVS chooses %d (%t); servers %v, slots %v", got, ok, want, wantOK, d.ipvs.Servers(), d.path.list)
	}
}

// settle has a choice made where slots may differ from IPVS otherwise: see
// RoundRobin.Next.
func (d *duel) settle(t *rapid.T, head bool) {
	if last, ok := d.ipvs.Last(); !ok && head || ok && last.Weight == 0 {
		d.choose(t)
	}
}

// add returns the id.
func (d *duel) add(t *rapid.T, weight int) {
	d.settle(t, false)
	d.nextID++
	d.ipvs.Add(slots.Server{ID: d.nextID, Weight: weight})
}

func (d *duel) some(t *rapid.T) (slots.Server, bool) {
	servers := d.ipvs.Servers()
	if len(servers) == 0 {
		return slots.Server{}, false
	}
	return rapid.SampledFrom(servers).Draw(t, "server"), true
}

// The slots choose exactly as IPVS does, whatever is added, removed, quiesced
// and revived between choices.
func TestLikeIPVS(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d duel
		commit := func() { d.path.commit(d.ipvs.Servers()) }
		t.Repeat(map[string]func(*rapid.T){
			"choose": d.choose,
			"add":    func(t *rapid.T) { d.add(t, rapid.IntRange(0, 3).Draw(t, "weight")); commit() },
			"remove": func(t *rapid.T) {
				if s, ok := d.some(t); ok {
					d.ipvs.Remove(s.ID)
					commit()
				}
			},
			"weigh": func(t *rapid.T) {
				s, ok := d.some(t)
				if !ok {
					return
				}
				weight := rapid.IntRange(0, 2).Draw(t, "weight")
				if s.Weight == 0 && weight > 0 {
					d.settle(t, true)
				}
				d.ipvs.SetWeight(s.ID, weight)
				commit()
			},
		})
		for range 10 {
			d.choose(t)
		}
	})
}

// Whatever changes, also in the middle of the list and all at once: those that
// stay keep their turns.
func TestTurnsAreKept(t *testing.T) {
	ids := rapid.Permutation([]uint32{1, 2, 3, 4, 5, 6, 7, 8})
	rapid.Check(t, func(t *rapid.T) {
		all := ids.Draw(t, "all")
		subset := func(name string) []uint32 {
			return slices.DeleteFunc(slices.Clone(all), func(id uint32) bool { return rapid.Bool().Draw(t, name) })
		}
		old, list := subset("absent before"), subset("absent after")
		cursor := 0
		if len(old) > 0 {
			cursor = rapid.IntRange(0, len(old)-1).Draw(t, "cursor")
		}
		next := slots.RoundRobin{}.Next(old, cursor, list)
		if next < 0 || next >= max(1, len(list)) {
			t.Fatalf("Next = %d of %d", next, len(list))
		}
		common := func(ids, others []uint32, cursor int) []uint32 {
			if len(ids) == 0 {
				return nil
			}
			round := append(slices.Clone(ids[cursor:]), ids[:cursor]...)
			return slices.DeleteFunc(round, func(id uint32) bool { return !slices.Contains(others, id) })
		}
		if before, after := common(old, list, cursor), common(list, old, next); !slices.Equal(before, after) {
			t.Fatalf("turns were %v and are %v: %v at %d, then %v at %d", before, after, old, cursor, list, next)
		}
	})
}
