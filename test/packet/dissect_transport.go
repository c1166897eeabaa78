// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"fmt"
	"net/netip"
	"strings"
)

// transport takes apart what an IP packet carries.
func (d *dissector) transport(g datagram, data []byte) {
	if g.offset > 0 {
		d.payload(data) // a later fragment begins in the middle of something
		return
	}
	switch {
	case g.proto == ProtoTCP:
		d.tcp(g, data)
	case g.proto == ProtoUDP:
		d.udp(g, data)
	case g.proto == ProtoICMP && g.src.Is4():
		d.icmp(g, data)
	case g.proto == ProtoICMPv6 && g.src.Is6():
		d.icmpv6(g, data)
	case g.proto == ProtoIPIP:
		d.ipv4(data)
	case g.proto == ProtoIPv6:
		d.ipv6(data)
	default:
		d.payload(data)
	}
}

// ports records the tuple of a TCP or UDP header, of which data must hold 4 bytes.
func (d *dissector) ports(g datagram, s *Section, data []byte) {
	t := &Tuple{
		Protocol: g.proto,
		Src:      netip.AddrPortFrom(g.src, be16(data)),
		Dst:      netip.AddrPortFrom(g.dst, be16(data[2:])),
	}
	s.add("SrcPort", "%d", t.Src.Port())
	s.add("DstPort", "%d", t.Dst.Port())
	if d.quoted {
		d.out.Quoted = t
	} else {
		d.out.Tuple = t
	}
}

// quotedPorts takes the first 8 bytes of a transport header, all that RFC 792 asks an ICMP error to quote.
func (d *dissector) quotedPorts(layer string, g datagram, data []byte) {
	if len(data) < 8 {
		return
	}
	s := d.section(layer, data)
	d.ports(g, s, data)
	if layer == "TCP" {
		s.add("Seq", "%d", be32(data[4:]))
		return
	}
	s.add("Length", "%d", be16(data[4:]))
	s.add("Checksum", "%#04x", be16(data[6:]))
}

func (d *dissector) tcp(g datagram, data []byte) {
	if d.quoted {
		d.quotedPorts("TCP", g, data)
		return
	}
	if !d.complete("TCP", data, 20) {
		return
	}
	s := d.section("TCP", data)
	d.ports(g, s, data)
	s.add("Seq", "%d", be32(data[4:]))
	s.add("Ack", "%d", be32(data[8:]))
	s.add("DataOffset", "%d", data[12]>>4)
	s.add("Reserved", "%#x", data[12]&0x0f)
	s.add("Flags", "%v", Flags(data[13]))
	s.add("Window", "%d", be16(data[14:]))
	s.add("Checksum", "%#04x", be16(data[16:]))
	s.add("Urgent", "%d", be16(data[18:]))
	if g.whole {
		d.checksum("TCP", be16(data[16:]), Checksum(append([][]byte{g.pseudo(len(data))}, without(data, 16)...)...))
	}
	size := int(data[12]>>4) * 4
	if size < 20 || size > len(data) {
		d.problem("TCP", "header length %d in a segment of %d bytes", size, len(data))
		return
	}
	if size > 20 {
		text, ok := tcpOptions(data[20:size])
		s.add("Options", "%s", text)
		if !ok {
			d.problem("TCP", "malformed options: %s", text)
		}
	}
	d.payload(data[size:])
}

// tcpOptions describes options (RFC 9293 section 3.1) and says whether they are well-formed.
func tcpOptions(b []byte) (string, bool) {
	var out []string
	for len(b) > 0 && b[0] != 0 {
		if b[0] == 1 {
			out, b = append(out, "nop"), b[1:]
			continue
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			return strings.Join(append(out, fmt.Sprintf("?% x", b)), ","), false
		}
		out, b = append(out, tcpOption(b[:b[1]])), b[b[1]:]
	}
	if len(b) > 0 {
		out = append(out, "end")
	}
	return strings.Join(out, ","), true
}

func tcpOption(b []byte) string {
	switch {
	case b[0] == 2 && len(b) == 4:
		return fmt.Sprintf("mss:%d", be16(b[2:]))
	case b[0] == 3 && len(b) == 3:
		return fmt.Sprintf("wscale:%d", b[2])
	case b[0] == 4 && len(b) == 2:
		return "sackOK"
	case b[0] == 8 && len(b) == 10:
		return fmt.Sprintf("ts:%d/%d", be32(b[2:]), be32(b[6:]))
	default:
		return fmt.Sprintf("%d:%x", b[0], b[2:])
	}
}

func (d *dissector) udp(g datagram, data []byte) {
	if d.quoted {
		d.quotedPorts("UDP", g, data)
		return
	}
	if !d.complete("UDP", data, 8) {
		return
	}
	s := d.section("UDP", data)
	d.ports(g, s, data)
	length, found := int(be16(data[4:])), be16(data[6:])
	s.add("Length", "%d", length)
	s.add("Checksum", "%#04x", found)
	if length < 8 || (g.whole && length != len(data)) {
		d.problem("UDP", "length %d where IP carries %d bytes", length, len(data))
		d.payload(data[8:])
		return
	}
	switch {
	case found == 0 && g.src.Is6():
		d.problem("UDP", "no checksum, which IPv6 does not allow (RFC 8200 section 8.1)")
	case found != 0 && g.whole:
		sum := Checksum(append([][]byte{g.pseudo(len(data))}, without(data, 6)...)...)
		if sum == 0 {
			sum = 0xffff // RFC 768: a computed zero is sent as all ones
		}
		d.checksum("UDP", found, sum)
	}
	d.payload(data[8:])
}

func (d *dissector) icmp(g datagram, data []byte) {
	if !d.complete("ICMP", data, 8) {
		return
	}
	s := d.section("ICMP", data)
	s.add("Type", "%d", data[0])
	s.add("Code", "%d", data[1])
	s.add("Checksum", "%#04x", be16(data[2:]))
	s.add("ID", "%d", be16(data[4:]))
	s.add("Seq", "%d", be16(data[6:]))
	if g.whole {
		d.checksum("ICMP", be16(data[2:]), Checksum(without(data, 2)...))
	}
	switch data[0] {
	case 3, 4, 5, 11, 12:
		d.quote(func() { d.ipv4(data[8:]) })
	default:
		d.payload(data[8:])
	}
}

func (d *dissector) icmpv6(g datagram, data []byte) {
	if !d.complete("ICMPv6", data, 8) {
		return
	}
	s := d.section("ICMPv6", data)
	s.add("Type", "%d", data[0])
	s.add("Code", "%d", data[1])
	s.add("Checksum", "%#04x", be16(data[2:]))
	s.add("Body", "%#08x", be32(data[4:]))
	if g.whole {
		d.checksum("ICMPv6", be16(data[2:]), Checksum(append([][]byte{g.pseudo(len(data))}, without(data, 2)...)...))
	}
	if data[0] < 128 { // RFC 4443 section 2.1: the errors
		d.quote(func() { d.ipv6(data[8:]) })
		return
	}
	d.payload(data[8:])
}

// quote takes apart a quoted packet. A quote inside a quote adds nothing and is left alone.
func (d *dissector) quote(dissect func()) {
	if d.quoted {
		return
	}
	d.quoted = true
	dissect()
	d.quoted = false
}
