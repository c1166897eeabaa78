// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"fmt"
	"net/netip"

	"github.com/xlb-project/xlb/bpf"
)

// Method is a forwarding method.
type Method uint8

// The forwarding methods.
const (
	MethodNAT    = Method(bpf.LbForwardMethodForwardNat) // Masq
	MethodRoute  = Method(bpf.LbForwardMethodForwardDr)  // Route
	MethodTunnel = Method(bpf.LbForwardMethodForwardTun) // Tunnel
)

// Conn is one direction of a connection: the finished rewrite.
type Conn struct {
	// Src and Dst are what the packet leaves with.
	Src, Dst netip.AddrPort
	// L3Delta and L4Delta are added to the checksums of the IP header (TTL
	// included) and of TCP or UDP, in one's complement (RFC 1624), as native
	// sums of the words in network order.
	L3Delta, L4Delta uint16
	Service          uint32 // index into Services and ServiceCounters
	Real             uint32 // index into Reals, Loads and RealCounters
	Seen             Tick   // of this half's last packet
	State            ConnState
	Flags            ConnFlags
	NextHop          uint32 // index into NextHops, unless FlagInline
	Method           Method
	// MAC and Port: in the request half the client's, as last seen; with
	// FlagInline the destination and the number of the egress port.
	MAC  MAC
	Port uint16
}

// ConnEntry is a connection's half with the key that it is found by.
type ConnEntry struct {
	Key Tuple
	Conn
}

// Partner is the key of the other half.
func (e ConnEntry) Partner() Tuple {
	return Tuple{Src: e.Dst, Dst: e.Src, Proto: e.Key.Proto}
}

// Request says that this half carries packets from the client. It has the say:
// its key is what [Expirer] takes.
func (e ConnEntry) Request() bool { return !e.Flags.Has(FlagReply) }

func encodeConn(c Conn) (v bpf.LbConn4, err error) {
	if v.Saddr, v.Sport, err = endpoint(c.Src); err != nil {
		return v, fmt.Errorf("new source: %w", err)
	}
	if v.Daddr, v.Dport, err = endpoint(c.Dst); err != nil {
		return v, fmt.Errorf("new destination: %w", err)
	}
	v.L3Delta, v.L4Delta = c.L3Delta, c.L4Delta
	v.Service, v.Real, v.NextHop = c.Service, c.Real, c.NextHop
	v.Seen = uint32(c.Seen)
	v.Status = uint32(c.State) | uint32(c.Flags)&^stateMask
	v.Method = uint8(c.Method)
	v.Mac, v.Port = c.MAC, c.Port
	return v, nil
}

func decodeConn(v bpf.LbConn4) Conn {
	return Conn{
		Src:     fromEndpoint(v.Saddr, v.Sport),
		Dst:     fromEndpoint(v.Daddr, v.Dport),
		L3Delta: v.L3Delta,
		L4Delta: v.L4Delta,
		Service: v.Service,
		Real:    v.Real,
		Seen:    Tick(v.Seen),
		State:   ConnState(v.Status & stateMask),
		Flags:   ConnFlags(v.Status &^ stateMask),
		NextHop: v.NextHop,
		Method:  Method(v.Method),
		MAC:     v.Mac,
		Port:    v.Port,
	}
}
