// SPDX-License-Identifier: Apache-2.0

package lbtest

import (
	"github.com/xlb-project/xlb/lb"
)

// A full table refuses one more and keeps what it has; removing makes room.
// Some engines take a moment until what was removed can be used again.
func (s *suite) testLimitOfServices() {
	limit := s.limit("MaxServices", s.Dataplane.Features().MaxServices)
	if limit == 0 {
		return
	}
	for n := range limit {
		s.put(s.service(lb.TCP, n))
	}
	extra := s.service(lb.UDP, 1)
	s.refuses(change(extra), lb.ErrLimit)
	s.put(s.service(lb.TCP, 0, 1)) // what is there can still be changed
	s.apply(lb.ServiceChange{Key: key(lb.TCP, 1)})
	s.fits(extra)
}

func (s *suite) testLimitOfReals() {
	limit := s.limit("MaxReals", s.Dataplane.Features().MaxReals)
	if limit == 0 {
		return
	}
	full := s.service(lb.TCP, 1)
	for n := range limit {
		full.Reals = append(full.Reals, s.real(n, 1))
	}
	s.put(full)
	s.holds(full)
	more := full.Clone()
	more.Reals = append(more.Reals, s.real(limit, 1))
	s.refuses(change(more), lb.ErrLimit)
	other := s.service(lb.UDP, 1, 1)
	s.refuses(change(other), lb.ErrLimit)
	full.Reals = full.Reals[1:]
	s.put(full)
	s.fits(other)
}

// limit is one that the suite can fill; 0: there is none.
func (s *suite) limit(name string, limit int) int {
	s.Helper()
	if limit > maxLimit {
		s.Fatalf("%s is %d: open the engine for this suite with at most %d", name, limit, maxLimit)
	}
	return limit
}

// fits waits until there is room for a virtual server.
func (s *suite) fits(svc lb.Service) {
	s.Helper()
	var err error
	s.eventually(func() bool {
		err = s.Dataplane.Apply(s.Context(), change(svc))
		return err == nil
	}, func() { s.Errorf("%s does not fit after another was removed: %v", svc.ServiceKey, err) })
}
