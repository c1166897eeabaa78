// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"cmp"
	"slices"
)

// Diff is what makes actual into desired: one change for each virtual server
// that differs, in the order in which to apply them.
//
// That order is: removals, changes that do not add real servers, changes that
// do, additions. So no state in between holds more virtual servers or more real
// servers than the larger of actual and desired, and tables that hold both are
// never too small for the way from one to the other. It costs nothing: virtual
// servers are independent of one another, each change is seen by packets whole
// (see [Dataplane.Apply]), and so a state in between never points at something
// absent, whatever the order.
//
// Gates and timeouts are no part of it. States need not be sorted; of a
// duplicate, which [Validate] refuses, the last counts.
func Diff(actual, desired State) []ServiceChange {
	have, want := byKey(actual), byKey(desired)
	var changes []ServiceChange
	for key, before := range have {
		if after := want[key]; after == nil || !after.Equal(*before) {
			changes = append(changes, ServiceChange{key, before, after})
		}
	}
	for key, after := range want {
		if have[key] == nil {
			changes = append(changes, ServiceChange{key, nil, after})
		}
	}
	slices.SortFunc(changes, func(a, b ServiceChange) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), a.Key.Compare(b.Key))
	})
	return changes
}

// rank is a change's place in the order: what makes room goes first.
func (c ServiceChange) rank() int {
	switch {
	case c.After == nil:
		return 0
	case c.Before == nil:
		return 3
	case len(c.After.Reals) <= len(c.Before.Reals):
		return 1
	}
	return 2
}

func byKey(s State) map[ServiceKey]*Service {
	m := make(map[ServiceKey]*Service, len(s.Services))
	for _, svc := range s.Services {
		svc = svc.Clone()
		m[svc.ServiceKey] = &svc
	}
	return m
}
