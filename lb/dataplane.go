// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"context"
	"iter"
	"net/netip"
	"time"
)

// Dataplane is an engine: it applies one virtual server at a time, reads back
// what the kernel holds, and counts. It does not validate, order, retry or
// repair; that is done once, by [Reconciler]. One goroutine at a time may call
// the methods that change something.
type Dataplane interface {
	// Features says what this engine can do.
	Features() Features
	// State reads back virtual servers, gates and timeouts from the kernel.
	State(context.Context) (State, error)
	// Apply makes one virtual server be as c.After says (nil: absent).
	// Idempotent. Packets see the old or the new virtual server, never a mixture.
	Apply(ctx context.Context, c ServiceChange) error
	// SetGate opens or closes an instance to new connections.
	SetGate(context.Context, Instance, bool) error
	SetTimeouts(context.Context, Timeouts) error
	Counters(context.Context) (Counters, error)
	// Connections lists connections; with a large table this takes seconds.
	Connections(context.Context, ConnFilter) iter.Seq2[Connection, error]
	// Restore adds connections that another node or engine had.
	Restore(context.Context, iter.Seq[Connection]) (int, error)
	// Cut ends connections and says how many.
	Cut(context.Context, ConnFilter, CutMode) (int, error)
	Close() error
}

// Features are the abilities and limits of an engine.
type Features struct {
	Engine     string // "xdp", "ipvs", "fake"
	Schedulers []Scheduler
	Methods    []Method
	IPv6       bool
	// Limits; 0 means none.
	MaxServices    int
	MaxReals       int
	MaxConnections int
}

// State is what an engine holds, or should hold: intent, never counts,
// connections or cursors. Services are sorted by [ServiceKey] and unique.
type State struct {
	Services []Service
	Gates    map[Instance]bool // instances that are not named are closed; 0 is always open
	Timeouts Timeouts
}

// ServiceChange is one step of a difference: a virtual server before and after.
// Before is nil for a new one, After is nil for one to remove.
type ServiceChange struct {
	Key           ServiceKey
	Before, After *Service
}

// Timeouts by state (ip_vs_proto_tcp.c); zero fields mean [DefaultTimeouts].
type Timeouts struct {
	Established, SynSent, SynRecv, FinWait, TimeWait, Close, CloseWait, LastAck, Listen, SynAck time.Duration
	UDP                                                                                         time.Duration
}

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

// Traffic counts since the virtual or real server was added, or since [zero].
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

// ConnFilter selects connections; zero fields select all.
type ConnFilter struct {
	Service *ServiceKey
	Real    netip.AddrPort
	Client  netip.Prefix
	State   string // "ESTABLISHED", ... as ipvsadm -Lnc prints
}

// CutMode says how a connection is ended.
type CutMode uint8

// The ways to end a connection.
const (
	Forget CutMode = iota // the entry is removed; the peers learn by themselves
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
