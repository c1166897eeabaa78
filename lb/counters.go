// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"net/netip"
)

// Counters is a reading of everything that an engine counts.
type Counters struct {
	Services map[ServiceKey]ServiceCounters
	// Reasons counts packets by why they got their verdict ("tx", "no_server", ...).
	Reasons map[string]uint64
	// Established and HalfOpen are entries in use and capacity, in connections.
	Established, HalfOpen Usage
	// Drift is the difference that the last sweep found between the counts of
	// connections and the connections; 0 unless something is wrong.
	Drift int64
}

// Usage is how full a table is.
type Usage struct{ Used, Capacity int }

// Traffic counts since the virtual or real server was added, or since its
// counters were last set to zero.
type Traffic struct {
	Connections          uint64
	InPackets, InBytes   uint64 // from clients; IP packet lengths, as IPVS counts
	OutPackets, OutBytes uint64 // from servers, where answers pass here (NAT)
}

// ServiceCounters counts for one virtual server.
type ServiceCounters struct {
	Traffic
	Reals map[netip.AddrPort]RealCounters
}

// RealCounters counts for one real server. Active and Inactive are ipvsadm's
// ActiveConn and InActConn.
type RealCounters struct {
	Traffic
	Active, Inactive, HalfOpen int64
}
