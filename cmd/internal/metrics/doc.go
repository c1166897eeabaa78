// SPDX-License-Identifier: Apache-2.0

// Package metrics exports what the engine counts and what the daemon knows, in
// Prometheus' format, and serves it over HTTP.
//
// Everything is read when it is asked for ([Source]); nothing is counted twice
// and no copy can be stale. Counters live in the kernel and outlive the
// daemon: a restart of xlbd is no reset. Names begin with xlb_, values are in
// base units, and docs/configuration.md lists them.
package metrics
