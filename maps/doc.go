// SPDX-License-Identifier: Apache-2.0

// Package maps gives typed views of the data path's pinned maps: connections,
// virtual servers, real servers, next hops, counters, settings.
//
// It is the only place that knows how a record lies in memory: callers see
// [net/netip] addresses, ports as numbers and times as durations, never
// network byte order. It decides nothing; who may write which map is said in
// bpf/maps.h, and a view does not enforce it.
//
// What is dangerous here: packets read these maps while they are written.
// Nothing wider than eight aligned bytes changes at once, so the order in
// which records are written matters to the caller: next hop, real server,
// slots, [Services], [Ours], and [Services4] last; removal goes the other way.
//
// A [Set] holds file descriptors and memory mappings until [Set.Close]; using
// a view afterwards fails with [ErrClosed]. All views may be used by several
// goroutines at once.
package maps
