// SPDX-License-Identifier: Apache-2.0

package sweep

import (
	"iter"

	"github.com/xlb-project/xlb/maps"
)

// Tables are what a sweep works on; [Over] makes them of the kernel's maps.
type Tables interface {
	// Expiry is the rule at this moment.
	Expiry() (Expiry, error)
	// Entries walks the half-open table, or the established one. What stays in
	// it throughout is seen exactly once.
	Entries(halfOpen bool) iter.Seq2[maps.ConnEntry, error]
	// Has reports whether a table has an entry.
	Has(halfOpen bool, key maps.Tuple) (bool, error)
	// Remove ends a connection if its time has passed, and says whether it did.
	Remove(maps.Request) (bool, error)
	// Loads reads the counts of all real servers, by id.
	Loads() (map[uint32]maps.Load, error)
	// AddHalfOpen corrects a real server's count of half-open connections.
	AddHalfOpen(real uint32, n int64) error
}
