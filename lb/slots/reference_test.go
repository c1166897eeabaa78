// SPDX-License-Identifier: Apache-2.0

package slots_test

import (
	"slices"
	"testing"

	"github.com/xlb-project/xlb/lb/slots"
)

// What "ipvsadm -a" and connections make of it, worked out by hand from
// ip_vs_rr.c. 0 stands for "no destination available".
func TestReference(t *testing.T) {
	up := func(ids ...uint32) []slots.Server {
		var servers []slots.Server
		for _, id := range ids {
			servers = append(servers, slots.Server{ID: id, Weight: 1})
		}
		return servers
	}
	add := func(id uint32) func(*slots.Reference) {
		return func(r *slots.Reference) { r.Add(slots.Server{ID: id, Weight: 1}) }
	}
	remove := func(id uint32) func(*slots.Reference) { return func(r *slots.Reference) { r.Remove(id) } }
	weigh := func(id uint32, w int) func(*slots.Reference) {
		return func(r *slots.Reference) { r.SetWeight(id, w) }
	}
	tests := []struct {
		name    string
		servers []slots.Server
		before  int // choices before the change
		change  []func(*slots.Reference)
		want    []uint32 // choices after it
	}{
		{"nobody", nil, 0, nil, []uint32{0, 0}},
		{"the last added first", up(1, 2, 3), 0, nil, []uint32{3, 2, 1, 3, 2, 1}},
		{"one alone", up(1), 0, nil, []uint32{1, 1}},
		{"added in the middle of a round", up(1, 2, 3), 1, []func(*slots.Reference){add(4)}, []uint32{2, 1, 4, 3, 2, 1}},
		{"added before the first choice", up(1, 2), 0, []func(*slots.Reference){add(3)}, []uint32{3, 2, 1}},
		{"added after a round", up(1, 2), 2, []func(*slots.Reference){add(3)}, []uint32{3, 2, 1}},
		{"the last chosen is removed", up(1, 2, 3), 2, []func(*slots.Reference){remove(2)}, []uint32{1, 3, 1}},
		{"the first of the list is removed after its turn", up(1, 2, 3), 1, []func(*slots.Reference){remove(3)}, []uint32{2, 1, 2}},
		{"the next is removed", up(1, 2, 3), 1, []func(*slots.Reference){remove(2)}, []uint32{1, 3, 1}},
		{"removed and added: to the head", up(1, 2, 3), 2, []func(*slots.Reference){remove(1), add(1)}, []uint32{1, 3, 2, 1}},
		{"unknown is removed", up(1, 2), 1, []func(*slots.Reference){remove(9)}, []uint32{1, 2}},
		{"quiesced", up(1, 2, 3), 1, []func(*slots.Reference){weigh(2, 0)}, []uint32{1, 3, 1}},
		{"quiesced and revived", up(1, 2, 3), 2, []func(*slots.Reference){weigh(2, 0), weigh(2, 1)}, []uint32{1, 3, 2}},
		{"all quiesced", up(1, 2), 1, []func(*slots.Reference){weigh(1, 0), weigh(2, 0)}, []uint32{0, 0}},
		{"unknown is weighed", up(1), 0, []func(*slots.Reference){weigh(9, 0)}, []uint32{1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := slots.NewReference(test.servers...)
			for range test.before {
				r.Choose()
			}
			for _, change := range test.change {
				change(r)
			}
			var got []uint32
			for range test.want {
				id, _ := r.Choose()
				got = append(got, id)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("chose %v, want %v", got, test.want)
			}
		})
	}
}

func TestReferenceListsInOrderOfAddition(t *testing.T) {
	r := slots.NewReference(slots.Server{ID: 1, Weight: 1}, slots.Server{ID: 2, Weight: 0})
	r.Add(slots.Server{ID: 3, Weight: 5})
	want := []slots.Server{{ID: 1, Weight: 1}, {ID: 2}, {ID: 3, Weight: 5}}
	if got := r.Servers(); !slices.Equal(got, want) {
		t.Errorf("servers: %v, want %v", got, want)
	}
	if _, ok := r.Last(); ok {
		t.Errorf("something was chosen before the first choice")
	}
	r.Choose()
	if last, ok := r.Last(); !ok || last.ID != 3 {
		t.Errorf("last chosen: %v, %t", last, ok)
	}
}
