// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgress(t *testing.T) {
	for _, tt := range []struct {
		name string
		take time.Duration
		want string
	}{
		{"quick", patience - time.Millisecond, ""},
		{"slow", 3 * time.Second, "xlbctl: still attaching eth0 (2s)\n"},
		{"slower", 9 * time.Second, "xlbctl: still attaching eth0 (2s)\nxlbctl: still attaching eth0 (4s)\nxlbctl: still attaching eth0 (8s)\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var b strings.Builder
				stop := progress(&b, "attaching eth0")
				<-time.After(tt.take)
				stop()
				stop()
				if b.String() != tt.want {
					t.Errorf("after %v: %q, want %q", tt.take, b.String(), tt.want)
				}
			})
		})
	}
}
