// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"net/netip"

	"github.com/goccy/go-yaml/ast"

	"github.com/xlb-project/xlb/lb"
)

func (s schema) virtualServers(dst *[]VirtualServer) read {
	lines := map[lb.ServiceKey]int{}
	return s.list("virtual_servers", func(n ast.Node) {
		*dst = append(*dst, s.virtualServer(n, lines))
	})
}

// virtualServer reads one; lines says where the others are declared. What a
// virtual server gives for its real servers (forward, check) is read before
// they are.
func (s schema) virtualServer(n ast.Node, lines map[lb.ServiceKey]int) VirtualServer {
	v := VirtualServer{Scheduler: lb.RoundRobin}
	before := len(s.findings)
	base := RealServer{Real: lb.Real{Method: lb.NAT, Weight: 1}, Check: Check{Type: CheckNone}}
	s.object(n, "a virtual server",
		must("listen", s.listen(&v.ServiceKey, lines)),
		may("scheduler", text(s.reader, &v.Scheduler, s.scheduler)),
		may("instance", text(s.reader, &v.Instance, instance)),
		may("forward", text(s.reader, &base.Method, s.method)),
		may("check", func(n ast.Node) { s.check(n, &base.Check) }),
		may("real_servers", func(n ast.Node) { v.Reals = s.realServers(n, &v, base) }))
	v.Check = base.Check
	if len(s.findings) == before && s.budget >= 0 {
		s.validate(n, v.Service())
	}
	return v
}

// validate reports what lb has to say about a virtual server whose every value
// is fine by itself.
func (s schema) validate(n ast.Node, v lb.Service) {
	for _, f := range lb.ValidateService(v, s.features) {
		s.report(n, "%v", f)
	}
}

func (s schema) listen(dst *lb.ServiceKey, lines map[lb.ServiceKey]int) read {
	return func(n ast.Node) {
		key, ok := scalar(s.reader, n, s.serviceKey)
		if !ok {
			return
		}
		if before, twice := lines[key]; twice {
			s.report(n, "virtual server %s is already in line %d", key, before)
			return
		}
		lines[key] = line(n)
		*dst = key
	}
}

// realServers of v; base holds what they inherit.
func (s schema) realServers(n ast.Node, v *VirtualServer, base RealServer) []RealServer {
	var reals []RealServer
	lines := map[netip.AddrPort]int{}
	s.list("real_servers", func(n ast.Node) {
		r := base
		s.object(n, "a real server",
			must("address", s.address(&r.Addr, v.Addr, lines)),
			may("forward", text(s.reader, &r.Method, s.method)),
			may("weight", s.number(&r.Weight, 0, lb.MaxWeight)),
			may("check", func(n ast.Node) { s.check(n, &r.Check) }))
		reals = append(reals, r)
	})(n)
	return reals
}

func (s schema) address(dst *netip.AddrPort, vip netip.AddrPort, lines map[netip.AddrPort]int) read {
	return func(n ast.Node) {
		addr, ok := scalar(s.reader, n, s.endpoint)
		if !ok {
			return
		}
		if before, twice := lines[addr]; twice {
			s.report(n, "real server %s is already in line %d of this virtual server", addr, before)
			return
		}
		if vip.IsValid() && addr.Addr() == vip.Addr() {
			s.report(n, "real server %s has the address of its virtual server; packets would circle", addr)
			return
		}
		lines[addr] = line(n)
		*dst = addr
	}
}

// scheduler is one that the engine has.
func (s schema) scheduler(word string) (lb.Scheduler, error) {
	return offered(word, "scheduler", s.features.Schedulers, lb.Scheduler(word).Known())
}

// method is a forwarding method that the engine has.
func (s schema) method(word string) (lb.Method, error) {
	m := lb.Method(word)
	return offered(word, "forwarding method", s.features.Methods, m == lb.NAT || m == lb.DR || m == lb.TUN)
}

// offered is the word if the engine has it. One that is known elsewhere gets
// the answer "not here" instead of "unknown".
func offered[T ~string](word, what string, have []T, known bool) (T, error) {
	v, err := oneOf(what, have...)(word)
	if err != nil && known {
		return "", fmt.Errorf("%s %q is not in this version of the engine, which has: %s", what, word, join(have))
	}
	return v, err
}

// instance is the name of a VRRP instance. There are none yet.
func instance(name string) (string, error) {
	if name != "" {
		return "", fmt.Errorf("there is no VRRP instance %s: this version has no VRRP; leave the key out", quote(name))
	}
	return "", nil
}
