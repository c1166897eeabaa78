// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"fmt"
	"iter"
	"os"
	"time"

	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/lb"
)

// controller is what the control socket offers. What only reads is answered
// from the owner's view and from the engine; the rest is done by the owner.
type controller struct {
	owner   *owner
	about   control.Daemon // without what changes
	metrics *metricsServer
}

var _ control.Controller = (*controller)(nil)

// Version says who answers.
func (c *controller) Version(context.Context) (*control.Version, error) {
	return &control.Version{APIVersion: control.APIVersion, Version: c.about.Version, PID: os.Getpid()}, nil
}

// Stats reads the engine's counters.
func (c *controller) Stats(ctx context.Context) (*control.Stats, error) {
	engine, err := c.owner.view().engine()
	if err != nil {
		return nil, err
	}
	counters, err := engine.Counters(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the counters: %w", err)
	}
	return control.NewStats(time.Now(), counters), nil
}

// Attach attaches an interface. One that the file does not name stays attached
// as long as the kernel runs, or until it is detached.
func (c *controller) Attach(ctx context.Context, r control.AttachRequest) (result *control.AttachResult, err error) {
	err = c.owner.do(ctx, func(ctx context.Context) (err error) {
		c.owner.ensureSession(ctx)
		if result, err = c.owner.node.Attach(ctx, r); err != nil {
			return err
		}
		c.owner.reportAttached(result)
		c.owner.inspect(ctx)
		return nil
	})
	return result, err
}

// Detach takes xlb off one interface, or off all of them with everything that
// is pinned. What the file names is refused: the daemon would attach it again.
func (c *controller) Detach(ctx context.Context, r control.DetachRequest) (result *control.DetachResult, err error) {
	err = c.owner.do(ctx, func(ctx context.Context) (err error) {
		result, err = c.owner.detach(ctx, r)
		return err
	})
	return result, err
}

// Edit lays edits over the file.
func (c *controller) Edit(ctx context.Context, edits []control.Edit) error {
	return c.owner.do(ctx, func(ctx context.Context) error { return c.owner.edit(ctx, edits) })
}

// Clear removes every virtual server that is the daemon's, by overrides.
func (c *controller) Clear(ctx context.Context) (*control.ClearResult, error) {
	result := &control.ClearResult{APIVersion: control.APIVersion}
	err := c.owner.do(ctx, func(ctx context.Context) (err error) {
		result.Removed, result.Foreign, err = c.owner.clear(ctx)
		return err
	})
	return result, err
}

// Zero sets the engine's counters to 0.
func (c *controller) Zero(ctx context.Context, r control.ZeroRequest) error {
	return c.owner.do(ctx, func(ctx context.Context) error {
		engine, err := c.owner.now.engine()
		if err != nil {
			return err
		}
		return control.ZeroOf(ctx, engine, r)
	})
}

// Connections lists connections.
func (c *controller) Connections(ctx context.Context, f control.ConnFilter) iter.Seq2[control.Connection, error] {
	engine, err := c.owner.view().engine()
	if err != nil {
		return func(yield func(control.Connection, error) bool) { yield(control.Connection{}, err) }
	}
	return control.ConnectionsOf(ctx, engine, f)
}

// CountConnections counts connections.
func (c *controller) CountConnections(ctx context.Context, f control.ConnFilter) (*control.ConnCount, error) {
	engine, err := c.owner.view().engine()
	if err != nil {
		return nil, err
	}
	return control.CountOf(ctx, engine, f)
}

// Reset ends overrides.
func (c *controller) Reset(ctx context.Context, r control.ResetRequest) (*control.ResetResult, error) {
	var key lb.ServiceKey
	if r.Server != "" {
		var err error
		if key, err = control.ParseServer(r.Server); err != nil {
			return nil, err
		}
	}
	result := &control.ResetResult{APIVersion: control.APIVersion}
	err := c.owner.do(ctx, func(ctx context.Context) (err error) {
		result.Ended, err = c.owner.reset(ctx, key)
		return err
	})
	return result, err
}

// Reload reads the file again.
func (c *controller) Reload(ctx context.Context) (*control.ReloadResult, error) {
	result := &control.ReloadResult{APIVersion: control.APIVersion, File: c.about.File}
	err := c.owner.do(ctx, func(ctx context.Context) (err error) {
		result.Changed, err = c.owner.reload(ctx)
		result.Stale = c.owner.now.stale
		return err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}
