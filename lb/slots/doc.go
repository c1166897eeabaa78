// SPDX-License-Identifier: Apache-2.0

// Package slots turns real servers into lists of slots, which a data path
// indexes to choose one: what is left of a scheduler when all thinking is done
// beforehand. It is pure; the only clock is the caller's.
//
// A [Scheduler] builds the list of a virtual server and says where to go on in
// a new list after an old one. An [Allocator] finds a place for the list among
// those of the other virtual servers. [Reference] is IPVS's own round robin,
// which the tests hold the lists against.
package slots
