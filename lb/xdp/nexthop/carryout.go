// SPDX-License-Identifier: Apache-2.0

package nexthop

import (
	"errors"
	"fmt"
)

// carryOut does what the core wants, in the order in which packets may see it:
// nothing is pointed at before it is there, nothing is freed while it is
// pointed at. It goes on after a failure and returns all of them.
func (f *Follower) carryOut(c Changes) error {
	w := f.opt.Writer
	errs := append([]error(nil), c.Failed...)
	for _, p := range c.Ports {
		errs = append(errs, wrap(w.SetPort(p), "port %d", p.Number))
	}
	for _, via := range c.Withdrawn {
		errs = append(errs, wrap(w.DeleteGateway(via), "withdrawing gateway %v", via))
	}
	for _, r := range c.Hops {
		errs = append(errs, wrap(w.SetHop(r), "next hop %d to %v", r.ID, r.Target))
		f.log.Debug("next hop", "id", r.ID, "target", r.Target, "mac", r.Hop.Dst, "interface", r.Hop.Ifindex, "resolved", r.Resolved)
	}
	for _, g := range c.Gateways {
		errs = append(errs, wrap(w.SetGateway(g), "registering gateway %v", g.Via))
	}
	for _, id := range c.Freed {
		errs = append(errs, wrap(w.ClearHop(id), "freeing next hop %d", id))
	}
	f.carryOutKept(c)
	return errors.Join(errs...)
}

// carryOutKept changes which neighbours are kept resolved. Failing here is no
// error: the interface may be going, and then the core is about to hear of it.
func (f *Follower) carryOutKept(c Changes) {
	for _, via := range c.Drop {
		if err := f.keeper.drop(via); err != nil {
			f.log.Debug("next hops", "error", err)
		}
	}
	for _, via := range c.Keep {
		if err := f.keeper.keep(via); err != nil {
			f.log.Debug("next hops", "error", err)
		}
	}
}

func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
