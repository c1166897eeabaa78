// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

// detach takes xlb off an interface, or off everything. What the file names is
// refused, because it would be attached again at once.
func (o *owner) detach(ctx context.Context, r control.DetachRequest) (*control.DetachResult, error) {
	for _, i := range o.now.config.Interfaces {
		if r.All || i.Name == r.Interface {
			return nil, control.Errorf(control.CodeConflict, "the configuration file wants xlb on %s", i.Name).
				WithHint("take it out of \"interfaces\" and reload, or stop xlbd first")
		}
	}
	var closed error
	if r.All {
		closed = o.closeSession() // its maps are going
	}
	result, err := o.node.Detach(ctx, r)
	if err == nil {
		o.log.Info("detached", "interfaces", result.Interfaces, "removed", result.Removed)
	}
	o.inspect(ctx)
	return result, errors.Join(err, closed)
}
