// SPDX-License-Identifier: Apache-2.0

package lb_test

import (
	"fmt"
	"net/netip"
	"slices"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/lbtest"
)

// mustKey reads "tcp:192.0.2.1:80".
func mustKey(s string) lb.ServiceKey {
	key, err := lb.ParseServiceKey(s)
	if err != nil {
		panic(err)
	}
	return key
}

// nat is a virtual server with real servers of weight 1.
func nat(key string, reals ...string) lb.Service {
	svc := lb.Service{ServiceKey: mustKey(key), Scheduler: lb.RoundRobin}
	for _, r := range reals {
		svc.Reals = append(svc.Reals, lb.Real{Addr: netip.MustParseAddrPort(r), Method: lb.NAT, Weight: 1})
	}
	return svc
}

// stateOf is sorted.
func stateOf(services ...lb.Service) lb.State {
	s := lb.State{Services: slices.Clone(services)}
	s.Sort()
	return s
}

// genKey draws one of a few virtual servers, so that two states have some in
// common.
func genKey() *rapid.Generator[lb.ServiceKey] {
	return rapid.Custom(func(t *rapid.T) lb.ServiceKey {
		return lb.ServiceKey{
			Protocol: rapid.SampledFrom([]lb.Protocol{lb.TCP, lb.UDP}).Draw(t, "protocol"),
			Addr:     netip.MustParseAddrPort(fmt.Sprintf("192.0.2.%d:%d", rapid.IntRange(1, 3).Draw(t, "vip"), rapid.IntRange(80, 81).Draw(t, "port"))),
		}
	})
}

func genAddr() *rapid.Generator[netip.AddrPort] {
	return rapid.Custom(func(t *rapid.T) netip.AddrPort {
		return netip.MustParseAddrPort(fmt.Sprintf("10.0.0.%d:80", rapid.IntRange(1, 5).Draw(t, "server")))
	})
}

func genReal() *rapid.Generator[lb.Real] {
	return rapid.Custom(func(t *rapid.T) lb.Real {
		return lb.Real{
			Addr:   genAddr().Draw(t, "addr"),
			Method: lb.NAT,
			Weight: rapid.IntRange(0, 2).Draw(t, "weight"),
		}
	})
}

func genService() *rapid.Generator[lb.Service] {
	return rapid.Custom(func(t *rapid.T) lb.Service {
		return lb.Service{
			ServiceKey: genKey().Draw(t, "key"),
			Scheduler:  lb.RoundRobin,
			Instance:   lb.Instance(rapid.IntRange(0, 1).Draw(t, "instance")),
			Owner:      rapid.SampledFrom([]lb.Owner{lb.OwnerNone, lb.OwnerDaemon}).Draw(t, "owner"),
			Reals: rapid.SliceOfNDistinct(genReal(), 0, 4, func(r lb.Real) netip.AddrPort { return r.Addr }).
				Draw(t, "reals"),
		}
	})
}

// genState draws a valid, sorted state.
func genState() *rapid.Generator[lb.State] {
	return rapid.Custom(func(t *rapid.T) lb.State {
		return stateOf(rapid.SliceOfNDistinct(genService(), 0, 6, func(s lb.Service) lb.ServiceKey { return s.ServiceKey }).
			Draw(t, "services")...)
	})
}

// features of an engine without limits.
func features() lb.Features { return lbtest.Features() }
