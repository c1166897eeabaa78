// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// IPv4 is an IPv4 header (RFC 791).
type IPv4 struct {
	Src, Dst netip.Addr
	TTL      Forced // 64 by default
	TOS      uint8  // DSCP and ECN
	ID       uint16 // identification, which the fragments of a datagram share
	DF, MF   bool   // don't fragment, more fragments
	Offset   int    // of a fragment's data in its datagram, in bytes, a multiple of 8
	Options  []byte // raw, at most 40 bytes; padded to a multiple of 4 with end-of-list

	Protocol Forced // by default that of the next layer
	Version  Forced // 4 by default
	IHL      Forced // header length in words of 4 bytes; computed by default
	Length   Forced // total length in bytes; computed by default
	Checksum Forced // computed by default, over the header with its forced values
}

func (h IPv4) prepend(b gopacket.SerializeBuffer, at place) error {
	if !h.Src.Is4() || !h.Dst.Is4() {
		return fmt.Errorf("addresses %v and %v must both be IPv4", h.Src, h.Dst)
	}
	if h.Offset%8 != 0 || h.Offset < 0 || h.Offset > 0xfff8 {
		return fmt.Errorf("fragment offset %d is not a multiple of 8 below 65536", h.Offset)
	}
	proto, err := ipProtocol(h.Protocol, at.next())
	if err != nil {
		return err
	}
	options := padded(h.Options)
	if len(options) > 40 {
		return fmt.Errorf("%d bytes of options do not fit into a header", len(options))
	}
	hdr, err := write(b, &layers.IPv4{
		Version: uint8(h.Version.or(4)), TOS: h.TOS, Id: h.ID, Flags: h.flags(), FragOffset: uint16(h.Offset / 8),
		TTL: uint8(h.TTL.or(64)), Protocol: layers.IPProtocol(proto), SrcIP: h.Src.AsSlice(), DstIP: h.Dst.AsSlice(),
		Options: make([]layers.IPv4Option, len(options)), // room, one byte each
	})
	if err != nil {
		return err
	}
	size := 20 + copy(hdr[20:], options)
	hdr[0] = hdr[0]&0xf0 | uint8(h.IHL.or(uint16(size/4)))&0x0f
	binary.BigEndian.PutUint16(hdr[2:], h.Length.or(uint16(len(hdr))))
	binary.BigEndian.PutUint16(hdr[10:], h.Checksum.or(fold(hdr[:size])))
	return nil
}

func (h IPv4) flags() layers.IPv4Flag {
	var f layers.IPv4Flag
	if h.DF {
		f |= layers.IPv4DontFragment
	}
	if h.MF {
		f |= layers.IPv4MoreFragments
	}
	return f
}

// IPv6 is an IPv6 header (RFC 8200).
type IPv6 struct {
	Src, Dst     netip.Addr
	HopLimit     Forced // 64 by default
	TrafficClass uint8
	FlowLabel    uint32 // 20 bits

	NextHeader Forced // by default that of the next layer
	Length     Forced // of the payload in bytes; computed by default
}

func (h IPv6) prepend(b gopacket.SerializeBuffer, at place) error {
	if !h.Src.Is6() || !h.Dst.Is6() {
		return fmt.Errorf("addresses %v and %v must both be IPv6", h.Src, h.Dst)
	}
	proto, err := ipProtocol(h.NextHeader, at.next())
	if err != nil {
		return err
	}
	payload := len(b.Bytes())
	hdr, err := write(b, &layers.IPv6{
		Version: 6, TrafficClass: h.TrafficClass, FlowLabel: h.FlowLabel, HopLimit: uint8(h.HopLimit.or(64)),
		NextHeader: layers.IPProtocol(proto), SrcIP: h.Src.AsSlice(), DstIP: h.Dst.AsSlice(),
	})
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint16(hdr[4:], h.Length.or(uint16(payload)))
	return nil
}

// ipProtocol returns the number that stands for next in an IP header.
func ipProtocol(forced Forced, next Layer) (uint8, error) {
	if forced.set {
		return uint8(forced.value), nil
	}
	switch next.(type) {
	case TCP:
		return uint8(layers.IPProtocolTCP), nil
	case UDP:
		return uint8(layers.IPProtocolUDP), nil
	case ICMPv4:
		return uint8(layers.IPProtocolICMPv4), nil
	case ICMPv6:
		return uint8(layers.IPProtocolICMPv6), nil
	case IPv4:
		return uint8(layers.IPProtocolIPv4), nil
	case IPv6:
		return uint8(layers.IPProtocolIPv6), nil
	default:
		return 0, fmt.Errorf("no protocol number stands for %T: set it", next)
	}
}

// pseudoHeader is an IP header that a transport checksum covers.
type pseudoHeader interface {
	// pseudo returns the pseudo-header of RFC 768, 9293 and 8200 for a segment of size bytes.
	pseudo(proto uint8, size int) []byte
}

func (h IPv4) pseudo(proto uint8, size int) []byte {
	p := append(h.Src.AsSlice(), h.Dst.AsSlice()...)
	return binary.BigEndian.AppendUint16(append(p, 0, proto), uint16(size))
}

func (h IPv6) pseudo(proto uint8, size int) []byte {
	p := append(h.Src.AsSlice(), h.Dst.AsSlice()...)
	return append(binary.BigEndian.AppendUint32(p, uint32(size)), 0, 0, 0, proto)
}

// fold sums data with gopacket; the checksum field in it must be zero.
func fold(data []byte) uint16 { return gopacket.FoldChecksum(gopacket.ComputeChecksum(data, 0)) }

// padded returns options filled up with zeros (end of list) to a multiple of 4 bytes.
func padded(options []byte) []byte {
	return append(append([]byte(nil), options...), make([]byte, (4-len(options)%4)%4)...)
}
