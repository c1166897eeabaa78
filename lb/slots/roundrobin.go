// SPDX-License-Identifier: Apache-2.0

package slots

import (
	"slices"
)

// RoundRobin is rr: one slot for each real server, whatever its weight, but
// none for weight 0.
//
// The order is that of IPVS, which adds real servers at the head of its list
// (ip_vs_ctl.c, __ip_vs_update_dest) and begins at that head: the server that
// was added last is chosen first.
type RoundRobin struct{}

// Build lists the ids from the last added to the first.
func (RoundRobin) Build(servers []Server) []uint32 {
	list := make([]uint32, 0, len(servers))
	for _, s := range slices.Backward(servers) {
		if s.Weight > 0 {
			list = append(list, s.ID)
		}
	}
	return list
}

// Next goes on after the server that was chosen last. IPVS remembers that
// server, and steps back to the one before it when it is removed (ip_vs_rr.c,
// ip_vs_rr_del_dest). So servers that stay keep their turns, and one that is
// added ahead of the cursor gets its turn in this round.
//
// A cursor of 0 is taken for the end of a round. Where nothing was chosen yet
// this differs from IPVS only if a server appears elsewhere than at the head;
// the caller who knows may start with cursor 0 instead. Where the server that
// was chosen last was quiesced (weight 0), and nothing was chosen since, IPVS
// still remembers it and the slots do not: then the turn may differ by the
// place of that server.
func (RoundRobin) Next(old []uint32, cursor int, list []uint32) int {
	if len(old) == 0 || len(list) == 0 {
		return 0
	}
	place := make(map[uint32]int, len(list))
	for i, id := range list {
		place[id] = i
	}
	last := (cursor + len(old) - 1) % len(old)
	for i := last; i >= 0; i-- {
		if at, ok := place[old[i]]; ok {
			return (at + 1) % len(list)
		}
	}
	return 0
}
