// SPDX-License-Identifier: Apache-2.0

package lb_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/lb"
)

func ptr[T any](v T) *T { return &v }

// onReal is an override of a real server.
func onReal(action lb.Action, key, real string, change func(*lb.Override)) lb.Override {
	o := lb.Override{Action: action, Service: mustKey(key), Real: netip.MustParseAddrPort(real)}
	if change != nil {
		change(&o)
	}
	return o
}

func weight(w int) func(*lb.Override) { return func(o *lb.Override) { o.Weight = ptr(w) } }

// weighed is svc with other weights.
func weighed(svc lb.Service, weights ...int) lb.Service {
	for i, w := range weights {
		svc.Reals[i].Weight = w
	}
	return svc
}

const (
	vip  = "tcp:192.0.2.1:80"
	vip2 = "tcp:192.0.2.2:80"
	one  = "10.0.0.1:80"
	two  = "10.0.0.2:80"
	tri  = "10.0.0.3:80"
)

func TestComposeOverrides(t *testing.T) {
	server := func(a lb.Action, key string) lb.Override { return lb.Override{Action: a, Service: mustKey(key)} }
	sh := server(lb.Change, vip)
	sh.Scheduler, sh.Instance = ptr(lb.Scheduler("sh")), ptr(lb.Instance(4))
	hashed := nat(vip, one, two)
	hashed.Scheduler, hashed.Instance = "sh", 4
	fresh := server(lb.Add, vip)
	fresh.Fresh = true
	tests := []struct {
		name      string
		overrides []lb.Override
		want      []lb.Service
		kinds     []lb.NoteKind
	}{
		{"none", nil, []lb.Service{nat(vip, one, two)}, nil},
		{"a server's weight", []lb.Override{onReal(lb.Change, vip, one, weight(0))},
			[]lb.Service{weighed(nat(vip, one, two), 0, 1)}, []lb.NoteKind{lb.NoteOverridden}},
		{"a server more", []lb.Override{onReal(lb.Add, vip, tri, weight(5))},
			[]lb.Service{weighed(nat(vip, one, two, tri), 1, 1, 5)}, []lb.NoteKind{lb.NoteOverridden}},
		{"a server that the file has by now keeps its place", []lb.Override{onReal(lb.Add, vip, one, weight(5))},
			[]lb.Service{weighed(nat(vip, one, two), 5, 1)}, []lb.NoteKind{lb.NoteOverridden}},
		{"a server less", []lb.Override{onReal(lb.Remove, vip, one, nil)},
			[]lb.Service{nat(vip, two)}, []lb.NoteKind{lb.NoteOverridden}},
		{"a scheduler and an instance", []lb.Override{sh}, []lb.Service{hashed}, []lb.NoteKind{lb.NoteOverridden}},
		{"a virtual server less", []lb.Override{server(lb.Remove, vip)}, nil, []lb.NoteKind{lb.NoteOverridden}},
		{"a virtual server more, with a server", []lb.Override{onReal(lb.Add, vip2, tri, nil), server(lb.Add, vip2)},
			[]lb.Service{nat(vip, one, two), nat(vip2, tri)}, []lb.NoteKind{lb.NoteOverridden, lb.NoteOverridden}},
		{"a virtual server anew", []lb.Override{fresh}, []lb.Service{nat(vip)}, []lb.NoteKind{lb.NoteOverridden}},
		{"stale: the server is gone", []lb.Override{onReal(lb.Change, vip, tri, weight(0))},
			[]lb.Service{nat(vip, one, two)}, []lb.NoteKind{lb.NoteStale}},
		{"stale: the server was removed from the file", []lb.Override{onReal(lb.Remove, vip, tri, nil)},
			[]lb.Service{nat(vip, one, two)}, []lb.NoteKind{lb.NoteStale}},
		{"stale: the virtual server is gone", []lb.Override{server(lb.Change, vip2), onReal(lb.Add, vip2, one, nil)},
			[]lb.Service{nat(vip, one, two)}, []lb.NoteKind{lb.NoteStale, lb.NoteStale}},
		{"stale: the virtual server was removed from the file", []lb.Override{server(lb.Remove, vip2)},
			[]lb.Service{nat(vip, one, two)}, []lb.NoteKind{lb.NoteStale}},
	}
	file := stateOf(nat(vip, one, two))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var o lb.Overrides
			for _, n := range test.overrides {
				o = o.Put(file.With(lb.Service{ServiceKey: mustKey(vip2)}).With(nat(vip, one, two, tri)), n)
			}
			got, notes := lb.Compose(file, o, nil)
			if want := stateOf(test.want...); !got.Equal(want) {
				t.Errorf("composed %v, want %v", got.Services, want.Services)
			}
			var kinds []lb.NoteKind
			for _, n := range notes {
				kinds = append(kinds, n.Kind)
			}
			if !slices.Equal(kinds, test.kinds) {
				t.Errorf("notes %v, want %v", notes, test.kinds)
			}
		})
	}
	if !file.Equal(stateOf(nat(vip, one, two))) {
		t.Errorf("the file's state was changed: %v", file)
	}
}

func TestComposeNotesSayWho(t *testing.T) {
	n := onReal(lb.Change, vip, one, weight(0))
	n.Origin = lb.Origin{By: "xlbctl", Why: "disk full", At: time.Unix(1, 0)}
	file := stateOf(nat(vip, one))
	_, notes := lb.Compose(file, lb.Overrides{}.Put(file, n), nil)
	want := lb.Note{Kind: lb.NoteOverridden, Target: n.Target(), Text: "change by xlbctl: disk full"}
	if len(notes) != 1 || notes[0] != want {
		t.Errorf("notes %+v, want %+v", notes, want)
	}
}

