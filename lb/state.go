// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"maps"
	"slices"
)

// State is what an engine holds, or should hold: intent, never counts,
// connections or cursors. Services are sorted by [ServiceKey] and unique.
type State struct {
	Services []Service
	Gates    map[Instance]bool // instances that are not named are closed; 0 is always open
	Timeouts Timeouts
}

// Clone shares nothing with s.
func (s State) Clone() State {
	services := make([]Service, len(s.Services))
	for i, svc := range s.Services {
		services[i] = svc.Clone()
	}
	if s.Services == nil {
		services = nil
	}
	s.Services = services
	s.Gates = maps.Clone(s.Gates)
	return s
}

// Equal says whether two states mean the same: the same virtual servers in the
// same order, the same gates open, the same timeouts with defaults filled in.
func (s State) Equal(o State) bool {
	return slices.EqualFunc(s.Services, o.Services, Service.Equal) &&
		maps.Equal(s.openGates(), o.openGates()) &&
		s.Timeouts.OrDefault() == o.Timeouts.OrDefault()
}

// GateOpen says whether virtual servers of an instance accept new connections.
func (s State) GateOpen(i Instance) bool { return i == 0 || s.Gates[i] }

// openGates leaves out what says nothing: closed gates, and the one of no
// instance.
func (s State) openGates() map[Instance]bool {
	open := maps.Clone(s.Gates)
	maps.DeleteFunc(open, func(i Instance, open bool) bool { return i == 0 || !open })
	return open
}

// Sort puts the virtual servers into their order, in place.
func (s State) Sort() {
	slices.SortStableFunc(s.Services, func(a, b Service) int { return a.Compare(b.ServiceKey) })
}

// Find returns a virtual server of a sorted state.
func (s State) Find(key ServiceKey) (Service, bool) {
	i, ok := s.search(key)
	if !ok {
		return Service{}, false
	}
	return s.Services[i], true
}

// With is the sorted state s with a virtual server added, or put in place of
// the one with its key. s stays as it is.
func (s State) With(svc Service) State {
	i, ok := s.search(svc.ServiceKey)
	s.Services = slices.Clone(s.Services)
	if ok {
		s.Services[i] = svc
	} else {
		s.Services = slices.Insert(s.Services, i, svc)
	}
	return s
}

// Without is the sorted state s without a virtual server. s stays as it is.
func (s State) Without(key ServiceKey) State {
	if i, ok := s.search(key); ok {
		s.Services = slices.Delete(slices.Clone(s.Services), i, i+1)
	}
	return s
}

// Reals counts the real servers of all virtual servers.
func (s State) Reals() int {
	n := 0
	for _, svc := range s.Services {
		n += len(svc.Reals)
	}
	return n
}

func (s State) search(key ServiceKey) (int, bool) {
	return slices.BinarySearchFunc(s.Services, key, func(svc Service, key ServiceKey) int { return svc.Compare(key) })
}
