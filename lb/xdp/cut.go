// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"context"
	"fmt"

	"github.com/xlb-project/xlb/lb"
)

// Cut ends connections and says how many. With [lb.Forget] the next packet of
// such a connection finds none: the director stays silent to it.
func (e *Engine) Cut(ctx context.Context, filter lb.ConnFilter, mode lb.CutMode) (int, error) {
	if mode != lb.Forget {
		return 0, fmt.Errorf("ending connections by %v: %w", mode, lb.ErrUnsupported)
	}
	e.mu.Lock()
	err := e.changeable()
	e.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n := 0
	for f, err := range e.find(ctx, filter) {
		if err != nil {
			return n, err
		}
		f.request.Force = true
		removed, err := e.maps.Expirer.Remove(f.request)
		if err != nil {
			return n, fmt.Errorf("ending the connection of %s to %s: %w", f.Client, f.Service, err)
		}
		if removed {
			n++
		}
	}
	return n, nil
}
