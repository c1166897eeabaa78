// SPDX-License-Identifier: Apache-2.0

// Package lbtest is for tests of and with engines: [Fake] is one in memory,
// whose failures can be chosen, and [Run] is the conformance suite that every
// engine has to pass, the fake included. What a test learns from the fake
// therefore holds for the others.
package lbtest
