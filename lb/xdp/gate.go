// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"context"
	"fmt"

	"github.com/xlb-project/xlb/lb"
)

// SetGate opens or closes an instance to new connections. Closing instance 0,
// which means "no instance", is an [lb.ErrInvalid].
func (e *Engine) SetGate(_ context.Context, i lb.Instance, open bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.changeable(); err != nil {
		return err
	}
	if i == 0 && !open {
		return fmt.Errorf("gate of instance 0, which is no instance, is always open: %w", lb.ErrInvalid)
	}
	return e.maps.Gates.Set(uint16(i), open)
}

// gates are the instances whose gate is open, 0 left out.
func (e *Engine) gates() (map[lb.Instance]bool, error) {
	open := make(map[lb.Instance]bool)
	for i := uint32(1); i < min(e.maps.Gates.Len(), 256); i++ {
		is, err := e.maps.Gates.Get(uint16(i))
		if err != nil {
			return nil, err
		}
		if is {
			open[lb.Instance(i)] = true
		}
	}
	return open, nil
}
