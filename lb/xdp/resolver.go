// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"context"
	"net/netip"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/xdp/nexthop"
)

// Resolver knows how packets leave. [nexthop.Follower] is the one that does;
// tests without a network make up another.
type Resolver interface {
	lb.Topology
	// Claim returns the next hop of a real server's address and counts one more
	// that refers to it. The record exists when Claim returns.
	Claim(netip.Addr) (uint32, error)
	// Release is the reverse of Claim.
	Release(id uint32) error
	// Gateway is the next hop of the gateway that an address is reached
	// through; false when it is on the link, or not reachable.
	Gateway(netip.Addr) (uint32, bool)
	// Referenced tells which next hops connections refer to.
	Referenced(nexthop.Referenced) error
	// Settle waits until neighbours have answered or ctx ends, and returns how
	// many next hops still wait.
	Settle(context.Context) (int, error)
	// Run follows the network until ctx ends.
	Run(context.Context) error
	Close() error
}

// noResolver is that of an engine that changes nothing.
type noResolver struct{}

func (noResolver) Route(netip.Addr) (lb.Route, error)  { return lb.Route{}, ErrReadOnly }
func (noResolver) IsLocal(netip.Addr) bool             { return false }
func (noResolver) Claim(netip.Addr) (uint32, error)    { return 0, ErrReadOnly }
func (noResolver) Release(uint32) error                { return ErrReadOnly }
func (noResolver) Gateway(netip.Addr) (uint32, bool)   { return 0, false }
func (noResolver) Referenced(nexthop.Referenced) error { return ErrReadOnly }
func (noResolver) Settle(context.Context) (int, error) { return 0, ErrReadOnly }
func (noResolver) Run(context.Context) error           { return ErrReadOnly }
func (noResolver) Close() error                        { return nil }
