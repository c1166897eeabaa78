// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"fmt"
	"iter"
	"net/netip"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
)

// Gateway is a router towards clients.
type Gateway struct {
	Addr    netip.Addr
	Ifindex uint32 // of the interface that it is reached by
}

// Gateways4 finds a gateway's next hop: replies to clients behind a gateway go
// by its id, so that a gateway that moves is one write.
type Gateways4 struct {
	table[bpf.LbGateway4Key, uint32]
}

// Capacity is the number of gateways that fit.
func (g *Gateways4) Capacity() int { return int(g.m.MaxEntries()) }

// Lookup gives the next hop's id; [ErrNotFound] if the gateway is not known.
func (g *Gateways4) Lookup(key Gateway) (uint32, error) {
	k, err := encodeGateway(key)
	if err != nil {
		return 0, fmt.Errorf("map %s: %w", g.name, err)
	}
	return g.lookup(k)
}

// Set points a gateway at a next hop.
func (g *Gateways4) Set(key Gateway, hop uint32) error {
	k, err := encodeGateway(key)
	if err != nil {
		return fmt.Errorf("map %s: %w", g.name, err)
	}
	return g.update(k, hop, ebpf.UpdateAny)
}

// Delete removes a gateway; [ErrNotFound] if it is not known.
func (g *Gateways4) Delete(key Gateway) error {
	k, err := encodeGateway(key)
	if err != nil {
		return fmt.Errorf("map %s: %w", g.name, err)
	}
	return g.delete(k)
}

// GatewayHop is an entry of [Gateways4].
type GatewayHop struct {
	Gateway Gateway
	Hop     uint32 // index into NextHops
}

// All walks the gateways in no order. An error ends the walk.
func (g *Gateways4) All() iter.Seq2[GatewayHop, error] {
	return func(yield func(GatewayHop, error) bool) {
		for p, err := range g.all() {
			e := GatewayHop{}
			if err == nil {
				e = GatewayHop{decodeGateway(p.key), p.value}
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func encodeGateway(g Gateway) (bpf.LbGateway4Key, error) {
	a, err := addr4(g.Addr)
	return bpf.LbGateway4Key{Addr: a, Ifindex: g.Ifindex}, err
}

func decodeGateway(k bpf.LbGateway4Key) Gateway {
	return Gateway{Addr: fromAddr4(k.Addr), Ifindex: k.Ifindex}
}
