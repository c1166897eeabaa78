// SPDX-License-Identifier: Apache-2.0

package control

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/lb"
)

func equateEmpty() cmp.Option { return cmpopts.EquateEmpty() }

func TestFold(t *testing.T) {
	const a, b = "10.0.0.1:80", "10.0.0.2:80"
	tests := []struct {
		name string
		in   []Edit
		want []Edit
	}{
		{"edits of one real server become one",
			[]Edit{{Op: RealEdit, Server: web, Real: a, Weight: weight(1)},
				{Op: RealEdit, Server: web, Real: b, Weight: weight(5)},
				{Op: RealEdit, Server: web, Real: a, Forward: "dr"},
				{Op: RealEdit, Server: web, Real: a, Weight: weight(0)}},
			[]Edit{{Op: RealEdit, Server: web, Real: a, Forward: "dr", Weight: weight(0)},
				{Op: RealEdit, Server: web, Real: b, Weight: weight(5)}}},
		{"an edit goes into the add",
			[]Edit{{Op: ServerAdd, Server: web}, {Op: RealAdd, Server: web, Real: a},
				{Op: ServerEdit, Server: web, Scheduler: "sh"}, {Op: RealEdit, Server: web, Real: a, Weight: weight(2)}},
			[]Edit{{Op: ServerAdd, Server: web, Scheduler: "sh"}, {Op: RealAdd, Server: web, Real: a, Weight: weight(2)}}},
		{"added and removed leaves nothing",
			[]Edit{{Op: ServerAdd, Server: web}, {Op: RealAdd, Server: web, Real: a}, {Op: ServerDel, Server: web}}, nil},
		{"the file's real server, removed and added, moves to the end",
			[]Edit{{Op: RealDel, Server: web, Real: a}, {Op: RealAdd, Server: web, Real: a}},
			[]Edit{{Op: RealDel, Server: web, Real: a}, {Op: RealAdd, Server: web, Real: a}}},
		{"and removed again is removed",
			[]Edit{{Op: RealDel, Server: web, Real: a}, {Op: RealAdd, Server: web, Real: a}, {Op: RealDel, Server: web, Real: a}},
			[]Edit{{Op: RealDel, Server: web, Real: a}}},
		{"a virtual server of the file that was made anew, changed",
			[]Edit{{Op: ServerEdit, Server: web, Scheduler: "sh"}, {Op: ServerDel, Server: web}, {Op: ServerAdd, Server: web},
				{Op: ServerEdit, Server: web, Scheduler: "wlc"}},
			[]Edit{{Op: ServerDel, Server: web}, {Op: ServerAdd, Server: web, Scheduler: "wlc"}}},
		{"the same key written in another way",
			[]Edit{{Op: RealEdit, Server: web, Real: a, Weight: weight(1)},
				{Op: RealEdit, Server: "TCP:[::ffff:192.0.2.1]:80", Real: "[::ffff:10.0.0.1]:80", Weight: weight(2)}},
			[]Edit{{Op: RealEdit, Server: web, Real: a, Weight: weight(2)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []Edit
			for _, e := range tt.in {
				got = Fold(got, e)
			}
			if diff := cmp.Diff(tt.want, got, equateEmpty()); diff != "" {
				t.Errorf("unexpected overrides (-want +got):\n%s", diff)
			}
		})
	}
}

// drawEdit draws an edit of a small world, so that edits meet each other.
func drawEdit(t *rapid.T) Edit {
	e := Edit{
		Op:     rapid.SampledFrom([]Op{ServerAdd, ServerEdit, ServerDel, RealAdd, RealEdit, RealDel, RealAdd, RealEdit}).Draw(t, "op"),
		Server: rapid.SampledFrom([]string{web, dns, "tcp:192.0.2.1:443"}).Draw(t, "server"),
	}
	switch e.Op {
	case ServerAdd, ServerEdit:
		e.Scheduler = rapid.SampledFrom([]string{"", "rr", "sh"}).Draw(t, "scheduler")
	case RealAdd, RealEdit:
		e.Forward = rapid.SampledFrom([]string{"", "nat", "dr"}).Draw(t, "forward")
		if n := rapid.IntRange(-1, 3).Draw(t, "weight"); n >= 0 {
			e.Weight = &n
		}
		fallthrough
	case RealDel:
		e.Real = fmt.Sprintf("10.0.0.%d:80", rapid.IntRange(1, 3).Draw(t, "real"))
	}
	return e
}

// drawState draws the state of a file in that world.
func drawState(t *rapid.T) lb.State {
	edits := rapid.SliceOfN(rapid.Custom(drawEdit), 0, 20).Draw(t, "file")
	s, _ := Replay(lb.State{}, lb.OwnerDaemon, edits)
	return s
}

// Overrides, replayed over the file, are what the commands made of it; and
// they do not grow with the number of commands.
func TestFoldReplaysToTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := drawState(t)
		now := file
		var overrides []Edit
		for _, e := range rapid.SliceOfN(rapid.Custom(drawEdit), 1, 60).Draw(t, "commands") {
			next, err := e.Apply(now, lb.OwnerDaemon)
			if err != nil {
				continue
			}
			now, overrides = next, Fold(overrides, e)
			got, stale := Replay(file, lb.OwnerDaemon, overrides)
			if diff := diffStates(now, got); diff != "" || len(stale) != 0 {
				t.Fatalf("after %+v the overrides %+v give (-want +got):\n%s\nstale: %v", e, overrides, diff, stale)
			}
		}
		// Three virtual servers, each "del" and "add"; and three real servers of each, likewise.
		if len(overrides) > 3*2+9*2 {
			t.Fatalf("%d overrides: %+v", len(overrides), overrides)
		}
	})
}

// Keys stay sorted and unique, whatever is applied, as lb.State demands.
func TestApplyKeepsTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawState(t)
		for i := 1; i < len(s.Services); i++ {
			if s.Services[i-1].Compare(s.Services[i].ServiceKey) >= 0 {
				t.Fatalf("%v before %v", s.Services[i-1].ServiceKey, s.Services[i].ServiceKey)
			}
		}
	})
}
