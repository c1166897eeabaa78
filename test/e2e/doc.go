// SPDX-License-Identifier: Apache-2.0

// Package e2e tests xlb as it is used: the real programs, native XDP on real
// interfaces, real servers and clients, each in a network namespace of its own.
// There is nothing but tests in it.
//
// Every test waits for conditions, never for time, and everything it starts
// ends with it: a namespace, pin, process or descriptor that is left fails the
// run. Counts are scaled down to a tenth unless XLB_SOAK=1 asks for them in
// full ("make soak").
package e2e
