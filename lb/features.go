// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"slices"
)

// Features are the abilities and limits of an engine.
type Features struct {
	Engine     string // "xdp", "ipvs", "fake"
	Schedulers []Scheduler
	Methods    []Method
	IPv6       bool
	// Limits; 0 means none.
	MaxServices    int
	MaxReals       int // of all virtual servers together
	MaxConnections int
}

// HasScheduler says whether the engine has a scheduler.
func (f Features) HasScheduler(s Scheduler) bool { return slices.Contains(f.Schedulers, s) }

// HasMethod says whether the engine has a forwarding method.
func (f Features) HasMethod(m Method) bool { return slices.Contains(f.Methods, m) }
