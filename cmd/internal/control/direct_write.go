// SPDX-License-Identifier: Apache-2.0

package control

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/xlb-project/xlb/lb"
)

// Attach attaches by the loader.
func (d *Direct) Attach(ctx context.Context, r AttachRequest) (*AttachResult, error) {
	return d.node.Attach(ctx, r)
}

// Detach detaches by the loader.
func (d *Direct) Detach(ctx context.Context, r DetachRequest) (*DetachResult, error) {
	return d.node.Detach(ctx, r)
}

// Edit makes the changes; where one fails, those before it are undone.
func (d *Direct) Edit(ctx context.Context, edits []Edit) error {
	return d.write(ctx, func(engine lb.Dataplane) error {
		before, err := engine.State(ctx)
		if err != nil {
			return fmt.Errorf("reading the virtual servers: %w", err)
		}
		after, err := ApplyAll(before, lb.OwnerNone, edits)
		if err != nil {
			return err
		}
		return change(ctx, engine, before, after)
	})
}

// Clear removes every virtual server, whoever owns it: without a daemon all
// of them are the operator's.
func (d *Direct) Clear(ctx context.Context) (*ClearResult, error) {
	r := &ClearResult{APIVersion: APIVersion}
	err := d.write(ctx, func(engine lb.Dataplane) error {
		before, err := engine.State(ctx)
		if err != nil {
			return fmt.Errorf("reading the virtual servers: %w", err)
		}
		r.Removed = len(before.Services)
		after := before
		after.Services = nil
		return change(ctx, engine, before, after)
	})
	return r, err
}

// Zero sets the engine's counters to 0.
func (d *Direct) Zero(ctx context.Context, r ZeroRequest) error {
	return d.write(ctx, func(engine lb.Dataplane) error { return ZeroOf(ctx, engine, r) })
}

// ZeroOf is [Controller.Zero] over an engine.
func ZeroOf(ctx context.Context, engine lb.Dataplane, r ZeroRequest) error {
	z, ok := engine.(Zeroer)
	if !ok {
		return Errorf(CodeConflict, "the engine %s cannot set its counters to 0", engine.Features().Engine)
	}
	if r.Server == "" {
		return z.Zero(ctx, nil)
	}
	key, err := ParseServer(r.Server)
	if err != nil {
		return err
	}
	state, err := engine.State(ctx)
	if err != nil {
		return fmt.Errorf("reading the virtual servers: %w", err)
	}
	if _, found := state.Find(key); !found {
		return noServer(key)
	}
	return z.Zero(ctx, &key)
}

// Reset needs a daemon: without one nothing lies over a file.
func (d *Direct) Reset(context.Context, ResetRequest) (*ResetResult, error) {
	return nil, Errorf(CodeUnavailable, "xlbd is not running: only it has overrides to end").
		WithHint("start it: systemctl start xlbd")
}

// Reload needs a daemon: without one there is no file.
func (d *Direct) Reload(context.Context) (*ReloadResult, error) {
	return nil, Errorf(CodeUnavailable, "xlbd is not running: only it reads a file").
		WithHint("start it: systemctl start xlbd")
}

// write runs f with the engine open for writing.
func (d *Direct) write(ctx context.Context, f func(lb.Dataplane) error) error {
	engine, err := d.node.Writer(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(engine), engine.Close())
}

// change makes before into after, or puts back what it changed.
func change(ctx context.Context, engine lb.Dataplane, before, after lb.State) error {
	changes := lb.Diff(before, after)
	if err := judge(engine, before, changes); err != nil {
		return err
	}
	for i, c := range changes {
		if err := engine.Apply(ctx, c); err != nil {
			return errors.Join(fmt.Errorf("changing virtual server %s: %w", c.Key, err), undo(ctx, engine, changes[:i+1]))
		}
	}
	return nil
}

// judge refuses what cannot work, of what is changed. Real servers that are
// there already are not judged by today's routes.
func judge(engine lb.Dataplane, before lb.State, changes []lb.ServiceChange) error {
	topology, _ := engine.(lb.Topology)
	after := before
	var found lb.Findings
	for _, c := range changes {
		after = c.ApplyTo(after)
		if c.After == nil {
			continue
		}
		found = append(found, lb.ValidateService(*c.After, engine.Features())...)
		if topology != nil {
			found = append(found, lb.CheckReachable(added(c), topology)...)
		}
	}
	if len(found) > 0 {
		return found.Err()
	}
	return lb.FindingsIn(lb.Validate(after, engine.Features())).Of(lb.ServiceKey{}).Err() // the limits
}

// added is a changed virtual server with its new real servers only.
func added(c lb.ServiceChange) lb.Service {
	svc := c.After.Clone()
	svc.Reals = slices.DeleteFunc(svc.Reals, func(r lb.Real) bool {
		if c.Before == nil {
			return false
		}
		i := c.Before.Index(r.Addr)
		return i >= 0 && c.Before.Reals[i].Method == r.Method
	})
	return svc
}

// undo applies changes backwards, the last one included: it may be half done.
func undo(ctx context.Context, engine lb.Dataplane, changes []lb.ServiceChange) error {
	ctx = context.WithoutCancel(ctx) // an interrupted command leaves nothing half done
	var failed error
	for _, c := range slices.Backward(changes) {
		if err := engine.Apply(ctx, c.Inverse()); err != nil {
			failed = errors.Join(failed, fmt.Errorf("putting %s back: %w", c.Key, err))
		}
	}
	return failed
}
