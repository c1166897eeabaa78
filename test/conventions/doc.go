// SPDX-License-Identifier: Apache-2.0

// Package conventions keeps the project's rules by tests: who may import whom,
// licence lines, documentation, sizes, and what no package may do (init, exit,
// sleeping in tests, changing package variables). It holds nothing but tests.
//
// Each rule carries examples of what it refuses and what it lets through; a
// rule that cannot fail fails itself. A line that has to break a rule ends with
// a comment that names the rule and says why: "conventions: sleep: " and the
// reason. The reason must not be missing, and a comment that excuses nothing is
// refused as well.
package conventions
