// SPDX-License-Identifier: Apache-2.0

// Package sweep walks the connection tables: it ends what has been idle for
// too long, and holds the counts of connections against the connections.
//
// The data path needs no sweep to be right, for an entry past its timeout
// counts as absent there. What a sweep adds is room in the tables, counts that
// go down by themselves, and the proof that they are true.
//
// It removes connections through a program in the kernel ([maps.Expirer])
// alone, which looks at both halves once more and keeps the counts under the
// data path's own rules. It reads in batches and rests between them, so that
// neither a large table nor a flood makes it hold a CPU.
//
// ActiveConn and InActConn are exact by construction: a difference is a
// defect, is published as [Report.Drift], and is never mended here, where it
// would be hidden. The half-open count is another matter: the half-open table
// evicts under a flood, no program runs when it does, and so the count stays
// too high until a sweep corrects it.
package sweep