func TestComposeHealth(t *testing.T) {
	key := func(real string) lb.RealKey {
		return lb.RealKey{Service: mustKey(vip), Real: netip.MustParseAddrPort(real)}
	}
	file := stateOf(nat(vip, one, two, tri), nat(vip2, two))
	tests := []struct {
		name string
		down lb.HealthView
		want lb.Service
	}{
		{"all well", nil, nat(vip, one, two, tri)},
		{"one is taken out", lb.HealthView{key(two): lb.TakeOut}, nat(vip, one, tri)},
		{"and comes back to its place", lb.HealthView{}, nat(vip, one, two, tri)},
		{"one is inhibited", lb.HealthView{key(two): lb.Inhibit}, weighed(nat(vip, one, two, tri), 1, 0, 1)},
		{"nobody is left", lb.HealthView{key(one): 0, key(two): 0, key(tri): 0}, nat(vip)},
		{"somebody unknown", lb.HealthView{key("10.9.9.9:1"): lb.TakeOut}, nat(vip, one, two, tri)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, notes := lb.Compose(file, lb.Overrides{}, test.down)
			if want := stateOf(test.want, nat(vip2, two)); !got.Equal(want) {
				t.Errorf("composed %v, want %v", got.Services, want.Services)
			}
			for _, n := range notes {
				if _, down := test.down[n.Target]; !down || n.Kind != lb.NoteDown {
					t.Errorf("note %+v", n)
				}
			}
		})
	}
}

// Health has the last word: an operator's weight does not send connections to
// a server that is down.
func TestHealthIsAboveOverrides(t *testing.T) {
	file := stateOf(nat(vip, one, two))
	o := lb.Overrides{}.Put(file, onReal(lb.Change, vip, one, weight(9)))
	down := lb.HealthView{{Service: mustKey(vip), Real: netip.MustParseAddrPort(one)}: lb.Inhibit}
	got, notes := lb.Compose(file, o, down)
	if want := stateOf(weighed(nat(vip, one, two), 0, 1)); !got.Equal(want) || len(notes) != 2 {
		t.Errorf("composed %v with %v", got.Services, notes)
	}
}

func TestComposeKeepsGatesAndTimeouts(t *testing.T) {
	file := lb.State{Gates: map[lb.Instance]bool{2: true}, Timeouts: lb.Timeouts{UDP: time.Second},
		Services: []lb.Service{nat(vip2), nat(vip)}}
	got, _ := lb.Compose(file, lb.Overrides{}, nil)
	file.Sort()
	if !got.Equal(file) {
		t.Errorf("%+v, want the file sorted: %+v", got, file)
	}
	got.Gates[3] = true
	if file.Gates[3] {
		t.Errorf("the file's gates are the result's")
	}
}

// Commands one after another do the same to the composed state as to a state
// that is simply edited.
func TestOverridesAreLikeEditing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := genState().Draw(t, "file")
		for i := range file.Services {
			file.Services[i].Owner = ""
		}
		edited, overrides := file, lb.Overrides{}
		for range rapid.IntRange(1, 12).Draw(t, "commands") {
			n, after := genCommand(t, edited)
			overrides, edited = overrides.Put(file, n), after
			got, notes := lb.Compose(file, overrides, nil)
			if !got.Equal(edited) {
				t.Fatalf("after %+v\ncomposed %v\n  edited %v\noverrides %+v", n, got.Services, edited.Services, overrides.List())
			}
			for _, n := range notes {
				if n.Kind != lb.NoteOverridden {
					t.Fatalf("note %+v", n)
				}
			}
			checkTargets(t, overrides)
		}
	})
}

// checkTargets wants one override for each target.
func checkTargets(t *rapid.T, o lb.Overrides) {
	seen := map[lb.RealKey]bool{}
	for _, n := range o.List() {
		if seen[n.Target()] {
			t.Fatalf("two overrides of %s: %+v", n.Target(), o.List())
		}
		seen[n.Target()] = true
	}
}

// genCommand draws a command that makes sense in s, and what comes of it.
func genCommand(t *rapid.T, s lb.State) (lb.Override, lb.State) {
	key := genKey().Draw(t, "key")
	svc, there := s.Find(key)
	if !there || rapid.IntRange(0, 3).Draw(t, "server or real") == 0 {
		return genServerCommand(t, s, key, svc, there)
	}
	svc = svc.Clone()
	real := genReal().Draw(t, "real")
	n := lb.Override{Service: key, Real: real.Addr, Weight: &real.Weight}
	switch i := svc.Index(real.Addr); {
	case i < 0:
		n.Action = lb.Add
		svc.Reals = append(svc.Reals, real)
	case rapid.Bool().Draw(t, "remove"):
		n.Action, n.Weight = lb.Remove, nil
		svc.Reals = slices.Delete(svc.Reals, i, i+1)
	default:
		n.Action = lb.Change
		svc.Reals[i].Weight = real.Weight
	}
	return n, s.With(svc)
}

func genServerCommand(t *rapid.T, s lb.State, key lb.ServiceKey, svc lb.Service, there bool) (lb.Override, lb.State) {
	instance := lb.Instance(rapid.IntRange(0, 2).Draw(t, "instance"))
	n := lb.Override{Service: key, Instance: &instance}
	switch {
	case !there:
		n.Action = lb.Add
		return n, s.With(lb.Service{ServiceKey: key, Scheduler: lb.RoundRobin, Instance: instance})
	case rapid.Bool().Draw(t, "remove"):
		return lb.Override{Action: lb.Remove, Service: key}, s.Without(key)
	}
	n.Action = lb.Change
	svc.Instance = instance
	return n, s.With(svc)
}
