// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Overrides are the operator's layer of intent: at most one [Override] for each
// target, in the order in which they were first made. A value: its methods
// return another one. The zero value has none.
//
// As JSON they are versioned; fields that are not known are ignored.
type Overrides struct{ list []Override }

// overridesVersion is the version of the JSON. It changes when an old program
// would misunderstand a new file.
const overridesVersion = 1

type overridesJSON struct {
	Version   int        `json:"version"`
	Overrides []Override `json:"overrides"`
}

// List is every override, oldest first.
func (o Overrides) List() []Override { return slices.Clone(o.list) }

// Of is the override of a target, if there is one.
func (o Overrides) Of(target RealKey) (Override, bool) {
	if i := o.index(target); i >= 0 {
		return o.list[i], true
	}
	return Override{}, false
}

// Put lays one more over the others; it must make sense there: Add what is
// absent, Change and Remove what is there. file is what lies below them:
// removing what only an override has added ends that override and leaves no
// trace.
func (o Overrides) Put(file State, n Override) Overrides {
	switch n.Action {
	case Remove:
		return o.remove(file, n)
	case Change:
		if i := o.index(n.Target()); i >= 0 {
			list := slices.Clone(o.list)
			list[i] = list[i].merged(n)
			return Overrides{list}
		}
	case Add:
		if old, ok := o.Of(n.Target()); ok {
			n.Fresh = n.Fresh || old.Action == Remove || old.Fresh
		}
		o = o.Drop(n.Target())
	}
	return Overrides{append(slices.Clone(o.list), n)}
}

// Drop ends the override of a target.
func (o Overrides) Drop(target RealKey) Overrides {
	return o.without(func(have Override) bool { return have.Target() == target })
}

// DropService ends all overrides of a virtual server and its real servers.
func (o Overrides) DropService(key ServiceKey) Overrides {
	return o.without(func(have Override) bool { return have.Service == key })
}

func (o Overrides) remove(file State, n Override) Overrides {
	below := o.below(file, n.Target())
	if n.onReal() {
		o = o.Drop(n.Target())
	} else {
		o = o.DropService(n.Service)
	}
	if !below {
		return o
	}
	return Overrides{append(o.list, n)} // o was just copied
}

// below says whether the file has a target, and no override hides the file's
// virtual server.
func (o Overrides) below(file State, target RealKey) bool {
	svc, ok := file.Find(target.Service)
	if !ok || !target.Real.IsValid() {
		return ok
	}
	over, _ := o.Of(RealKey{Service: target.Service})
	return svc.Index(target.Real) >= 0 && !over.Fresh
}

func (o Overrides) without(drop func(Override) bool) Overrides {
	return Overrides{slices.DeleteFunc(slices.Clone(o.list), drop)}
}

func (o Overrides) index(target RealKey) int {
	return slices.IndexFunc(o.list, func(have Override) bool { return have.Target() == target })
}

// MarshalJSON writes {"version": 1, "overrides": [...]}.
func (o Overrides) MarshalJSON() ([]byte, error) {
	return json.Marshal(overridesJSON{overridesVersion, append([]Override{}, o.list...)})
}

// UnmarshalJSON reads what [Overrides.MarshalJSON] writes. A newer version is
// refused; of two overrides of one target the later counts.
func (o *Overrides) UnmarshalJSON(data []byte) error {
	var j overridesJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return fmt.Errorf("overrides: %w", err)
	}
	if j.Version != overridesVersion {
		return fmt.Errorf("overrides are of version %d, this program reads version %d: %w: use the program that wrote them, or remove them",
			j.Version, overridesVersion, ErrUnsupported)
	}
	var read Overrides
	for i, n := range j.Overrides {
		if err := n.check(); err != nil {
			return fmt.Errorf("override %d: %w", i+1, err)
		}
		read = Overrides{append(read.Drop(n.Target()).list, n)}
	}
	*o = read
	return nil
}
