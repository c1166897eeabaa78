// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"

	"github.com/xlb-project/xlb/cmd/internal/config"
	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/lb"
)

// reload reads the file again. Until everything in it is judged good, nothing
// changes; then what differs does. The result says how many virtual servers
// that were.
func (o *owner) reload(ctx context.Context) (changed int, err error) {
	next, err := o.read(ctx)
	o.now.reload = control.Reload{Time: o.clock(), OK: err == nil}
	if err != nil {
		o.now.reload.Error = err.Error()
		o.log.Error("configuration is not reloaded, the old one stays", "error", summary(err))
		return 0, control.Errorf(control.CodeConflict, "the configuration is not used, the old one stays:\n%w", err)
	}
	o.now.loaded = o.now.reload.Time
	before := o.now.intent
	err = o.take(ctx, next)
	changed = len(lb.Diff(before, o.now.intent))
	o.log.Info("configuration is reloaded", "changed", changed, "virtual_servers", len(o.now.intent.Services),
		"stale_overrides", len(o.now.stale))
	return changed, err
}

// read is what the file says now, if all of it can be used.
func (o *owner) read(ctx context.Context) (layers, error) {
	c, err := o.load()
	if err != nil {
		return layers{}, err
	}
	next := layers{c, o.now.overrides}
	o.attachNew(ctx, c)
	after, _ := next.intent()
	return next, o.judge(after)
}

// take makes next what decides. The error is what the kernel could not be
// brought to; it goes on being tried.
func (o *owner) take(ctx context.Context, next layers) error {
	o.notice(o.now.config, next.config)
	owned := o.now.ownership()
	o.adopt(next)
	var closed error
	if o.now.ownership() != owned {
		closed = o.closeSession() // the next one has the new ownership
	}
	o.attachAll(ctx)
	status, err := o.sync(ctx)
	return errors.Join(closed, err, status.Failed())
}

// attachNew attaches the interfaces that only the new file has: its real
// servers may be behind them. One that is not there (yet) is no fault of the
// file.
func (o *owner) attachNew(ctx context.Context, c *config.Config) {
	if len(c.Interfaces) > 0 {
		o.ensureSession(ctx)
	}
	known := map[string]bool{}
	for _, i := range o.now.config.Interfaces {
		known[i.Name] = true
	}
	for _, i := range c.Interfaces {
		if known[i.Name] {
			continue
		}
		o.attach(ctx, i)
	}
}

// notice logs what a reload cannot change.
func (o *owner) notice(before, after *config.Config) {
	if before.Tables != after.Tables {
		o.log.Warn("tables are resized when xlbd starts: restart it; no connection is lost", "tables", after.Tables)
	}
	if before.Log.JSON != after.Log.JSON {
		o.log.Warn("log.format is changed when xlbd starts: restart it")
	}
}

// summary is an error in one line.
func summary(err error) string {
	var findings config.Findings
	if errors.As(err, &findings) {
		return findings.Summary()
	}
	return err.Error()
}
