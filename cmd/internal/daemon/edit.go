// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/lb"
)

// applyTime bounds how long a command waits for the kernel to be as it asked.
const applyTime = 20 * time.Second

// edit lays edits over the file: all of them, in the kernel and on disk, or
// none.
func (o *owner) edit(ctx context.Context, edits []control.Edit) error {
	before := o.now.layers
	after, err := control.ApplyAll(o.now.intent, lb.OwnerDaemon, edits)
	if err != nil {
		return o.explain(err, edits)
	}
	if err := o.judge(after); err != nil {
		return err
	}
	folded := before.overrides
	for _, e := range edits {
		folded = control.Fold(folded, e)
	}
	touched := overridden(edits)
	if err := o.override(ctx, layers{before.config, folded}, touched); err != nil {
		return errors.Join(err, o.override(ctx, before, nil))
	}
	o.log.Info("operator's edits are in force", "edits", len(edits), "overrides", len(folded))
	return nil
}

// override saves the overrides of l, adopts it, and waits until the virtual
// servers that were touched are as they should be.
func (o *owner) override(ctx context.Context, l layers, touched map[lb.RealKey]bool) error {
	if err := o.store.save(l.overrides); err != nil {
		return err
	}
	o.adopt(l)
	if len(touched) == 0 {
		return nil
	}
	status, err := o.sync(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for key, err := range status.Errors {
		if touched[lb.RealKey{Service: key}] {
			failed = append(failed, fmt.Errorf("virtual server %s: %w", key, err))
		}
	}
	return errors.Join(failed...)
}

// sync waits until the reconciler has looked, and is what it found. Without an
// engine there is nothing to wait for.
func (o *owner) sync(ctx context.Context) (lb.Status, error) {
	s := o.now.session
	if s == nil {
		return lb.Status{}, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, applyTime, fmt.Errorf("the kernel is not as desired after %v", applyTime))
	defer cancel()
	err := s.reconciler.Sync(ctx)
	if ctx.Err() != nil {
		return lb.Status{}, err
	}
	return s.reconciler.Status(), nil
}

// judge refuses what cannot work: of the virtual servers that differ from what
// is wanted now, since the others are there already.
func (o *owner) judge(after lb.State) error {
	s := o.now.session
	if s == nil {
		return nil // judged when there is an engine
	}
	changed := lb.State{Timeouts: after.Timeouts}
	for _, c := range lb.Diff(o.now.intent, after) {
		if c.After != nil {
			changed.Services = append(changed.Services, *c.After)
		}
	}
	changed.Sort()
	if err := lb.Validate(changed, s.engine.Features()); err != nil {
		return err
	}
	return lb.CheckAllReachable(newReals(o.now.intent, changed), s.engine)
}

// newReals leaves only the real servers that before does not have: what works
// already is not refused because a route is missing for a while.
func newReals(before, after lb.State) lb.State {
	after = after.Clone()
	for i := range after.Services {
		old, _ := before.Find(after.Services[i].ServiceKey)
		after.Services[i].Reals = slices.DeleteFunc(after.Services[i].Reals, func(r lb.Real) bool {
			return old.Index(r.Addr) >= 0
		})
	}
	return after
}

// explain says of a virtual server that is not found that somebody else has
// it, where that is so.
func (o *owner) explain(err error, edits []control.Edit) error {
	if !errors.Is(err, control.ErrNotFound) {
		return err
	}
	for _, key := range o.now.status().Foreign {
		if overridden(edits)[lb.RealKey{Service: key}] {
			return control.Errorf(control.CodeConflict, "virtual server %s is in the kernel but not this daemon's", key).
				WithHint("it was made without a daemon; set own_all in the configuration file to take it over")
		}
	}
	return err
}

// clear removes every virtual server that is the daemon's.
func (o *owner) clear(ctx context.Context) (removed, foreign int, err error) {
	removed = len(o.now.intent.Services)
	err = o.edit(ctx, control.ClearEdits(o.now.intent))
	return removed, len(o.now.status().Foreign), err
}

// reset ends overrides: of one virtual server, or with the zero key all.
func (o *owner) reset(ctx context.Context, key lb.ServiceKey) ([]control.Edit, error) {
	ended, kept := []control.Edit{}, []control.Edit{}
	for _, e := range o.now.overrides {
		if key == (lb.ServiceKey{}) || overridden([]control.Edit{e})[lb.RealKey{Service: key}] {
			ended = append(ended, e)
		} else {
			kept = append(kept, e)
		}
	}
	if len(ended) == 0 {
		return ended, nil
	}
	err := o.override(ctx, layers{o.now.config, kept}, overridden(ended))
	o.log.Info("overrides have ended", "ended", len(ended), "overrides", len(kept))
	return ended, err
}
