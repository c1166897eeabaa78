// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"net/netip"
)

// Topology is what this machine knows of the network around it. An engine
// gives it; tests make one up.
type Topology interface {
	// Route says how packets to an address leave. The error says why they do not.
	Route(netip.Addr) (Route, error)
	// IsLocal says whether an address is one of this machine's.
	IsLocal(netip.Addr) bool
}

// Route is how packets to an address leave this machine.
type Route struct {
	Interface string
	Attached  bool // xlb is attached to the interface
	// OnLink is the subnet that the address shares with the interface; not
	// valid when it is behind a gateway.
	OnLink netip.Prefix
}

// CheckReachable says which real servers of a virtual server cannot work on
// this machine. It is for the moment at which somebody asks for them: what
// works already is not to be taken away because a route is missing for a while.
func CheckReachable(svc Service, t Topology) Findings {
	var found Findings
	for _, r := range svc.Reals {
		if r.Method != NAT {
			continue
		}
		if f := checkNAT(svc.Addr.Addr(), r.Addr.Addr(), t); f.What != "" {
			f.Service, f.Real, f.Kind = svc.ServiceKey, r.Addr, ErrUnreachable
			found = append(found, f)
		}
	}
	return found
}

// CheckAllReachable is [CheckReachable] for each virtual server of a state:
// nil, or [Findings].
func CheckAllReachable(s State, t Topology) error {
	var all Findings
	for _, svc := range s.Services {
		all = append(all, CheckReachable(svc, t)...)
	}
	return all.Err()
}

// checkNAT finds why answers of a server would not come back through this
// machine; they must, to be rewritten.
func checkNAT(vip, server netip.Addr, t Topology) Finding {
	if t.IsLocal(server) {
		return Finding{What: "nat: it is an address of this director; packets would not leave it",
			Fix: "run the server on another machine"}
	}
	route, err := t.Route(server)
	switch {
	case err != nil:
		return Finding{What: fmt.Sprintf("nat: it cannot be reached: %v", err), Fix: "add a route to it: ip route add"}
	case !route.Attached:
		return Finding{What: fmt.Sprintf("nat: it is reached through %s, where xlb is not attached; its answers would pass unchanged", route.Interface),
			Fix: "xlbctl attach " + route.Interface}
	case route.OnLink.Contains(vip):
		return Finding{What: fmt.Sprintf("nat: it is in the virtual server's own subnet %s; it would answer clients there directly, past this director", route.OnLink.Masked()),
			Fix: "move it, or the virtual server's address, to another subnet"}
	}
	return Finding{}
}
