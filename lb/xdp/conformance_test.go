// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"testing"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/lbtest"
)

// The suite that every engine passes, against the kernel's maps and programs.
func TestConformance(t *testing.T) {
	lbtest.Run(t, func(t *testing.T) lbtest.Harness {
		set := newSet(t, sizes{services: 65, reals: 513, slots: 4096, hops: 600, conns: 512})
		return lbtest.Harness{
			Dataplane: newEngine(t, set),
			Reopen:    func() lb.Dataplane { return newEngine(t, set) },
		}
	})
}
