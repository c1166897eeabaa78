// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"log/slog"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/maps"
)

// successor is the engine of the next process, on what the one before left.
func successor(t tb, set *maps.Set) *Engine {
	t.Helper()
	e, err := New(set, Options{Resolver: newStaticResolver(t, set), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// cleared is an engine on maps that hold nothing any more.
func cleared(t tb, set *maps.Set) *Engine {
	t.Helper()
	e := successor(t, set)
	for _, s := range state(t, e).Services {
		remove(t, e, s.ServiceKey)
	}
	sweepOnce(t, e, nil)
	return successor(t, set)
}

var keys = []lb.ServiceKey{
	web,
	{Protocol: lb.UDP, Addr: netip.MustParseAddrPort("192.0.2.1:53")},
	{Protocol: lb.TCP, Addr: netip.MustParseAddrPort("192.0.2.2:80")},
}

// drawService is some virtual server; nil: none.
func drawService(t *rapid.T, key lb.ServiceKey, label string) *lb.Service {
	if rapid.IntRange(0, 4).Draw(t, label+" absent") == 0 {
		return nil
	}
	s := serving(key)
	s.Instance = lb.Instance(rapid.IntRange(0, 2).Draw(t, label+" instance"))
	s.Owner = rapid.SampledFrom([]lb.Owner{lb.OwnerNone, lb.OwnerDaemon}).Draw(t, label+" owner")
	for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 6), 0, 5, rapid.ID[int]).Draw(t, label+" reals") {
		s.Reals = append(s.Reals, lb.Real{Addr: server(n), Method: lb.NAT, Weight: rapid.IntRange(0, 2).Draw(t, label+" weight")})
	}
	return s
}

// Whatever changes follow each other, and whether or not another engine takes
// over in between: the maps hold what they should, and packets find it all.
func TestApplyProperty(t *testing.T) {
	set := newSet(t, small())
	rapid.Check(t, func(t *rapid.T) {
		e := cleared(t, set)
		model := lb.State{}
		for range rapid.IntRange(1, 12).Draw(t, "changes") {
			key := rapid.SampledFrom(keys).Draw(t, "key")
			c := lb.ServiceChange{Key: key, After: drawService(t, key, "after")}
			if err := e.Apply(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			model = c.ApplyTo(model)
			if rapid.IntRange(0, 3).Draw(t, "successor") == 0 {
				e = successor(t, set)
			}
			if rapid.IntRange(0, 3).Draw(t, "sweep") == 0 {
				sweepOnce(t, e, nil)
			}
			wantModel(t, e, model)
		}
	})
}

func wantModel(t tb, e *Engine, model lb.State) {
	t.Helper()
	var want []*lb.Service
	for _, s := range model.Services {
		want = append(want, &s)
		wantRound(t, e.maps, s)
	}
	wantServices(t, e, want...)
	wantSound(t, e.maps)
}

// An engine that dies between any two writes of a change leaves the virtual
// server as it was, or as it should be, to packets and to its successor; and
// the same change made once more brings it to where it should be.
func TestCrashProperty(t *testing.T) {
	set := newSet(t, small())
	rapid.Check(t, func(t *rapid.T) {
		e := cleared(t, set)
		bystander := serving(keys[2], 1, 1)
		apply(t, e, bystander)
		before, after := drawService(t, web, "before"), drawService(t, web, "after")
		if before != nil {
			apply(t, e, before)
		}
		die(t, e, after)
		wantSound(t, set)

		e = successor(t, set)
		wantSound(t, set)
		got, there := state(t, e).Find(web)
		if !like(got, there, before) && !like(got, there, after) {
			t.Fatalf("left behind: %+v (%v)\nbefore: %+v\nafter: %+v", got, there, before, after)
		}
		if there {
			wantRound(t, set, got)
		}
		if err := e.Apply(t.Context(), lb.ServiceChange{Key: web, After: after}); err != nil {
			t.Fatal(err)
		}
		var model lb.State
		model = model.With(*bystander)
		if after != nil {
			model = model.With(*after)
		}
		wantModel(t, e, model)
		// And nothing is left over when all is gone.
		for _, s := range model.Services {
			remove(t, e, s.ServiceKey)
		}
		sweepOnce(t, e, nil)
		wantEmpty(t, set)
	})
}

// die makes a part of a change.
func die(t *rapid.T, e *Engine, after *lb.Service) {
	if after == nil {
		if rapid.Bool().Draw(t, "key removed") {
			_ = e.maps.Services4.Delete(mapsKey(web))
		}
		return
	}
	p, err := e.newPlan(*after)
	if err != nil {
		t.Fatal(err)
	}
	// The last step is made for a part of the real servers only.
	steps := slices.Concat(p.preparations(), p.conclusions())
	whole := rapid.IntRange(0, len(steps)-1).Draw(t, "steps")
	for _, step := range steps[:whole] {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	if whole != 4 { // publish is one write
		p.reals = p.reals[:rapid.IntRange(0, len(p.reals)).Draw(t, "reals")]
		p.removed = p.removed[:rapid.IntRange(0, len(p.removed)).Draw(t, "removed")]
		if err := steps[whole](); err != nil {
			t.Fatal(err)
		}
	}
}

// like reports whether a virtual server serves as another one does: the same
// real servers take new connections.
func like(got lb.Service, there bool, want *lb.Service) bool {
	if want == nil || !there {
		return want == nil && !there
	}
	taking := func(s lb.Service) (out []string) {
		for _, r := range s.Reals {
			if r.Weight > 0 {
				out = append(out, r.Addr.String())
			}
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(taking(got), taking(*want))
}

// Without a key nobody remembers what a removed virtual server was, but for its
// connections.
func TestSuccessorFindsWhatWasRemoved(t *testing.T) {
	set := newSet(t, small())
	e := newEngine(t, set)
	apply(t, e, serving(web, 1, 1))
	one := idOf(t, set, server(1))
	n, err := e.Restore(t.Context(), slices.Values([]lb.Connection{connection(1, 1, "ESTABLISHED")}))
	if n != 1 || err != nil {
		t.Fatal(n, err)
	}
	remove(t, e, web)
	e = successor(t, set)
	wantServices(t, e)
	if r, _ := set.Reals.Get(one); r.Free() || !r.Retired {
		t.Fatalf("its real server is %+v", r)
	}
	apply(t, e, serving(web, 1, 1))
	if got := idOf(t, set, server(1)); got != one {
		t.Fatalf("added again as %d, was %d", got, one)
	}
	c, err := e.Counters(t.Context())
	if err != nil || c.Services[web].Reals[server(1)].Active != 1 {
		t.Fatalf("counters %+v, %v", c.Services, err)
	}
	wantSound(t, set)
}

// What cannot be read is built anew.
func TestSuccessorOfADisaster(t *testing.T) {
	set := newSet(t, small())
	e := newEngine(t, set)
	want := serving(web, 1, 1, 0)
	apply(t, e, want)
	id, err := set.Services4.Lookup(mapsKey(web))
	if err != nil {
		t.Fatal(err)
	}
	record, _ := set.Services.Get(id)
	record.Slots = maps.SlotRange{Base: 500, Length: 100}
	if err := set.Services.Set(id, record); err != nil {
		t.Fatal(err)
	}
	one := idOf(t, set, server(1))
	r, _ := set.Reals.Get(one)
	if err := set.NextHops.Clear(r.NextHop); err != nil {
		t.Fatal(err)
	}
	if err := set.Ours.Replace(maps.OursReal, nil); err != nil {
		t.Fatal(err)
	}
	e = successor(t, set)
	wantServices(t, e, want)
	wantRound(t, set, *want)
	wantSound(t, set)
}
