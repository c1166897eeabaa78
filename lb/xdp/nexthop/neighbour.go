// SPDX-License-Identifier: Apache-2.0

package nexthop

// NeighbourState is the state of an entry in the kernel's neighbour table
// (NUD_*, include/uapi/linux/neighbour.h).
type NeighbourState uint16

// The states, and Gone for an entry that was deleted.
const (
	Gone       NeighbourState = 0x00
	Incomplete NeighbourState = 0x01
	Reachable  NeighbourState = 0x02
	Stale      NeighbourState = 0x04
	Delay      NeighbourState = 0x08
	Probe      NeighbourState = 0x10
	Failed     NeighbourState = 0x20
	NoARP      NeighbourState = 0x40
	Permanent  NeighbourState = 0x80
)

// valid are the states in which the kernel itself sends to the entry's MAC.
const valid = Reachable | Stale | Delay | Probe | NoARP | Permanent

// Neighbour is an entry of the kernel's neighbour table.
type Neighbour struct {
	Via
	MAC     MAC
	State   NeighbourState
	Managed bool // the kernel keeps it resolved by itself
}

// neighbour is what is believed of one: more patient than the kernel's entry,
// because an entry that was flushed or is being asked for again says nothing
// against the address that worked until now.
type neighbour struct {
	mac     MAC
	state   NeighbourState
	managed bool
	failed  bool // asked for in vain; until something better is heard
}

// hear takes in an entry's new state and reports whether the belief changed.
func (n *neighbour) hear(e Neighbour) bool {
	was := *n
	n.state, n.managed = e.State, e.Managed
	switch {
	case e.State&valid != 0 && !e.MAC.IsZero():
		n.mac, n.failed = e.MAC, false
	case e.State == Failed:
		n.mac, n.failed = MAC{}, true
	case e.State == Gone:
		n.failed = false
	}
	return was.mac != n.mac || was.failed != n.failed
}

// pending reports whether nothing has been heard for or against it.
func (n neighbour) pending() bool { return n.mac.IsZero() && !n.failed }

// fixed reports whether an administrator set it; such an entry is never touched.
func (n neighbour) fixed() bool { return n.state&(NoARP|Permanent) != 0 }

// doubtful reports whether the kernel has asked the last known address without
// an answer, or gave up: when asking everybody finds a new NIC sooner.
func (n neighbour) doubtful() bool { return n.state&(Probe|Failed) != 0 }
