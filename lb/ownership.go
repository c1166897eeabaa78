// SPDX-License-Identifier: Apache-2.0

package lb

// Ownership says which virtual servers of a kernel are ours to change.
type Ownership struct {
	Owner Owner // what carries this mark is ours
	All   bool  // and so is everything else (own_all)
}

// Owns says whether a virtual server is ours.
func (o Ownership) Owns(s Service) bool { return o.All || s.Owner == o.Owner }

// Foreign are the virtual servers that are not ours.
func (o Ownership) Foreign(s State) []Service {
	var foreign []Service
	for _, svc := range s.Services {
		if !o.Owns(svc) {
			foreign = append(foreign, svc)
		}
	}
	return foreign
}

// DiffOwned is [Diff] that leaves foreign virtual servers alone. Where desired
// names one of these differently, it is in the way: there is no change for it,
// and it is returned in blocked.
func DiffOwned(actual, desired State, o Ownership) (changes []ServiceChange, blocked []Service) {
	for _, c := range Diff(actual, desired) {
		switch {
		case c.Before == nil || o.Owns(*c.Before):
			changes = append(changes, c)
		case c.After != nil:
			blocked = append(blocked, *c.Before)
		}
	}
	return changes, blocked
}
