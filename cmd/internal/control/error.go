// SPDX-License-Identifier: Apache-2.0

package control

import (
	"errors"
	"fmt"
)

// Code is the kind of an error: what a program can act on.
type Code string

// The kinds of errors. xlbctl's exit code is 2 for CodeUsage, 3 for
// CodeNotFound and 1 for all others.
const (
	CodeUsage       Code = "usage"       // the request makes no sense, here or anywhere
	CodeNotFound    Code = "not_found"   // what it names does not exist
	CodeExists      Code = "exists"      // what it adds is there already
	CodeConflict    Code = "conflict"    // it makes sense, but cannot work here or now
	CodeUnavailable Code = "unavailable" // who should do it cannot be reached, or may not be
	CodeInternal    Code = "internal"    // everything else: a failing system call, a defect
)

// Sentinels for errors.Is: an [*Error] is the one that has its code.
var (
	ErrUsage       = errors.New("wrong usage")
	ErrNotFound    = errors.New("not found")
	ErrExists      = errors.New("exists already")
	ErrConflict    = errors.New("cannot work")
	ErrUnavailable = errors.New("not available")
	ErrInternal    = errors.New("internal error")
)

// Error is an error as it crosses the socket and as xlbctl prints it.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`        // what was wrong, and where
	Hint    string `json:"hint,omitempty"` // what to do next: often a command
	cause   error
}

// Errorf makes an error of a kind. %w works as in fmt.Errorf.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), cause: errors.Unwrap(err)}
}

// WithHint returns the same error with a hint.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// Error is the message without the hint.
func (e *Error) Error() string { return e.Message }

// Unwrap is the cause, where it did not cross a socket.
func (e *Error) Unwrap() error { return e.cause }

// Is matches the sentinel of the error's code.
func (e *Error) Is(target error) bool { return target == sentinel(e.Code) }

// AsError is err as an [*Error]: the one that it wraps, with err's whole
// message, else one of the kind that lb and the loader gave it, else of
// CodeInternal. Nil stays nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		code, hint := kindOf(err)
		return &Error{Code: code, Message: err.Error(), Hint: hint, cause: err}
	}
	if e.Message == err.Error() {
		return e
	}
	return &Error{Code: e.Code, Message: err.Error(), Hint: e.Hint, cause: err}
}

func sentinel(c Code) error {
	switch c {
	case CodeUsage:
		return ErrUsage
	case CodeNotFound:
		return ErrNotFound
	case CodeExists:
		return ErrExists
	case CodeConflict:
		return ErrConflict
	case CodeUnavailable:
		return ErrUnavailable
	}
	return ErrInternal
}
