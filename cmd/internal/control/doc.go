// SPDX-License-Identifier: Apache-2.0

// Package control is how an operator's commands reach whoever owns the virtual
// servers: xlbd through its socket while it runs ([Client]), else the kernel's
// maps themselves under the loader's lock ([Direct]). Both are a [Controller],
// and [Open] chooses. xlbd serves its own Controller with [Listen] and
// [Handler].
//
// The JSON of the types here is what the socket speaks and what "xlbctl -o
// json" prints. It is versioned ([APIVersion]) and stable: fields may be added,
// none is renamed or removed within a version; a golden file keeps that.
//
// What a command does to the virtual servers is a pure function, [Edit.Apply],
// used by both sides, so that a command means the same with and without a
// daemon.
package control
