// SPDX-License-Identifier: Apache-2.0

package lb_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/lb"
)

// Foreign virtual servers stay as they are; ours become as desired; where a
// foreign one is in the way, that is said.
func TestDiffOwned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		actual, desired := genState().Draw(t, "actual"), genState().Draw(t, "desired")
		for i := range desired.Services {
			desired.Services[i].Owner = lb.OwnerDaemon
		}
		own := lb.Ownership{Owner: lb.OwnerDaemon, All: rapid.Bool().Draw(t, "all")}
		changes, blocked := lb.DiffOwned(actual, desired, own)
		after := actual
		for _, c := range changes {
			after = c.ApplyTo(after)
		}
		if own.All && (!after.Equal(desired) || len(blocked) != 0) {
			t.Fatalf("everything is ours: %v, blocked by %v", after, blocked)
		}
		foreign := 0
		for _, svc := range own.Foreign(actual) {
			if kept, ok := after.Find(svc.ServiceKey); !ok || !kept.Equal(svc) {
				t.Fatalf("foreign %v became %v", svc, kept)
			}
			if _, wanted := desired.Find(svc.ServiceKey); wanted {
				foreign++
			}
		}
		if foreign != len(blocked) {
			t.Fatalf("%d foreign ones are in the way, but blocked is %v", foreign, blocked)
		}
		for _, svc := range desired.Services {
			held, _ := after.Find(svc.ServiceKey)
			if own.Owns(held) && !held.Equal(svc) {
				t.Fatalf("ours is %v, desired %v", held, svc)
			}
		}
	})
}

func TestOwns(t *testing.T) {
	hand, daemon := lb.Service{}, lb.Service{Owner: lb.OwnerDaemon}
	tests := []struct {
		own          lb.Ownership
		hand, daemon bool
	}{
		{lb.Ownership{}, true, false},
		{lb.Ownership{Owner: lb.OwnerDaemon}, false, true},
		{lb.Ownership{Owner: lb.OwnerDaemon, All: true}, true, true},
	}
	for _, test := range tests {
		if test.own.Owns(hand) != test.hand || test.own.Owns(daemon) != test.daemon {
			t.Errorf("%+v owns what is made by hand: %t, by the daemon: %t", test.own, test.own.Owns(hand), test.own.Owns(daemon))
		}
	}
}
