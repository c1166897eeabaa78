// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/xlb-project/xlb/cmd/internal/config"
	"github.com/xlb-project/xlb/cmd/internal/control"
)

// inspect looks at what is attached, attaches what should be and is not, and
// sees to the engine.
func (o *owner) inspect(ctx context.Context) {
	attached, err := o.node.Interfaces(ctx)
	if err != nil {
		o.log.Error("reading the attached interfaces", "error", err)
		return
	}
	o.now.interfaces = o.merge(attached)
	o.retry(ctx)
}

// retry attaches what is missing, and sees to the engine.
func (o *owner) retry(ctx context.Context) {
	for i, is := range o.now.interfaces {
		if is.Attached && !o.node.Same(is) {
			o.log.Warn("attached interface has disappeared", "interface", is.Name)
			o.now.interfaces[i] = control.Interface{Name: is.Name}
		}
	}
	if len(o.now.interfaces) > 0 {
		o.ensureSession(ctx)
	}
	missing := o.now.missing()
	for _, i := range missing {
		o.attach(ctx, o.wanted(i.Name))
	}
	if len(missing) > len(o.now.missing()) {
		o.settle(ctx)
	}
}

// attachAll attaches every interface of the file, those too that are attached
// already: perhaps in another mode, or by another version.
func (o *owner) attachAll(ctx context.Context) {
	o.now.findings = nil
	if len(o.now.config.Interfaces) > 0 {
		o.ensureSession(ctx) // makes the tables, in the sizes that are wanted
	}
	for _, i := range o.now.config.Interfaces {
		o.attach(ctx, i)
	}
	o.inspect(ctx)
}

// settleTime is how long neighbours have to answer before the daemon says that
// it is ready: three requests, a second apart, decide about one that is away.
const settleTime = time.Second

// settle waits until the next hops through what has been attached are known.
// Until then requests go by the stack.
func (o *owner) settle(ctx context.Context) {
	s := o.now.session
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	switch n, err := s.engine.Settle(ctx); {
	case err != nil:
		o.log.Error("resolving next hops", "error", err)
	case n > 0:
		o.log.Warn("some next hops do not answer", "count", n)
	}
}

// attach attaches one interface and notes how it went.
func (o *owner) attach(ctx context.Context, want config.Interface) {
	result, err := o.node.Attach(ctx, control.AttachRequest{Interface: want.Name, Mode: control.Mode(want.Mode)})
	if err != nil {
		o.note(control.Interface{Name: want.Name, Problem: err.Error()})
		return
	}
	o.note(result.Interface)
	o.reportAttached(result)
}

// reportAttached logs an attachment and what the preflight found.
func (o *owner) reportAttached(result *control.AttachResult) {
	log := o.log.With("interface", result.Interface.Name)
	switch {
	case result.Reason != "":
		log.Warn("attached, but not in native mode", "mode", result.Interface.Mode, "reason", result.Reason)
	case !result.Already:
		log.Info("attached", "mode", result.Interface.Mode)
	}
	for _, f := range result.Findings {
		o.keep(f)
	}
}

// note replaces what is known about an interface, and logs a new problem.
func (o *owner) note(i control.Interface) {
	at := slices.IndexFunc(o.now.interfaces, func(have control.Interface) bool { return have.Name == i.Name })
	if at < 0 {
		o.now.interfaces = append(o.now.interfaces, control.Interface{Name: i.Name})
		at = len(o.now.interfaces) - 1
	}
	if i.Problem != "" && o.now.interfaces[at].Problem != i.Problem {
		o.log.Error("interface is not attached, trying again", "interface", i.Name, "error", errors.New(i.Problem))
	}
	o.now.interfaces[at] = i
}

// keep remembers a finding of the preflight, and logs a new one.
func (o *owner) keep(f control.Finding) {
	if !slices.Contains(o.now.findings, f) {
		o.now.findings = append(slices.Clip(o.now.findings), f)
	}
	if f.Severity != control.SeverityInfo && !o.told[f] {
		o.told[f] = true
		o.log.Warn("preflight", "interface", f.Interface, "finding", f.Message, "fix", f.Fix)
	}
}

// merge is what is attached, and after it what should be and is not, with the
// problems that are known.
func (o *owner) merge(attached []control.Interface) []control.Interface {
	merged := slices.Clone(attached)
	for _, want := range o.now.config.Interfaces {
		named := func(i control.Interface) bool { return i.Name == want.Name }
		if slices.ContainsFunc(merged, named) {
			continue
		}
		missing := control.Interface{Name: want.Name}
		if at := slices.IndexFunc(o.now.interfaces, named); at >= 0 {
			missing.Problem = o.now.interfaces[at].Problem
		}
		merged = append(merged, missing)
	}
	return merged
}

// wanted is how the file wants an interface; in any mode if it does not say,
// as for one that an operator attached and that has come back.
func (o *owner) wanted(name string) config.Interface {
	for _, i := range o.now.config.Interfaces {
		if i.Name == name {
			return i
		}
	}
	return config.Interface{Name: name, Mode: config.ModeAuto}
}
