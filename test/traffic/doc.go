// SPDX-License-Identifier: Apache-2.0

// Package traffic is what goes through a director in tests and in the demo:
// servers that say who they are, and clients that count what happens to them.
package traffic
