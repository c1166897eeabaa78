// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"cmp"
	"net/netip"
	"time"
)

// Connection is one balanced connection, both directions together.
type Connection struct {
	Service ServiceKey
	Client  netip.AddrPort
	Real    netip.AddrPort
	Method  Method
	State   string        // as ipvsadm -Lnc prints it
	Expires time.Duration // until it is removed, if nothing comes
}

// Active says whether ipvsadm counts the connection as ActiveConn; the others
// are InActConn (ip_vs_proto_tcp.c, tcp_state_active_table).
func (c Connection) Active() bool {
	switch c.State {
	case "ESTABLISHED", "SYN_SENT", "SYN_RECV", "SYNACK", "UDP":
		return true
	}
	return false
}

// Compare orders by virtual server, client and real server.
func (c Connection) Compare(o Connection) int {
	return cmp.Or(c.Service.Compare(o.Service), c.Client.Compare(o.Client), c.Real.Compare(o.Real))
}

// ConnFilter selects connections; zero fields select all.
type ConnFilter struct {
	Service *ServiceKey
	Real    netip.AddrPort
	Client  netip.Prefix
	State   string // "ESTABLISHED", ... as ipvsadm -Lnc prints
}

// Match says whether the filter selects a connection.
func (f ConnFilter) Match(c Connection) bool {
	return (f.Service == nil || *f.Service == c.Service) &&
		(!f.Real.IsValid() || f.Real == c.Real) &&
		(!f.Client.IsValid() || f.Client.Contains(c.Client.Addr())) &&
		(f.State == "" || f.State == c.State)
}

// CutMode says how a connection is ended.
type CutMode uint8

// The ways to end a connection.
const (
	Forget CutMode = iota // the entry is removed; the peers learn by themselves
)

// String is for logs and listings.
func (m CutMode) String() string {
	if m == Forget {
		return "forget"
	}
	return "unknown"
}
