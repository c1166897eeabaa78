// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"net/netip"
	"time"
)

// Action is what an override does to its target.
type Action string

// The actions. What an override with Add or Change leaves open, the file says.
const (
	// Add has the target be there, whatever the file says.
	Add Action = "add"
	// Change changes the target where the file, or another override, has it.
	Change Action = "change"
	// Remove has the target be absent.
	Remove Action = "remove"
)

// Override is what an operator wants otherwise than the file: about one virtual
// server, or one real server of it. Nil fields leave things as they are.
type Override struct {
	Action  Action         `json:"action"`
	Service ServiceKey     `json:"server"`
	Real    netip.AddrPort `json:"real,omitzero"` // zero: about the virtual server itself
	// Fresh, with Add: the target was removed and added again, so what the file
	// says of it (of a virtual server: its real servers too) does not count.
	Fresh bool `json:"fresh,omitempty"`
	// Of a virtual server; where nobody says: rr, no instance.
	Scheduler *Scheduler `json:"scheduler,omitempty"`
	Instance  *Instance  `json:"instance,omitempty"`
	// Of a real server; where nobody says: nat, 1.
	Method *Method `json:"method,omitempty"`
	Weight *int    `json:"weight,omitempty"`
	Origin
}

// Origin says where an override comes from.
type Origin struct {
	By  string    `json:"by,omitempty"` // "xlbctl", a user, a program
	At  time.Time `json:"at,omitzero"`
	Why string    `json:"why,omitempty"` // as the operator put it
}

// Target is the real server that the override is about; without a real server
// the virtual server itself.
func (o Override) Target() RealKey { return RealKey{o.Service, o.Real} }

// onReal says whether the override is about a real server.
func (o Override) onReal() bool { return o.Real.IsValid() }

// check refuses what [Compose] could not read. The error is an [ErrSyntax].
func (o Override) check() error {
	switch {
	case !o.Service.Addr.IsValid():
		return syntaxErrorf("names no virtual server")
	case o.Action != Add && o.Action != Change && o.Action != Remove:
		return syntaxErrorf("%s: %q is no action: write add, change or remove", o.Service, string(o.Action))
	}
	return nil
}

// service is s with what the override says of a virtual server.
func (o Override) service(s Service) Service {
	setTo(&s.Scheduler, o.Scheduler)
	setTo(&s.Instance, o.Instance)
	return s
}

// real is r with what the override says of a real server.
func (o Override) real(r Real) Real {
	setTo(&r.Method, o.Method)
	setTo(&r.Weight, o.Weight)
	return r
}

// merged is o with a later Change of the same target in it. A Remove stays one:
// what is absent cannot be changed.
func (o Override) merged(later Override) Override {
	mergeInto(&o.Scheduler, later.Scheduler)
	mergeInto(&o.Instance, later.Instance)
	mergeInto(&o.Method, later.Method)
	mergeInto(&o.Weight, later.Weight)
	o.Origin = later.Origin
	return o
}

func setTo[T any](dst *T, v *T) {
	if v != nil {
		*dst = *v
	}
}

func mergeInto[T any](dst **T, v *T) {
	if v != nil {
		*dst = v
	}
}
