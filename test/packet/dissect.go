// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// Dissection is a frame taken apart.
type Dissection struct {
	Sections []Section // outermost first; what an ICMP error quotes comes last, its names beginning with "quoted "
	Problems []Problem // everything that is wrong, in the order of the bytes; empty for a well-formed frame
	Tuple    *Tuple    // of the innermost TCP or UDP header, nil without ports
	Quoted   *Tuple    // of the packet that an ICMP error quotes, nil when there is none
}

// Section is one protocol header of a frame, or a payload.
type Section struct {
	Name   string // "Ethernet", "VLAN", "ARP", "IPv4", "IPv6", "TCP", "UDP", "ICMP", "ICMPv6", "Payload", ...
	Offset int    // of the first byte, from the start of the frame
	Fields []Field
}

// Field is one header field in a form for people; numbers are decimal except checksums and types.
type Field struct{ Name, Value string }

// Problem is one thing wrong with a frame.
type Problem struct {
	Layer string // the section's name
	Text  string // what is wrong, with the value found and the value expected
}

// Error returns the problem with its layer, such as "TCP: checksum 0x1234, recomputed 0x5678".
func (p Problem) Error() string { return p.Layer + ": " + p.Text }

// Dissect takes frame apart. It never fails and never panics: what cannot be read is reported among the problems.
//
// Lengths must agree with each other and with the frame (padding up to Ethernet's minimum is fine), headers must be complete,
// and every checksum must be what [Checksum] makes of the bytes that are there. A fragment's transport checksum
// covers bytes that are elsewhere and is not judged; nor is that of a quoted packet, which is truncated as a rule.
func Dissect(frame []byte) *Dissection {
	d := &dissector{frame: frame, out: &Dissection{}}
	d.ethernet(frame)
	return d.out
}

// Field returns the value of a field of the first section called section.
func (d *Dissection) Field(section, field string) (string, bool) {
	for _, s := range d.Sections {
		if s.Name != section {
			continue
		}
		return s.field(field)
	}
	return "", false
}

// Summary returns the names of the sections, such as "Ethernet/IPv4/TCP".
func (d *Dissection) Summary() string {
	names := make([]string, len(d.Sections))
	for i, s := range d.Sections {
		names[i] = s.Name
	}
	return strings.Join(names, "/")
}

// String returns one line for each section with its fields, then one for each problem.
func (d *Dissection) String() string {
	var b strings.Builder
	for _, s := range d.Sections {
		fmt.Fprintf(&b, "%s\n", s)
	}
	for _, p := range d.Problems {
		fmt.Fprintf(&b, "! %v\n", p)
	}
	return b.String()
}

// String returns the section on one line.
func (s Section) String() string {
	var b strings.Builder
	b.WriteString(s.Name)
	for _, f := range s.Fields {
		fmt.Fprintf(&b, " %s=%s", f.Name, f.Value)
	}
	return b.String()
}

func (s Section) field(name string) (string, bool) {
	for _, f := range s.Fields {
		if f.Name == name {
			return f.Value, true
		}
	}
	return "", false
}

// dissector holds what the parsing of one frame gathers. Its methods take the bytes from their layer on and call the next.
type dissector struct {
	frame  []byte
	out    *Dissection
	quoted bool // inside the packet that an ICMP error quotes: truncation is normal there
	tags   int  // VLAN tags seen
}

// section begins a section at data, which must be a tail of the frame or begin inside it.
func (d *dissector) section(name string, data []byte) *Section {
	d.out.Sections = append(d.out.Sections, Section{Name: d.name(name), Offset: d.offset(data)})
	return &d.out.Sections[len(d.out.Sections)-1]
}

func (d *dissector) name(layer string) string {
	if d.quoted {
		return "quoted " + layer
	}
	return layer
}

// offset returns where data begins in the frame: both are slices of one array, so their capacities tell.
func (d *dissector) offset(data []byte) int { return cap(d.frame) - cap(data) }

