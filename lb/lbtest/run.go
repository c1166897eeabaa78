// SPDX-License-Identifier: Apache-2.0

package lbtest

import (
	"net/netip"
	"testing"

	"github.com/xlb-project/xlb/lb"
)

// Harness is an engine to be tested, fresh and empty.
type Harness struct {
	Dataplane lb.Dataplane
	// Reopen gives another engine on what the (closed) one left in the kernel.
	// Nil where nothing outlives an engine.
	Reopen func() lb.Dataplane
	// Clients is where connections that are restored come from; by default
	// 203.0.113.0/24. An IPv4 prefix of at least 64 addresses.
	Clients netip.Prefix
	// NoRestore is set for an engine that cannot restore connections: IPVS
	// learns them only from another IPVS.
	NoRestore bool
}

// The suite fills tables up to their limits, so they have to be small.
const maxLimit = 4096

// suite is the tests of one engine; each gets a fresh one.
type suite struct {
	*testing.T
	Harness
}

// Run tests an engine against the contract of [lb.Dataplane]. open is called
// for each test; it cleans up by t.Cleanup and must bear that the test has
// closed the engine before. Engines with limits are to be opened with limits of
// at most 4096, and of at least 64 virtual servers, 512 real servers and 64
// connections: what is removed may take a while until it can be used again.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	tests := []struct {
		name string
		test func(*suite)
	}{
		{"Empty", (*suite).testEmpty},
		{"Add", (*suite).testAdd},
		{"Edit", (*suite).testEdit},
		{"Remove", (*suite).testRemove},
		{"Foreign", (*suite).testForeign},
		{"BeforeIsIgnored", (*suite).testBeforeIsIgnored},
		{"ArgumentsAreCopied", (*suite).testArgumentsAreCopied},
		{"Unsupported", (*suite).testUnsupported},
		{"Contradiction", (*suite).testContradiction},
		{"LimitOfServices", (*suite).testLimitOfServices},
		{"LimitOfReals", (*suite).testLimitOfReals},
		{"ManyChanges", (*suite).testManyChanges},
		{"Gates", (*suite).testGates},
		{"Timeouts", (*suite).testTimeouts},
		{"Counters", (*suite).testCounters},
		{"Restore", (*suite).testRestore},
		{"RestoreWithoutServer", (*suite).testRestoreWithoutServer},
		{"Filter", (*suite).testFilter},
		{"Cut", (*suite).testCut},
		{"RemovedRealKeepsConnections", (*suite).testRemovedReal},
		{"Concurrent", (*suite).testConcurrent},
		{"Reopen", (*suite).testReopen},
		{"Closed", (*suite).testClosed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := open(t)
			if !h.Clients.IsValid() {
				h.Clients = netip.MustParsePrefix("203.0.113.0/24")
			}
			test.test(&suite{t, h})
		})
	}
}
