// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"slices"
)

// Verdict is what becomes of a real server whose check fails.
type Verdict uint8

// The verdicts.
const (
	// TakeOut removes the real server until it is well again, as keepalived
	// does. Its connections go on; it returns to its place.
	TakeOut Verdict = iota
	// Inhibit keeps it with weight 0 (keepalived's inhibit_on_failure).
	Inhibit
)

// HealthView are the real servers that are down. Those that are not named are up.
type HealthView map[RealKey]Verdict

// NoteKind says what a [Note] is about.
type NoteKind string

// The kinds of notes.
const (
	NoteOverridden NoteKind = "overridden" // an override has the say
	NoteStale      NoteKind = "stale"      // an override no longer fits the file, and does nothing
	NoteDown       NoteKind = "down"       // the check fails
)

// Note says why something is not as the file has it.
type Note struct {
	Kind   NoteKind
	Target RealKey // without a real server: the virtual server itself
	Text   string
}

// Compose lays the three layers of intent over one another: what the file says,
// over it the operator's overrides, over both the health of real servers. file
// stays as it is; the result is sorted. Gates and timeouts are the file's.
//
// Overrides of virtual servers come first, then those of real servers, each in
// the order of [Overrides.List]: added real servers are at the end, as
// "ipvsadm -a" adds them.
func Compose(file State, overrides Overrides, health HealthView) (State, []Note) {
	c := composer{state: file.Clone()}
	c.state.Sort()
	for _, o := range overrides.list {
		if !o.onReal() {
			c.note(o, c.service(o))
		}
	}
	for _, o := range overrides.list {
		if o.onReal() {
			c.note(o, c.real(o))
		}
	}
	c.health(health)
	return c.state, c.notes
}

type composer struct {
	state State
	notes []Note
}

// note says what came of an override.
func (c *composer) note(o Override, done bool) {
	n := Note{NoteOverridden, o.Target(), string(o.Action)}
	if !done {
		n = Note{NoteStale, o.Target(), fmt.Sprintf("cannot %s what is not there", o.Action)}
	}
	if o.By != "" {
		n.Text += " by " + o.By
	}
	if o.Why != "" {
		n.Text += ": " + o.Why
	}
	c.notes = append(c.notes, n)
}

// service lays one override over a virtual server; false: it is not there.
func (c *composer) service(o Override) bool {
	svc, ok := c.state.Find(o.Service)
	switch {
	case o.Action == Remove:
		c.state = c.state.Without(o.Service)
		return ok
	case o.Action == Change && !ok:
		return false
	case !ok || o.Fresh:
		svc = Service{ServiceKey: o.Service, Scheduler: RoundRobin, Owner: svc.Owner}
	}
	c.state = c.state.With(o.service(svc))
	return true
}

// real lays one override over a real server; false: it is not there.
func (c *composer) real(o Override) bool {
	svc, ok := c.state.Find(o.Service)
	if !ok {
		return false
	}
	i := svc.Index(o.Real)
	svc.Reals = slices.Clone(svc.Reals)
	if i >= 0 && (o.Action == Remove || o.Fresh) {
		svc.Reals = slices.Delete(svc.Reals, i, i+1)
	}
	switch {
	case o.Action == Remove:
	case i >= 0 && !o.Fresh:
		svc.Reals[i] = o.real(svc.Reals[i])
	case o.Action == Add:
		svc.Reals = append(svc.Reals, o.real(Real{Addr: o.Real, Method: NAT, Weight: 1}))
	}
	c.state = c.state.With(svc)
	return i >= 0 || o.Action == Add
}

// health takes out what is down.
func (c *composer) health(down HealthView) {
	for i := range c.state.Services {
		svc := &c.state.Services[i]
		reals := make([]Real, 0, len(svc.Reals))
		for _, r := range svc.Reals {
			target := RealKey{svc.ServiceKey, r.Addr}
			verdict, isDown := down[target]
			if isDown {
				c.notes = append(c.notes, Note{NoteDown, target, "its check fails"})
				r.Weight = 0
			}
			if !isDown || verdict == Inhibit {
				reals = append(reals, r)
			}
		}
		svc.Reals = reals
	}
}
