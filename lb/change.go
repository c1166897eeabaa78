// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
)

// ServiceChange is one step of a difference: a virtual server before and after.
// Before is nil for a new one, After is nil for one to remove.
type ServiceChange struct {
	Key           ServiceKey
	Before, After *Service
}

// String is for logs: "add tcp:192.0.2.1:80".
func (c ServiceChange) String() string { return c.verb() + " " + c.Key.String() }

func (c ServiceChange) verb() string {
	switch {
	case c.After == nil:
		return "remove"
	case c.Before == nil:
		return "add"
	}
	return "change"
}

// Inverse undoes c.
func (c ServiceChange) Inverse() ServiceChange {
	c.Before, c.After = c.After, c.Before
	return c
}

// ApplyTo is the sorted state s with the change made: what an engine holds
// after [Dataplane.Apply]. s stays as it is.
func (c ServiceChange) ApplyTo(s State) State {
	if c.After == nil {
		return s.Without(c.Key)
	}
	return s.With(c.After.Clone())
}

// Check refuses a change that contradicts itself: engines call it first. The
// error is an [ErrInvalid].
func (c ServiceChange) Check() error {
	for _, s := range []*Service{c.Before, c.After} {
		if s != nil && s.ServiceKey != c.Key {
			return fmt.Errorf("change of %s holds %s: %w", c.Key, s.ServiceKey, ErrInvalid)
		}
	}
	return nil
}
