// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"encoding/binary"
	"net/netip"
)

// datagram is what a transport layer needs to know of the IP packet around it.
type datagram struct {
	src, dst netip.Addr
	proto    uint8
	offset   int  // of a fragment, in bytes
	whole    bool // no fragment and not truncated, so that the transport checksum can be judged
}

// pseudo returns the pseudo-header for a segment of size bytes (RFC 768, RFC 9293 section 3.1, RFC 8200 section 8.1).
func (g datagram) pseudo(size int) []byte {
	p := append(g.src.AsSlice(), g.dst.AsSlice()...)
	if g.src.Is4() {
		return append(p, 0, g.proto, byte(size>>8), byte(size))
	}
	p = binary.BigEndian.AppendUint32(p, uint32(size))
	return append(p, 0, 0, 0, g.proto)
}

func (d *dissector) ipv4(data []byte) {
	if !d.complete("IPv4", data, 20) {
		return
	}
	d.ipv4Fields(d.section("IPv4", data), data)
	size, total := int(data[0]&0x0f)*4, int(be16(data[2:]))
	if v := data[0] >> 4; v != 4 {
		d.problem("IPv4", "version %d", v)
		return
	}
	if size < 20 || size > total {
		d.problem("IPv4", "header length %d does not fit into a total length of %d", size, total)
		return
	}
	if !d.complete("IPv4", data, size) {
		return
	}
	d.checksum("IPv4", be16(data[10:]), Checksum(without(data[:size], 10)...))
	d.ipv4Judge(data)
	g := datagram{
		src: addr(data[12:16]), dst: addr(data[16:20]), proto: data[9],
		offset: int(be16(data[6:])&0x1fff) * 8,
	}
	payload := d.within("IPv4", data, total)[size:]
	g.whole = len(payload) == total-size && be16(data[6:])&0x3fff == 0
	d.transport(g, payload)
}

func (d *dissector) ipv4Fields(s *Section, data []byte) {
	s.add("Src", "%v", addr(data[12:16]))
	s.add("Dst", "%v", addr(data[16:20]))
	s.add("Version", "%d", data[0]>>4)
	s.add("IHL", "%d", data[0]&0x0f)
	s.add("TOS", "%#02x", data[1])
	s.add("Length", "%d", be16(data[2:]))
	s.add("ID", "%d", be16(data[4:]))
	s.add("Reserved", "%d", data[6]>>7)
	s.add("DF", "%d", data[6]>>6&1)
	s.add("MF", "%d", data[6]>>5&1)
	s.add("Offset", "%d", int(be16(data[6:])&0x1fff)*8)
	s.add("TTL", "%d", data[8])
	s.add("Protocol", "%d", data[9])
	s.add("Checksum", "%#04x", be16(data[10:]))
	if size := int(data[0]&0x0f) * 4; size > 20 && size <= len(data) {
		s.add("Options", "% x", data[20:size])
	}
}

// ipv4Judge reports values that no sender may put on a wire.
func (d *dissector) ipv4Judge(data []byte) {
	if data[8] == 0 && !d.quoted {
		d.problem("IPv4", "TTL 0 must not be sent (RFC 791)")
	}
	if data[6]&0x80 != 0 {
		d.problem("IPv4", "the reserved flag is set (RFC 791)")
	}
	payload := int(be16(data[2:])) - int(data[0]&0x0f)*4
	if data[6]&0x20 != 0 && payload%8 != 0 {
		d.problem("IPv4", "a fragment before the last carries %d bytes, no multiple of 8", payload)
	}
	if end := int(be16(data[6:])&0x1fff)*8 + payload; end > 65535 {
		d.problem("IPv4", "the fragment ends at byte %d of its datagram", end)
	}
}

// within returns the first size bytes of data and judges when there are fewer, or more than padding explains.
func (d *dissector) within(layer string, data []byte, size int) []byte {
	if size > len(data) {
		if !d.quoted {
			d.problem(layer, "length %d, but only %d bytes are there", size, len(data))
		}
		return data
	}
	d.trailer(layer, data[size:])
	return data[:size]
}

func (d *dissector) ipv6(data []byte) {
	if !d.complete("IPv6", data, 40) {
		return
	}
	s := d.section("IPv6", data)
	s.add("Src", "%v", addr(data[8:24]))
	s.add("Dst", "%v", addr(data[24:40]))
	s.add("Version", "%d", data[0]>>4)
	s.add("TrafficClass", "%#02x", be16(data)>>4&0xff)
	s.add("FlowLabel", "%#05x", be32(data)&0xfffff)
	s.add("Length", "%d", be16(data[4:]))
	s.add("NextHeader", "%d", data[6])
	s.add("HopLimit", "%d", data[7])
	if v := data[0] >> 4; v != 6 {
		d.problem("IPv6", "version %d", v)
		return
	}
	if data[7] == 0 && !d.quoted {
		d.problem("IPv6", "hop limit 0")
	}
	size := int(be16(data[4:]))
	payload := d.within("IPv6", data, 40+size)[40:]
	g := datagram{src: addr(data[8:24]), dst: addr(data[24:40]), proto: data[6], whole: len(payload) == size}
	d.ipv6Extensions(g, payload)
}

// ipv6Extensions passes over the extension headers of RFC 8200 section 4.
func (d *dissector) ipv6Extensions(g datagram, data []byte) {
	for g.offset == 0 {
		name, ok := map[uint8]string{0: "HopByHop", 43: "Routing", 44: "Fragment", 60: "Destination"}[g.proto]
		if !ok {
			break
		}
		if !d.complete(name, data, 8) {
			return
		}
		size := 8 + int(data[1])*8
		if g.proto == 44 {
			size = 8
			g.offset = int(be16(data[2:]) &^ 7)
			g.whole = g.whole && be16(data[2:])&^6 == 0
		}
		if !d.complete(name, data, size) {
			return
		}
		d.section(name, data).add("Bytes", "% x", data[:size])
		g.proto, data = data[0], data[size:]
	}
	d.transport(g, data)
}
