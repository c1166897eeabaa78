// SPDX-License-Identifier: Apache-2.0

package control

import (
	"cmp"
	"slices"

	"github.com/xlb-project/xlb/lb"
)

// ApplyAll is the state after all edits, or the first error.
func ApplyAll(s lb.State, owner lb.Owner, edits []Edit) (lb.State, error) {
	for _, e := range edits {
		var err error
		if s, err = e.Apply(s, owner); err != nil {
			return lb.State{}, err
		}
	}
	return s, nil
}

// Replay applies what can be applied and returns the rest as stale: how the
// daemon lays overrides over a file that may have changed.
func Replay(s lb.State, owner lb.Owner, edits []Edit) (after lb.State, stale []Edit) {
	for _, e := range edits {
		next, err := e.Apply(s, owner)
		if err != nil {
			stale = append(stale, e)
			continue
		}
		s = next
	}
	return s, stale
}

// ClearEdits are the edits that remove every virtual server of s.
func ClearEdits(s lb.State) []Edit {
	edits := make([]Edit, 0, len(s.Services))
	for _, svc := range s.Services {
		edits = append(edits, Edit{Op: ServerDel, Server: svc.ServiceKey.String()})
	}
	return edits
}

// Fold appends an edit to overrides, without what it makes superfluous: a
// later edit of the same thing is merged into an earlier one, and a "del"
// ends what an "add" began. Replayed over the same state, the result is the
// same; the list does not grow with the number of commands. The edit must
// have been applied without an error. overrides stays as it is.
func Fold(overrides []Edit, e Edit) []Edit {
	overrides = slices.Clone(overrides)
	switch e.Op {
	case ServerDel:
		return foldDel(overrides, e, ServerAdd, e.sameServer)
	case RealDel:
		return foldDel(overrides, e, RealAdd, e.sameReal)
	case ServerEdit, RealEdit:
		if i := e.mergeable(overrides); i >= 0 {
			overrides[i] = overrides[i].merged(e)
			return overrides
		}
	}
	return append(overrides, e)
}

// foldDel drops every earlier edit of what e removes. e itself is needed
// only where the thing was there before the overrides: where the first of
// them did not add it.
func foldDel(overrides []Edit, e Edit, add Op, same func(Edit) bool) []Edit {
	first := slices.IndexFunc(overrides, same)
	ours := first >= 0 && overrides[first].Op == add
	overrides = slices.DeleteFunc(overrides, same)
	if ours {
		return overrides
	}
	return append(overrides, e)
}

// mergeable is the place of the override that e can be merged into: the last
// one about the same thing, unless a "del" of it came after; else -1.
func (e Edit) mergeable(overrides []Edit) int {
	for i, o := range slices.Backward(overrides) {
		switch {
		case o.Op == ServerDel && e.sameServer(o):
			return -1
		case e.Op == ServerEdit && e.sameServer(o) && (o.Op == ServerAdd || o.Op == ServerEdit):
			return i
		case e.Op == RealEdit && e.sameReal(o):
			return i
		}
	}
	return -1
}

// merged is an override with a later edit of the same thing in it.
func (e Edit) merged(later Edit) Edit {
	e.Scheduler = cmp.Or(later.Scheduler, e.Scheduler)
	e.Forward = cmp.Or(later.Forward, e.Forward)
	e.Weight = cmp.Or(later.Weight, e.Weight)
	return e
}

// sameServer says whether o is about the virtual server or one of its real
// servers. Texts that do not parse are the same only when they are equal.
func (e Edit) sameServer(o Edit) bool {
	a, errA := ParseServer(e.Server)
	b, errB := ParseServer(o.Server)
	if errA != nil || errB != nil {
		return e.Server == o.Server
	}
	return a == b
}

// sameReal says whether o is about the same real server of the same virtual
// server.
func (e Edit) sameReal(o Edit) bool {
	if o.Real == "" || !e.sameServer(o) {
		return false
	}
	a, errA := ParseReal(e.Real)
	b, errB := ParseReal(o.Real)
	if errA != nil || errB != nil {
		return e.Real == o.Real
	}
	return a == b
}
