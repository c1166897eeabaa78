// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/lb"
)

// Status is the whole picture on one page.
func (c *controller) Status(ctx context.Context) (*control.Status, error) {
	v := c.owner.view()
	about := c.about
	about.Reload, about.Metrics = &v.reload, c.metrics.address()
	s := &control.Status{
		APIVersion: control.APIVersion, Version: c.about.Version, Daemon: &about,
		Interfaces: append([]control.Interface{}, v.interfaces...),
		Overrides:  append([]control.Edit{}, v.overrides...),
		Findings:   append([]control.Finding{}, v.findings...),
	}
	engine, err := v.engine()
	if err == nil {
		err = control.FillStatus(ctx, s, engine)
	}
	if err == nil {
		s.Findings = append(s.Findings, unreachable(engine, v.intent)...)
	} else {
		s.Findings = append(s.Findings, finding(control.SeverityWarning, err))
	}
	s.Findings = append(s.Findings, v.problems()...)
	slices.SortStableFunc(s.Findings, func(a, b control.Finding) int {
		return cmp.Compare(rank(a.Severity), rank(b.Severity))
	})
	return s, nil
}

// problems is what is not as it should be, besides what the engine itself says.
func (v *view) problems() []control.Finding {
	var found []control.Finding
	add := func(severity control.Severity, fix, format string, args ...any) {
		found = append(found, control.Finding{Severity: severity, Message: fmt.Sprintf(format, args...), Fix: fix})
	}
	if !v.reload.OK {
		add(control.SeverityError, "mend it, then: xlbctl reload", "the last reload failed: %s", v.reload.Error)
	}
	for _, i := range v.missing() {
		problem := cmp.Or(i.Problem, "it was not tried yet")
		add(control.SeverityError, "", "interface %s is not attached: %s", i.Name, problem)
	}
	status := v.status()
	if err := status.Failed(); err != nil {
		found = append(found, finding(control.SeverityError, err))
	}
	for _, e := range v.stale {
		add(control.SeverityWarning, "xlbctl reset "+e.Server, "the override %s of %s does not fit the file any more", e.Op, e.Server)
	}
	for _, key := range status.Foreign {
		add(control.SeverityInfo, "set own_all in the configuration file to take it over",
			"virtual server %s in the kernel is not this daemon's and is left alone", key)
	}
	if status.Repairs > 0 {
		add(control.SeverityInfo, "", "somebody else has changed the kernel's virtual servers; repaired %d times, last %s",
			status.Repairs, status.LastRepair.Format("2006-01-02 15:04:05"))
	}
	return found
}

// unreachable are the real servers that cannot work as the network is now.
func unreachable(t lb.Topology, intent lb.State) []control.Finding {
	var found []control.Finding
	for _, f := range lb.FindingsIn(lb.CheckAllReachable(intent, t)) {
		found = append(found, control.Finding{
			Severity: control.SeverityWarning,
			Message:  fmt.Sprintf("virtual server %s: real server %s: %s", f.Service, f.Real, f.What), Fix: f.Fix,
		})
	}
	return found
}

func finding(severity control.Severity, err error) control.Finding {
	e := control.AsError(err)
	return control.Finding{Severity: severity, Message: e.Message, Fix: e.Hint}
}

func rank(s control.Severity) int {
	return slices.Index([]control.Severity{control.SeverityError, control.SeverityWarning, control.SeverityInfo}, s)
}

// ready is nil while the node forwards as it was told to.
func (v *view) ready() error {
	var missing []error
	if !v.begun {
		missing = append(missing, errors.New("xlbd is starting"))
	}
	for _, i := range v.missing() {
		missing = append(missing, fmt.Errorf("interface %s is not attached: %s", i.Name, i.Problem))
	}
	if len(v.config.Interfaces) == 0 && len(v.intent.Services) == 0 {
		return errors.Join(missing...) // nothing is wanted
	}
	if _, err := v.engine(); err != nil {
		return errors.Join(append(missing, err)...)
	}
	status := v.status()
	if status.Applied.IsZero() && status.Failed() == nil {
		missing = append(missing, errors.New("the virtual servers are not applied yet"))
	}
	return errors.Join(append(missing, status.Failed())...)
}

// failing counts what is not as it should be.
func failing(s lb.Status) int {
	n := len(s.Errors)
	if s.Err != nil {
		n++
	}
	return n
}
