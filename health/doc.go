// SPDX-License-Identifier: Apache-2.0

// Package health checks real servers and says which of them are in service.
//
// Its core, [Monitor], is a pure function of time and of what the attempts
// gave: it neither waits nor connects, and is tested in virtual time. [Runner]
// runs one Monitor per target with a [Prober], which does connect, and leaves
// the latest [Result] of each in a mailbox: nothing is queued, so nothing can
// be dropped, and a slow reader sees the newest state.
//
// As in keepalived without "alpha", a target is in service until a check says
// otherwise: a restart of the daemon must not empty every virtual server for
// the time of the first check. The first check begins within a second.
//
// The package knows neither virtual servers nor engines; the daemon wires
// results to them.
package health
