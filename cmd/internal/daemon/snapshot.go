// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"

	"github.com/xlb-project/xlb/cmd/internal/metrics"
	"github.com/xlb-project/xlb/lb"
)

// source is what the metrics are made of.
type source struct {
	owner   *owner
	version string
}

var _ metrics.Source = source{}

// Counters reads the engine.
func (s source) Counters(ctx context.Context) (lb.Counters, error) {
	engine, err := s.owner.view().engine()
	if err != nil {
		return lb.Counters{}, err
	}
	return engine.Counters(ctx)
}

// Ready is nil while the node forwards as it was told to.
func (s source) Ready() error { return s.owner.view().ready() }

// Snapshot is what the daemon itself knows.
func (s source) Snapshot() metrics.Snapshot {
	v := s.owner.view()
	status := v.status()
	out := metrics.Snapshot{
		Version:   s.version,
		Reload:    metrics.Reload{OK: v.reload.OK, Success: v.loaded},
		Reconcile: metrics.Reconcile{Failing: failing(status), Success: status.Applied, Repairs: status.Repairs},
		Foreign:   len(status.Foreign),
		Overrides: len(v.overrides),
	}
	if engine, err := v.engine(); err == nil {
		out.Engine = engine.Features().Engine
	}
	for _, i := range v.interfaces {
		out.Interfaces = append(out.Interfaces, metrics.Interface{Name: i.Name, Mode: i.Mode, Attached: i.Attached})
	}
	results := s.owner.health.Results()
	for _, key := range sortedReals(results) {
		r := results[key]
		out.Checks = append(out.Checks, metrics.Check{
			VirtualServer: key.Service.String(), RealServer: key.Real.String(),
			Up: r.Up, Passed: r.Passed, Failed: r.Failed, Took: r.Took,
		})
	}
	return out
}
