// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"fmt"

	"github.com/xlb-project/xlb/lb"
)

// Server is a real server as schedulers see it.
type Server struct {
	ID     uint32 // what the slots hold; unique in a list, never 0
	Weight int
}

// Scheduler builds the slots of a virtual server.
type Scheduler interface {
	// Build lists the ids to choose from. servers are in the order in which
	// "ipvsadm -a" would have added them; none with weight 0 is chosen. An
	// empty list says that nobody takes new connections.
	Build(servers []Server) []uint32
	// Next is the cursor with which to commit a list after another one: cursor
	// is where the data path stood in old, the next choice. It is within the
	// list, or 0.
	Next(old []uint32, cursor int, list []uint32) int
}

// For is the scheduler of a name; an [lb.ErrUnsupported] where slots have none.
func For(s lb.Scheduler) (Scheduler, error) {
	if s == lb.RoundRobin {
		return RoundRobin{}, nil
	}
	return nil, fmt.Errorf("scheduler %q: %w: use %s", s, lb.ErrUnsupported, lb.RoundRobin)
}
