// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"context"
	"net/netip"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/xdp/nexthop"
	"github.com/xlb-project/xlb/maps"
)

// staticResolver gives every address a resolved next hop, by the same core that
// follows the network, shown a network in which every neighbour answers.
type staticResolver struct {
	*nexthop.Core
	t      tb
	w      hopWriter
	failed error // what Claim returns, if anything
}

func newStaticResolver(t tb, set *maps.Set) *staticResolver {
	t.Helper()
	w := hopWriter{set}
	held, err := w.held(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &staticResolver{Core: nexthop.NewCore(held, now()), t: t, w: w}
	s := nexthop.Snapshot{
		Ports:    held.Ports,
		Network:  nexthop.Network{Routes: []nexthop.Route{{Dst: netip.MustParsePrefix("0.0.0.0/0")}}},
		Records:  held.Records,
		Gateways: held.Gateways,
	}
	for _, p := range held.Ports {
		s.Network.Links = append(s.Network.Links, nexthop.Link{Index: p.Ifindex, MAC: p.MAC, MTU: p.MTU, Up: true})
		s.Network.Routes[0].Hops = []nexthop.RouteHop{{Ifindex: p.Ifindex}} // the last one leads to servers
	}
	r.carryOut(r.Step(now(), s))
	return r
}

func (r *staticResolver) carryOut(c nexthop.Changes) {
	r.t.Helper()
	for _, hop := range c.Hops {
		if err := r.w.SetHop(hop); err != nil {
			r.t.Fatal(err)
		}
	}
	for _, id := range c.Freed {
		if err := r.w.ClearHop(id); err != nil {
			r.t.Fatal(err)
		}
	}
	for _, via := range c.Keep {
		r.carryOut(r.Step(now(), nexthop.Neighbour{Via: via, MAC: nexthop.MAC{2, 0, 0, 0, 0, 9}, State: nexthop.Permanent}))
	}
}

func (r *staticResolver) Claim(a netip.Addr) (uint32, error) {
	if r.failed != nil {
		return 0, r.failed
	}
	id, c, err := r.Core.Claim(a, now())
	r.carryOut(c)
	return id, err
}

func (r *staticResolver) Release(id uint32) error {
	r.carryOut(r.Core.Release(id, now()))
	return nil
}

func (r *staticResolver) Referenced(seen nexthop.Referenced) error {
	r.carryOut(r.Step(now(), seen))
	return nil
}

func (r *staticResolver) Settle(context.Context) (int, error) { return 0, nil }

func (r *staticResolver) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (r *staticResolver) Close() error { return nil }

var _ lb.Topology = (*staticResolver)(nil)
