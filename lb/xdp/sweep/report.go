// SPDX-License-Identifier: Apache-2.0

package sweep

import "time"

// Report is what one sweep found and did.
type Report struct {
	Started time.Time
	// Complete says that both tables were walked to their end, so that what
	// follows is not only true but all.
	Complete bool
	Took     time.Duration // pauses included
	Busy     time.Duration // of it, spent working

	// Connections that were seen and left: in the established table, and in
	// the half-open one.
	Established, HalfOpen int
	// Expired is how many connections were removed.
	Expired int

	// Drift is by how much ActiveConn and InActConn differ from the connections,
	// all real servers and both counts together, found by two sweeps in a row
	// while nothing changed. Anything but 0 is a defect.
	Drift int64
	// Corrected is by how much half-open counts were lowered (or raised, if
	// negative) because of evictions.
	Corrected int64
	// Unstable is the number of real servers whose counts changed during the
	// sweep, so that they were not verified this time.
	Unstable int

	// Reals counts the entries that refer to a real server, by its id.
	Reals map[uint32]int
	// Hops are the next hops that entries refer to.
	Hops map[uint32]bool
}
