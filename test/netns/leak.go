// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// Snapshot is what this process held at one moment: namespaces and mounts of its labs, child processes, file descriptors. Of BPF objects it is
// those of the whole machine.
type Snapshot struct {
	held    map[string]bool // in words
	objects map[object]bool
}

// Take returns what this process holds now.
func Take() (*Snapshot, error) {
	s := &Snapshot{held: make(map[string]bool), objects: make(map[object]bool)}
	for _, list := range []func() ([]string, error){heldNames, heldMounts, heldChildren, heldFiles} {
		things, err := list()
		if err != nil {
			return nil, err
		}
		for _, t := range things {
			s.held[t] = true
		}
	}
	if os.Geteuid() != 0 {
		return s, nil // BPF ids are for root
	}
	all, err := objects()
	if err != nil {
		return nil, fmt.Errorf("netns: list BPF objects: %w", err)
	}
	for _, o := range all {
		s.objects[o] = true
	}
	return s, nil
}

// since returns what is held now and was not when s was taken, without what other processes hold.
func (s *Snapshot) since() (*Snapshot, error) {
	now, err := Take()
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(now.held, func(t string, _ bool) bool { return s.held[t] })
	maps.DeleteFunc(now.objects, func(o object, _ bool) bool { return s.objects[o] })
	return now, removeOthers(now.objects)
}

// errLeaks makes retry try again.
var errLeaks = errors.New("leaks")

// Leaks returns what is held now and was not when s was taken, in words for a failure message, sorted. It tries again until there is nothing, or
// until timeout has passed: the kernel frees namespaces and BPF objects some time after the last reference to them is gone.
// What other processes made meanwhile does not count.
func (s *Snapshot) Leaks(timeout time.Duration) ([]string, error) {
	var leaks *Snapshot
	err := retry(timeout, func() error {
		now, err := s.since()
		if err != nil {
			return err
		}
		if leaks != nil {
			// What is new since the first try is not ours: another process ended, and the kernel is not done with it.
			maps.DeleteFunc(now.objects, func(o object, _ bool) bool { return !leaks.objects[o] })
		}
		if leaks = now; len(leaks.held)+len(leaks.objects) > 0 {
			return errLeaks
		}
		return nil
	})
	if !errors.Is(err, errLeaks) {
		return nil, err
	}
	return leaks.words(), nil
}

// words returns a line for each thing held, without objects that are gone by now.
func (s *Snapshot) words() []string {
	out := slices.Collect(maps.Keys(s.held))
	for o := range s.objects {
		if name, ok := o.name(); ok {
			out = append(out, strings.TrimSpace(fmt.Sprintf("BPF %s: %d %s", o.kind, o.id, name)))
		}
	}
	slices.Sort(out)
	return out
}
