// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Status is how far a [Reconciler] has come. It is a snapshot: nothing of it
// changes any more, and its maps must not be changed.
type Status struct {
	// Generation counts the states given to Set; it is that of the state which
	// the rest is about. 0: no state has been worked on yet.
	Generation uint64
	// Looked is when the kernel was last compared with the desired state;
	// Applied is when the two last agreed. Zero: never.
	Looked, Applied time.Time
	// Errors by virtual server: it could not be applied, and will be tried again.
	Errors map[ServiceKey]error
	// Err is what went wrong and is not about one virtual server.
	Err error
	// Repairs counts changes that were needed although nothing new was desired:
	// somebody else had changed the kernel. LastRepair is when.
	Repairs    uint64
	LastRepair time.Time
	// Foreign are virtual servers that are not ours and were left alone.
	Foreign []ServiceKey
}

// Failed is everything that is not as desired, as one error; nil when all is.
func (s Status) Failed() error {
	errs := []error{s.Err}
	for _, key := range sortedKeys(s.Errors) {
		errs = append(errs, fmt.Errorf("virtual server %s: %w", key, s.Errors[key]))
	}
	return errors.Join(errs...)
}

func sortedKeys[V any](m map[ServiceKey]V) []ServiceKey {
	return slices.SortedFunc(maps.Keys(m), ServiceKey.Compare)
}