func (d *dissector) problem(layer, format string, args ...any) {
	d.out.Problems = append(d.out.Problems, Problem{Layer: d.name(layer), Text: fmt.Sprintf(format, args...)})
}

// complete says whether data holds the n bytes that a header of layer needs at least, and reports when it does not.
func (d *dissector) complete(layer string, data []byte, n int) bool {
	if len(data) >= n {
		return true
	}
	if !d.quoted {
		d.problem(layer, "truncated: %d bytes where the header needs %d", len(data), n)
	}
	return false
}

// checksum compares a checksum field with its value recomputed.
func (d *dissector) checksum(layer string, found, recomputed uint16) {
	if found != recomputed {
		d.problem(layer, "checksum %#04x, recomputed %#04x", found, recomputed)
	}
}

func (s *Section) add(name, format string, args ...any) {
	s.Fields = append(s.Fields, Field{name, fmt.Sprintf(format, args...)})
}

func (d *dissector) ethernet(data []byte) {
	if !d.complete("Ethernet", data, 14) {
		return
	}
	s := d.section("Ethernet", data)
	s.add("Dst", "%v", net.HardwareAddr(data[0:6]))
	s.add("Src", "%v", net.HardwareAddr(data[6:12]))
	s.add("Type", "%#04x", be16(data[12:]))
	d.etherType(be16(data[12:]), data[14:])
}

func (d *dissector) etherType(typ uint16, data []byte) {
	switch typ {
	case 0x8100, 0x88a8:
		d.vlan(data)
	case 0x0806:
		d.arp(data)
	case 0x0800:
		d.ipv4(data)
	case 0x86dd:
		d.ipv6(data)
	default:
		d.payload(data)
	}
}

func (d *dissector) vlan(data []byte) {
	if !d.complete("VLAN", data, 4) {
		return
	}
	d.tags++
	s := d.section("VLAN", data)
	s.add("ID", "%d", be16(data)&0x0fff)
	s.add("Priority", "%d", data[0]>>5)
	s.add("DEI", "%d", data[0]>>4&1)
	s.add("Type", "%#04x", be16(data[2:]))
	d.etherType(be16(data[2:]), data[4:])
}

func (d *dissector) arp(data []byte) {
	if !d.complete("ARP", data, 28) {
		return
	}
	s := d.section("ARP", data)
	if be16(data) != 1 || be16(data[2:]) != 0x0800 || data[4] != 6 || data[5] != 4 {
		d.problem("ARP", "not for IPv4 over Ethernet: % x", data[:6])
		return
	}
	s.add("Op", "%d", be16(data[6:]))
	s.add("SenderMAC", "%v", net.HardwareAddr(data[8:14]))
	s.add("SenderIP", "%v", addr(data[14:18]))
	s.add("TargetMAC", "%v", net.HardwareAddr(data[18:24]))
	s.add("TargetIP", "%v", addr(data[24:28]))
	d.trailer("ARP", data[28:])
}

// trailer judges what follows the end of the outermost datagram: nothing, or padding of a short frame.
func (d *dissector) trailer(layer string, data []byte) {
	if limit := 60 + 4*d.tags; len(data) > 0 && len(d.frame) > limit {
		d.problem(layer, "%d bytes after its end in a frame of %d", len(data), len(d.frame))
	}
}

// payload ends the dissection with data that has no structure here.
func (d *dissector) payload(data []byte) {
	if len(data) == 0 {
		return
	}
	s := d.section("Payload", data)
	s.add("Length", "%d", len(data))
	if shown := min(len(data), 48); shown < len(data) {
		s.add("Data", "%q...", data[:shown])
	} else {
		s.add("Data", "%q", data)
	}
}

func be16(b []byte) uint16 { return binary.BigEndian.Uint16(b) }
func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }

// addr returns the address in b, which has 4 or 16 bytes.
func addr(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	return a
}
