// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// What can go wrong with a single record; test with [errors.Is].
var (
	// ErrNotFound: the map has no entry with this key, or the record is free.
	ErrNotFound = errors.New("not found")
	// ErrExists: an entry with this key is there already.
	ErrExists = errors.New("exists already")
	// ErrFull: the map has no room for another entry.
	ErrFull = errors.New("map is full")
	// ErrRange: the index is not below the size of the map.
	ErrRange = errors.New("index out of range")
	// ErrFamily: the address is not one that this map can hold.
	ErrFamily = errors.New("unsupported address family")
	// ErrClosed: the set was closed before.
	ErrClosed = errors.New("maps are closed")
	// ErrNotPinned: nothing of xlb's is pinned where it was looked for.
	ErrNotPinned = errors.New("xlb is not attached")
)

// mapError says which map failed and turns the kernel's errors into this
// package's own.
func mapError(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ebpf.ErrKeyNotExist):
		err = ErrNotFound
	case errors.Is(err, ebpf.ErrKeyExist):
		err = ErrExists
	case errors.Is(err, unix.E2BIG):
		err = ErrFull
	case errors.Is(err, unix.EBADF):
		err = ErrClosed
	}
	return fmt.Errorf("map %s: %w", name, err)
}
