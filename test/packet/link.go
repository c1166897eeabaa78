// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// MAC parses an Ethernet address such as "02:00:00:00:00:01" and panics when it is none.
func MAC(s string) net.HardwareAddr {
	a, err := net.ParseMAC(s)
	if err != nil || len(a) != 6 {
		panic(fmt.Sprintf("packet.MAC: %q is no Ethernet address", s))
	}
	return a
}

// Ethernet is an Ethernet II header.
type Ethernet struct {
	Src, Dst net.HardwareAddr // nil: all zeros
	Type     Forced           // EtherType; by default that of the next layer
}

func (e Ethernet) prepend(b gopacket.SerializeBuffer, at place) error {
	typ, err := etherType(e.Type, at.next())
	if err != nil {
		return err
	}
	src, dst, err := macs(e.Src, e.Dst)
	if err != nil {
		return err
	}
	// Not by gopacket, which would pad the frame: tests want to choose that themselves, see Pad.
	_, err = write(b, gopacket.Payload(binary.BigEndian.AppendUint16(slices.Concat(dst, src), typ)))
	return err
}

// VLAN is an 802.1Q tag between Ethernet (or another tag) and what the tagged frame carries.
type VLAN struct {
	ID       uint16 // 0 to 4095
	Priority uint8  // 0 to 7
	Type     Forced // EtherType inside the tag; by default that of the next layer
}

func (v VLAN) prepend(b gopacket.SerializeBuffer, at place) error {
	typ, err := etherType(v.Type, at.next())
	if err != nil {
		return err
	}
	_, err = write(b, &layers.Dot1Q{VLANIdentifier: v.ID, Priority: v.Priority, Type: layers.EthernetType(typ)})
	return err
}

// ARP is an ARP packet for IPv4 over Ethernet (RFC 826).
type ARP struct {
	Op                   uint16 // 0 or 1: request; 2: reply
	SenderMAC, TargetMAC net.HardwareAddr
	SenderIP, TargetIP   netip.Addr
}

func (a ARP) prepend(b gopacket.SerializeBuffer, _ place) error {
	if !a.SenderIP.Is4() || !a.TargetIP.Is4() {
		return fmt.Errorf("addresses %v and %v must both be IPv4", a.SenderIP, a.TargetIP)
	}
	sender, target, err := macs(a.SenderMAC, a.TargetMAC)
	if err != nil {
		return err
	}
	_, err = write(b, &layers.ARP{
		AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, Operation: max(a.Op, 1),
		SourceHwAddress: sender, SourceProtAddress: a.SenderIP.AsSlice(),
		DstHwAddress: target, DstProtAddress: a.TargetIP.AsSlice(),
	})
	return err
}

// macs returns two addresses of 6 bytes; nil stands for zeros.
func macs(a, b net.HardwareAddr) ([]byte, []byte, error) {
	out := [2][]byte{make([]byte, 6), make([]byte, 6)}
	for i, mac := range []net.HardwareAddr{a, b} {
		if len(mac) != 0 && len(mac) != 6 {
			return nil, nil, fmt.Errorf("MAC address %v has %d bytes, not 6", mac, len(mac))
		}
		copy(out[i], mac)
	}
	return out[0], out[1], nil
}

// etherType returns the number that stands for next in an Ethernet header or a VLAN tag.
func etherType(forced Forced, next Layer) (uint16, error) {
	if forced.set {
		return forced.value, nil
	}
	switch next.(type) {
	case VLAN:
		return uint16(layers.EthernetTypeDot1Q), nil
	case ARP:
		return uint16(layers.EthernetTypeARP), nil
	case IPv4:
		return uint16(layers.EthernetTypeIPv4), nil
	case IPv6:
		return uint16(layers.EthernetTypeIPv6), nil
	default:
		return 0, fmt.Errorf("no EtherType stands for %T: set Type", next)
	}
}
