// SPDX-License-Identifier: Apache-2.0

package control

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/loader"
)

func TestKindOfForeignErrors(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want error
	}{
		{"not root", &os.PathError{Op: "open", Path: "/sys/fs/bpf/xlb", Err: os.ErrPermission}, ErrUnavailable},
		{"not attached", fmt.Errorf("eth0: %w", loader.ErrNotAttached), ErrNotFound},
		{"locked", fmt.Errorf("run dir: %w", loader.ErrLocked), ErrUnavailable},
		{"another's program", fmt.Errorf("eth0: %w", loader.ErrForeign), ErrConflict},
		{"a finding that the engine cannot", lb.Findings{{Kind: lb.ErrUnsupported, What: "no wlc"}}, ErrConflict},
		{"a finding about routes", lb.Findings{{Kind: lb.ErrUnreachable, What: "no route"}}, ErrConflict},
		{"a finding that is plainly wrong", lb.Findings{{Kind: lb.ErrInvalid, What: "no address"}}, ErrUsage},
		{"syntax", fmt.Errorf("reading: %w", lb.ErrSyntax), ErrUsage},
		{"anything else", errors.New("disk on fire"), ErrInternal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if e := AsError(tt.err); !errors.Is(e, tt.want) || e.Message != tt.err.Error() {
				t.Errorf("AsError(%v) = %s %q", tt.err, e.Code, e.Message)
			}
		})
	}
}
