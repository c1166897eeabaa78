// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/health"
	"github.com/xlb-project/xlb/lb"
)

// Services lists what the kernel holds, with what only the daemon knows of it.
func (c *controller) Services(ctx context.Context) (*control.Listing, error) {
	v := c.owner.view()
	engine, err := v.engine()
	if err != nil {
		return nil, err
	}
	state, err := engine.State(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the virtual servers: %w", err)
	}
	counters, err := engine.Counters(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the counters: %w", err)
	}
	a := annotator{
		view: v, status: v.status(), results: c.owner.health.Results(), touched: overridden(v.overrides),
		listing: control.NewListing(c.about.Version, time.Now(), state, counters),
	}
	a.annotate(state)
	return a.listing, nil
}

// annotator adds to a listing of the kernel what the daemon knows.
type annotator struct {
	view    *view
	status  lb.Status
	results map[lb.RealKey]health.Result
	touched map[lb.RealKey]bool
	listing *control.Listing
}

func (a *annotator) annotate(kernel lb.State) {
	for i, svc := range kernel.Services {
		a.service(&a.listing.Services[i], svc.ServiceKey)
		a.listing.Services[i].Foreign = !a.view.ownership().Owns(svc)
	}
	for _, want := range a.view.intent.Services {
		if _, there := kernel.Find(want.ServiceKey); !there {
			absent := want.Clone()
			absent.Reals = nil
			out := control.NewService(absent, lb.ServiceCounters{})
			a.service(&out, want.ServiceKey)
			a.listing.Services = append(a.listing.Services, out)
		}
	}
	slices.SortStableFunc(a.listing.Services, func(x, y control.Service) int {
		kx, _ := control.ParseServer(x.Key) // its own words
		ky, _ := control.ParseServer(y.Key)
		return kx.Compare(ky)
	})
}

// service completes one virtual server; its real servers that are out of
// service are put where they were.
func (a *annotator) service(out *control.Service, key lb.ServiceKey) {
	out.Override = a.touched[lb.RealKey{Service: key}]
	if err := a.status.Errors[key]; err != nil {
		out.Problem = err.Error()
	}
	want, _ := a.view.intent.Find(key)
	for place, r := range want.Reals {
		known := slices.ContainsFunc(out.Reals, func(have control.Real) bool { return have.Key == r.Addr.String() })
		if result, checked := a.results[lb.RealKey{Service: key, Real: r.Addr}]; !known && checked && !result.Up {
			removed := control.NewReal(r, lb.RealCounters{})
			removed.Removed = true
			out.Reals = slices.Insert(out.Reals, min(place, len(out.Reals)), removed)
		}
	}
	for i := range out.Reals {
		a.real(&out.Reals[i], key)
	}
}

func (a *annotator) real(out *control.Real, service lb.ServiceKey) {
	addr, err := control.ParseReal(out.Key)
	if err != nil {
		return
	}
	key := lb.RealKey{Service: service, Real: addr}
	out.Override = a.touched[key]
	result, checked := a.results[key]
	switch {
	case !checked:
	case result.Checked.IsZero():
		out.Health = control.HealthUnknown
	case result.Up:
		out.Health = control.HealthUp
	default:
		out.Health = control.HealthDown
		out.HealthDetail = fmt.Sprintf("since %s: %v", result.Since.Format("2006-01-02 15:04:05"), result.Err)
	}
}
