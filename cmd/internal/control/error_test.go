// SPDX-License-Identifier: Apache-2.0

package control

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
)

func TestErrorKinds(t *testing.T) {
	kinds := map[Code]struct {
		sentinel error
		status   int
	}{
		CodeUsage:       {ErrUsage, http.StatusBadRequest},
		CodeNotFound:    {ErrNotFound, http.StatusNotFound},
		CodeExists:      {ErrExists, http.StatusConflict},
		CodeConflict:    {ErrConflict, http.StatusConflict},
		CodeUnavailable: {ErrUnavailable, http.StatusServiceUnavailable},
		CodeInternal:    {ErrInternal, http.StatusInternalServerError},
	}
	for code, want := range kinds {
		err := fmt.Errorf("outside: %w", Errorf(code, "inside"))
		for other, k := range kinds {
			if got := errors.Is(err, k.sentinel); got != (other == code) {
				t.Errorf("errors.Is(%s, %s) = %t", code, other, got)
			}
		}
		if got := httpStatus(code); got != want.status {
			t.Errorf("%s has HTTP status %d, want %d", code, got, want.status)
		}
	}
}

func TestAsError(t *testing.T) {
	inner := Errorf(CodeNotFound, "no such thing").WithHint("make it")
	tests := []struct {
		name string
		in   error
		want Error
	}{
		{"itself", inner, Error{Code: CodeNotFound, Message: "no such thing", Hint: "make it"}},
		{"wrapped keeps all that was said", fmt.Errorf("looking: %w", inner),
			Error{Code: CodeNotFound, Message: "looking: no such thing", Hint: "make it"}},
		{"joined", errors.Join(inner, io.ErrUnexpectedEOF),
			Error{Code: CodeNotFound, Message: "no such thing\nunexpected EOF", Hint: "make it"}},
		{"another", io.ErrUnexpectedEOF, Error{Code: CodeInternal, Message: "unexpected EOF"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := AsError(tt.in)
			if got.Code != tt.want.Code || got.Message != tt.want.Message || got.Hint != tt.want.Hint {
				t.Errorf("AsError() = %+v, want %+v", got, tt.want)
			}
		})
	}
	if AsError(nil) != nil {
		t.Error("AsError(nil) is not nil")
	}
}

func TestErrorfKeepsTheCause(t *testing.T) {
	if err := Errorf(CodeInternal, "reading: %w", io.ErrUnexpectedEOF); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
	if err := Errorf(CodeInternal, "reading: %w", io.ErrUnexpectedEOF).WithHint("try again"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost with a hint")
	}
}
