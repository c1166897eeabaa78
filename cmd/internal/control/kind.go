// SPDX-License-Identifier: Apache-2.0

package control

import (
	"errors"
	"os"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/loader"
)

// kindOf is the kind of an error that is no [*Error], and what to do where its
// text does not say so already.
func kindOf(err error) (code Code, hint string) {
	for _, k := range []struct {
		is   error
		code Code
		hint string
	}{
		{os.ErrPermission, CodeUnavailable, "only root may do this: run it with sudo"},
		{loader.ErrNotAttached, CodeNotFound, "see what is attached: xlbctl status"},
		{loader.ErrLocked, CodeUnavailable, ""},
		{loader.ErrBusy, CodeUnavailable, ""},
		{loader.ErrHeld, CodeUnavailable, ""},
		{loader.ErrForeign, CodeConflict, ""},
		{loader.ErrNetns, CodeConflict, "give this director a --pin-dir and a --run-dir of its own"},
		{loader.ErrNoBPFFS, CodeConflict, ""},
		{loader.ErrKernel, CodeConflict, ""},
		{loader.ErrInterface, CodeConflict, ""},
		{loader.ErrTooSmall, CodeConflict, ""},
		{loader.ErrIncompatible, CodeConflict, "forget what is there: xlbctl detach --all; then attach again"},
		{lb.ErrUnreachable, CodeConflict, ""},
		{lb.ErrUnsupported, CodeConflict, ""},
		{lb.ErrLimit, CodeConflict, ""},
		{lb.ErrForeign, CodeConflict, ""},
		{lb.ErrDuplicate, CodeExists, ""},
		{lb.ErrSyntax, CodeUsage, ""},
		{lb.ErrInvalid, CodeUsage, ""}, // last: every finding is one, whatever else it is
	} {
		if errors.Is(err, k.is) {
			return k.code, k.hint
		}
	}
	return CodeInternal, ""
}
