// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Flags are TCP's control bits (RFC 9293 section 3.1), as they stand in byte 13 of the header.
type Flags uint8

// TCP's control bits.
const (
	FIN Flags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
)

// String returns the flags' names in the order of their bits, such as "SYN|ACK", or "none".
func (f Flags) String() string {
	var s string
	for i, name := range [...]string{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"} {
		if f&(1<<i) == 0 {
			continue
		}
		if s != "" {
			s += "|"
		}
		s += name
	}
	if s == "" {
		return "none"
	}
	return s
}

// TCP is a TCP header (RFC 9293).
type TCP struct {
	SrcPort, DstPort uint16
	Seq, Ack         uint32
	Flags            Flags
	Window           Forced // 65535 by default
	Urgent           uint16
	Options          []byte // raw, at most 40 bytes, padded to a multiple of 4; see [MSS] and its neighbours

	DataOffset Forced // header length in words of 4 bytes; computed by default
	Checksum   Forced // computed by default, over the segment with its forced values
}

func (t TCP) prepend(b gopacket.SerializeBuffer, at place) error {
	options := padded(t.Options)
	if len(options) > 40 {
		return fmt.Errorf("%d bytes of options do not fit into a header", len(options))
	}
	room := make([]layers.TCPOption, len(options)) // one byte each
	hdr, err := write(b, &layers.TCP{
		SrcPort: layers.TCPPort(t.SrcPort), DstPort: layers.TCPPort(t.DstPort), Seq: t.Seq, Ack: t.Ack,
		Window: t.Window.or(0xffff), Urgent: t.Urgent, Options: room,
	})
	if err != nil {
		return err
	}
	size := 20 + copy(hdr[20:], options)
	hdr[12] = uint8(t.DataOffset.or(uint16(size/4))) << 4
	hdr[13] = uint8(t.Flags)
	return putChecksum(hdr, 16, t.Checksum, uint8(layers.IPProtocolTCP), at)
}

// UDP is a UDP header (RFC 768).
type UDP struct {
	SrcPort, DstPort uint16
	Length           Forced // in bytes with the header; computed by default
	Checksum         Forced // computed by default; Force(0) means that the sender did not compute one
}

func (u UDP) prepend(b gopacket.SerializeBuffer, at place) error {
	hdr, err := write(b, &layers.UDP{SrcPort: layers.UDPPort(u.SrcPort), DstPort: layers.UDPPort(u.DstPort)})
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint16(hdr[4:], u.Length.or(uint16(len(hdr))))
	return putChecksum(hdr, 6, u.Checksum, uint8(layers.IPProtocolUDP), at)
}

// ICMPv4 is an ICMP header (RFC 792). What follows it (a quoted packet, echo data) is a further layer, such as [Payload].
type ICMPv4 struct {
	Type, Code uint8
	ID, Seq    uint16 // bytes 4 to 7: of an echo; for "fragmentation needed" Seq is the next hop's MTU
	Checksum   Forced // computed by default
}

func (i ICMPv4) prepend(b gopacket.SerializeBuffer, _ place) error {
	hdr, err := write(b, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(i.Type, i.Code), Id: i.ID, Seq: i.Seq})
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint16(hdr[2:], i.Checksum.or(fold(hdr)))
	return nil
}

// ICMPv6 is an ICMPv6 header (RFC 4443). What follows it is a further layer.
type ICMPv6 struct {
	Type, Code uint8
	Body       uint32 // bytes 4 to 7: identifier and sequence number of an echo, the MTU of "packet too big"
	Checksum   Forced // computed by default
}

func (i ICMPv6) prepend(b gopacket.SerializeBuffer, at place) error {
	body := binary.BigEndian.AppendUint32(nil, i.Body)
	if _, err := write(b, gopacket.Payload(body)); err != nil {
		return err
	}
	hdr, err := write(b, &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(i.Type, i.Code)})
	if err != nil {
		return err
	}
	return putChecksum(hdr, 2, i.Checksum, uint8(layers.IPProtocolICMPv6), at)
}

// Payload is bytes as they are: application data, the data of a later fragment, a quoted packet.
type Payload []byte

func (p Payload) prepend(b gopacket.SerializeBuffer, _ place) error {
	_, err := write(b, gopacket.Payload(p))
	return err
}

// Text is a payload of s.
func Text(s string) Payload { return Payload(s) }

// putChecksum writes the checksum of segment at offset: the forced one, or that over the pseudo-header and the segment.
func putChecksum(segment []byte, offset int, forced Forced, proto uint8, at place) error {
	field := segment[offset : offset+2]
	if forced.set {
		binary.BigEndian.PutUint16(field, forced.value)
		return nil
	}
	network := at.network()
	if network == nil {
		return errors.New("a checksum needs an IP header around it; put one there or force the checksum")
	}
	clear(field)
	sum := fold(append(network.pseudo(proto, len(segment)), segment...))
	if sum == 0 && proto == uint8(layers.IPProtocolUDP) {
		sum = 0xffff // RFC 768: zero means "no checksum"
	}
	binary.BigEndian.PutUint16(field, sum)
	return nil
}
