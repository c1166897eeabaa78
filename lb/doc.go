// SPDX-License-Identifier: Apache-2.0

// Package lb is the thinking part of the load balancer: what virtual servers
// are, whether they can work, how two states differ and in which order the
// difference is applied so that traffic never points at something absent.
//
// What is wanted comes of three layers ([Compose]: file, operator, health), is
// judged ([Validate], [CheckReachable]) and handed to a [Reconciler], which
// makes an engine hold it, repeats what fails and repairs what others change.
//
// The package does no I/O. An engine (lb/xdp, later lb/ipvs) implements [Dataplane]; a
// fake lives in lb/lbtest beside the conformance suite that all of them pass.
package lb
