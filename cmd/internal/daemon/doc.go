// SPDX-License-Identifier: Apache-2.0

// Package daemon is xlbd without its command line: it wires configuration,
// engine, checks, control socket and metrics together.
//
// One goroutine, the owner, has the desired state; everybody else asks it to
// do something, or leaves the latest value in a mailbox. What the kernel shall
// hold comes of three layers: the configuration file, over it the operator's
// edits (overrides), over both the verdicts of the health checks.
//
// The kernel is the store: the daemon adopts what is pinned when it starts and
// leaves everything in place when it ends, however it ends. Whatever goes
// wrong in here, packets are forwarded.
package daemon
