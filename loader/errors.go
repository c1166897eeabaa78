// SPDX-License-Identifier: Apache-2.0

package loader

import "errors"

// Reasons for a refusal; test with [errors.Is]. The error around them says
// which interface, map or directory it is about, and what to do.
var (
	// ErrNotAttached: xlb is not attached to this interface.
	ErrNotAttached = errors.New("xlb is not attached")
	// ErrForeign: an XDP program that is not this director's is on the interface.
	ErrForeign = errors.New("another XDP program is attached")
	// ErrNetns: what is pinned serves another network namespace.
	ErrNetns = errors.New("the pins belong to another network namespace")
	// ErrLocked: another program holds the lock.
	ErrLocked = errors.New("another program is changing the data path")
	// ErrNoBPFFS: the pin directory is not on a bpffs.
	ErrNoBPFFS = errors.New("not on a bpffs")
	// ErrKernel: the kernel lacks something that xlb needs.
	ErrKernel = errors.New("the kernel cannot run xlb")
	// ErrInterface: the interface is missing or unsuitable.
	ErrInterface = errors.New("unsuitable interface")
	// ErrTooSmall: a map would lose entries by the new size.
	ErrTooSmall = errors.New("the new size does not hold what is there")
	// ErrIncompatible: a pinned map cannot be converted.
	ErrIncompatible = errors.New("the pinned map cannot be converted")
	// ErrBusy: a running daemon would go on writing to tables that are replaced.
	ErrBusy = errors.New("the daemon is using the tables")
	// ErrHeld: something is unpinned, but another process keeps it alive.
	ErrHeld = errors.New("still held by another process")
)
