// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"errors"
	"fmt"
	"time"

	"github.com/xlb-project/xlb/lb/xdp/nexthop"
	"github.com/xlb-project/xlb/lb/xdp/sweep"
)

// grace is how long before a sweep a real server must have been retired to be
// freed by it: a packet that chose it just before creates its connection within
// the kernel's grace period, which is far shorter.
const grace = time.Second

// Swept takes in what a sweep found: it frees retired real servers, removed
// virtual servers and next hops that no connection refers to any more.
func (e *Engine) Swept(r sweep.Report) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.changeable(); err != nil {
		return err
	}
	if !r.Complete {
		return nil
	}
	e.drift = r.Drift
	now := time.Now()
	var errs []error
	freed := false
	for _, id := range sortedKeys(e.book.retired) {
		if r.Reals[id] == 0 && r.Started.Sub(e.book.retired[id]) >= grace {
			errs = append(errs, e.freeReal(id, now))
			freed = true
		}
	}
	if freed {
		errs = append(errs, e.writeOurs())
	}
	errs = append(errs, e.hops.Referenced(nexthop.Referenced{Since: r.Started, IDs: r.Hops}))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("freeing what no connection refers to: %w", err)
	}
	return nil
}
