// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"net/netip"
)

// Protocol is a transport protocol by its IANA number.
type Protocol uint8

// The protocols that can be balanced.
const (
	TCP Protocol = 6
	UDP Protocol = 17
)

// Scheduler names how a virtual server chooses a real server, as in
// "ipvsadm -s" and keepalived's lb_algo.
type Scheduler string

// The schedulers that an engine may have; see [Features].
const (
	RoundRobin Scheduler = "rr"
)

// Method is a forwarding method, as keepalived's lb_kind.
type Method string

// The forwarding methods that an engine may have; see [Features].
const (
	NAT Method = "nat" // Masq: addresses and ports are rewritten both ways
	DR  Method = "dr"  // Route: only the destination MAC is rewritten
	TUN Method = "tun" // Tunnel: the packet is wrapped in another (IP in IP)
)

// Instance numbers a VRRP instance; 0 is "no instance": such a virtual server
// accepts connections on every node.
type Instance uint8

// ServiceKey is what a virtual server is found by.
type ServiceKey struct {
	Protocol Protocol
	Addr     netip.AddrPort
}

// Owner says who put a virtual server into the kernel. What carries another's
// mark is left alone and listed as foreign.
type Owner string

// The owners.
const (
	OwnerNone   Owner = ""     // made by hand, without a daemon: "xlbctl server add"
	OwnerDaemon Owner = "xlbd" // from the daemon's file, or through its socket
)

// Service is a virtual server with all its real servers (keepalived's
// virtual_server, "ipvsadm -A").
type Service struct {
	ServiceKey
	Scheduler Scheduler
	Instance  Instance
	Owner     Owner
	// Reals in the order in which "ipvsadm -a" would have added them. Order
	// decides the choices of rr.
	Reals []Real
}

// Real is a real server of one virtual server (keepalived's real_server,
// "ipvsadm -a"). Within a virtual server its address and port are unique.
type Real struct {
	Addr   netip.AddrPort
	Method Method
	// Weight relative to the others; 0 takes no new connections and keeps
	// those that it has ("quiesced").
	Weight int
}
