// SPDX-License-Identifier: Apache-2.0

// Package lb is the thinking part of the load balancer: what virtual servers
// are, whether they can work, how two states differ and in which order the
// difference is applied so that traffic never points at something absent.
//
// It does no I/O. An engine (lb/xdp, later lb/ipvs) implements [Dataplane]; a
// fake lives in lb/lbtest beside the conformance suite that all of them pass.
package lb
