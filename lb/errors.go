// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"errors"
	"fmt"
)

// What an engine answers when it cannot do what it is asked; wrapped, with the
// virtual server and the reason.
var (
	// ErrUnsupported says that the engine lacks a scheduler, a forwarding method, an
	// address family or a whole operation. See [Features].
	ErrUnsupported = errors.New("not supported by this engine")
	// ErrLimit says that a table is full, or would be. See [Features].
	ErrLimit = errors.New("limit reached")
	// ErrClosed says that the engine was closed before.
	ErrClosed = errors.New("engine is closed")
)

// What can be wrong with a virtual server or a real server; see [Finding].
var (
	// ErrInvalid is every finding, whatever else it is.
	ErrInvalid = errors.New("not valid")
	// ErrDuplicate says that a virtual server, or a real server within one, is
	// there twice.
	ErrDuplicate = errors.New("duplicate")
	// ErrUnreachable says that it is valid and cannot work here, because of this
	// machine's addresses, routes or interfaces.
	ErrUnreachable = errors.New("cannot work here")
)

var (
	// ErrSyntax says that a text is not what it should be.
	ErrSyntax = errors.New("wrong syntax")
	// ErrForeign says that another owner's virtual server is in the way; see
	// [Ownership].
	ErrForeign = errors.New("belongs to another owner")
	// ErrRunning says that [Reconciler.Run] runs already.
	ErrRunning = errors.New("already running")
)

// syntaxError is an ErrSyntax whose text says all there is to say.
type syntaxError struct{ text string }

func (e *syntaxError) Error() string { return e.text }

func (e *syntaxError) Is(target error) bool { return target == ErrSyntax }

func syntaxErrorf(format string, args ...any) error {
	return &syntaxError{fmt.Sprintf(format, args...)}
}
