// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"slices"
)

// Reference is a model of IPVS's round robin (ip_vs_rr.c, and the list of
// destinations in ip_vs_ctl.c), written from its definition: a list that grows
// at its head, and the entry that was chosen last. It is for tests: engines
// have to choose as it does. The zero value has no servers.
type Reference struct {
	list []Server
	last int // place in list of what was chosen last, plus one; 0: the list's head
}

// NewReference adds servers in their order.
func NewReference(servers ...Server) *Reference {
	r := &Reference{}
	for _, s := range servers {
		r.Add(s)
	}
	return r
}

// Add is "ipvsadm -a".
func (r *Reference) Add(s Server) {
	r.list = slices.Insert(r.list, 0, s)
	if r.last > 0 {
		r.last++
	}
}

// Remove is "ipvsadm -d".
func (r *Reference) Remove(id uint32) {
	i := r.index(id)
	if i < 0 {
		return
	}
	r.list = slices.Delete(r.list, i, i+1)
	if r.last > i {
		r.last-- // if it was the last chosen itself: to the one before, or the head
	}
}

// SetWeight is "ipvsadm -e".
func (r *Reference) SetWeight(id uint32, weight int) {
	if i := r.index(id); i >= 0 {
		r.list[i].Weight = weight
	}
}

// Choose is a new connection's server; false: none takes connections.
func (r *Reference) Choose() (id uint32, ok bool) {
	for step := range r.list {
		i := (r.last + step) % len(r.list)
		if r.list[i].Weight > 0 {
			r.last = i + 1
			return r.list[i].ID, true
		}
	}
	return 0, false
}

// Last is the server that was chosen last, or, where that was removed, the one
// before it; false: the head, before all servers.
func (r *Reference) Last() (Server, bool) {
	if r.last == 0 {
		return Server{}, false
	}
	return r.list[r.last-1], true
}

// Servers are in the order in which they were added.
func (r *Reference) Servers() []Server {
	servers := slices.Clone(r.list)
	slices.Reverse(servers)
	return servers
}

func (r *Reference) index(id uint32) int {
	return slices.IndexFunc(r.list, func(s Server) bool { return s.ID == id })
}
