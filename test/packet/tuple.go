// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"errors"
	"fmt"
	"net/netip"
)

// Protocol numbers of IP (IANA), as [Tuple.Protocol] and [IPv4.Protocol] carry them.
const (
	ProtoICMP   = 1
	ProtoIPIP   = 4
	ProtoTCP    = 6
	ProtoUDP    = 17
	ProtoIPv6   = 41
	ProtoICMPv6 = 58
)

// Tuple is what identifies a flow on the wire. It is comparable and serves as a map key.
type Tuple struct {
	Protocol uint8 // ProtoTCP or ProtoUDP
	Src, Dst netip.AddrPort
}

// ErrNoTuple says that a frame carries no TCP or UDP ports that could be read.
var ErrNoTuple = errors.New("no TCP or UDP ports")

// TupleOf returns the five-tuple of frame; of a tunnelled packet, the inner one. The tuple quoted by an ICMP error is not the frame's
// own: see [Dissection.Quoted]. A frame without ports (ARP, ICMP, a later fragment) gives [ErrNoTuple].
func TupleOf(frame []byte) (Tuple, error) {
	d := Dissect(frame)
	if d.Tuple == nil {
		return Tuple{}, fmt.Errorf("%s: %w", d.Summary(), ErrNoTuple)
	}
	return *d.Tuple, nil
}

// Reverse returns the tuple of the answers to t.
func (t Tuple) Reverse() Tuple { return Tuple{Protocol: t.Protocol, Src: t.Dst, Dst: t.Src} }

// String returns "tcp 10.1.0.1:40000 > 10.1.0.100:80".
func (t Tuple) String() string {
	name := fmt.Sprint(t.Protocol)
	switch t.Protocol {
	case ProtoTCP:
		name = "tcp"
	case ProtoUDP:
		name = "udp"
	}
	return fmt.Sprintf("%s %v > %v", name, t.Src, t.Dst)
}
