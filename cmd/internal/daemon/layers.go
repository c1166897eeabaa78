// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"net/netip"
	"slices"

	"github.com/xlb-project/xlb/cmd/internal/config"
	"github.com/xlb-project/xlb/cmd/internal/control"
	"github.com/xlb-project/xlb/health"
	"github.com/xlb-project/xlb/lb"
)

// layers are the first two of the three that decide what the kernel shall
// hold: the file, and over it the operator's edits. Health is laid over them
// by inService. It is a value: to change one is to make another.
type layers struct {
	config    *config.Config
	overrides []control.Edit
}

// intent is what file and operator want, and the edits that no longer fit.
func (l layers) intent() (lb.State, []control.Edit) {
	return control.Replay(l.config.State(), lb.OwnerDaemon, l.overrides)
}

// inService is the intent without the real servers whose check says down.
func inService(intent lb.State, results map[lb.RealKey]health.Result) lb.State {
	s := intent.Clone()
	for i := range s.Services {
		key := s.Services[i].ServiceKey
		s.Services[i].Reals = slices.DeleteFunc(s.Services[i].Reals, func(r lb.Real) bool {
			result, checked := results[lb.RealKey{Service: key, Real: r.Addr}]
			return checked && !result.Up
		})
	}
	return s
}

// targets are the checks of everything that the intent has: a real server's
// own as the file has it, else, for one that an operator added, its virtual
// server's.
func (l layers) targets(intent lb.State) []health.Target[lb.RealKey] {
	checks := l.checks()
	var targets []health.Target[lb.RealKey]
	for _, svc := range intent.Services {
		for _, r := range svc.Reals {
			key := lb.RealKey{Service: svc.ServiceKey, Real: r.Addr}
			check, ok := checks[key]
			if !ok {
				check = checks[lb.RealKey{Service: svc.ServiceKey}]
			}
			if check.Type == config.CheckTCP {
				targets = append(targets, target(key, check))
			}
		}
	}
	return targets
}

// checks by real server; those of the virtual servers themselves are under the
// key without a real server.
func (l layers) checks() map[lb.RealKey]config.Check {
	checks := map[lb.RealKey]config.Check{}
	for _, v := range l.config.VirtualServers {
		checks[lb.RealKey{Service: v.ServiceKey}] = v.Check
		for _, r := range v.Reals {
			checks[lb.RealKey{Service: v.ServiceKey, Real: r.Addr}] = r.Check
		}
	}
	return checks
}

func target(key lb.RealKey, c config.Check) health.Target[lb.RealKey] {
	addr := key.Real
	if c.Port != 0 {
		addr = netip.AddrPortFrom(addr.Addr(), c.Port)
	}
	return health.Target[lb.RealKey]{ID: key, Addr: addr, Settings: health.Settings{
		Interval: c.Interval, Timeout: c.Timeout, Rise: c.Rise, Fall: c.Fall, Retry: c.Retry, RetryDelay: c.RetryDelay,
	}}
}

// overridden says what edits touch: virtual servers under the key without a
// real server.
func overridden(edits []control.Edit) map[lb.RealKey]bool {
	touched := map[lb.RealKey]bool{}
	for _, e := range edits {
		key, err := control.ParseServer(e.Server)
		if err != nil {
			continue
		}
		touched[lb.RealKey{Service: key}] = true
		if addr, err := control.ParseReal(e.Real); e.Real != "" && err == nil {
			touched[lb.RealKey{Service: key, Real: addr}] = true
		}
	}
	return touched
}
