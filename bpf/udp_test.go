// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

// dns is a virtual server for UDP at the address of the one for TCP.
var dns = netip.AddrPortFrom(vip.Addr(), 53)

func TestUDPConversation(t *testing.T) {
	t.Parallel()
	for _, tickShift := range []uint32{frozen, live} {
		d := setup{tickShift: tickShift}.director(t)
		s := d.serve(t, packet.ProtoUDP, dns, d.server(1), d.server(2))
		f := s.flow(0, 5353)
		f.opens(t, message{data: "who?"})
		f.isHalfOpen(t, bpf.LbConnStateConnUdp, 0)
		f.loadIs(t, 0, load{HalfOpen: 1})
		f.sends(t, message{data: "who? (again)"})
		f.isHalfOpen(t, bpf.LbConnStateConnUdp, 0)
		f.answers(t, message{data: "me"})
		f.isEstablished(t, bpf.LbConnStateConnUdp)
		f.loadIs(t, 0, load{Active: 1})
		for range 3 {
			f.sends(t, message{data: "and?"})
			f.answers(t, message{data: "so"})
			f.answers(t, message{data: "on"})
		}
		f.isEstablished(t, bpf.LbConnStateConnUdp)
		f.loadIs(t, 0, load{Active: 1})
		s.flow(1, 5354).opens(t, message{data: "who?"})
	}
}

// TestUDPOneWay: syslog and its kind get no answer. They stay with one server, and out of the established table.
func TestUDPOneWay(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	s := d.serve(t, packet.ProtoUDP, dns, d.server(1), d.server(2))
	first, second := s.flow(0, 514), s.flow(1, 515)
	first.opens(t, message{data: "<13>hello"})
	second.opens(t, message{data: "<13>hello"})
	for range 5 {
		first.sends(t, message{data: "<13>world"})
		second.sends(t, message{data: "<13>world"})
	}
	first.isHalfOpen(t, bpf.LbConnStateConnUdp, 0)
	second.isHalfOpen(t, bpf.LbConnStateConnUdp, 0)
	s.loadIs(t, 0, load{HalfOpen: 1})
	s.loadIs(t, 1, load{HalfOpen: 1})
}

func TestUDPContents(t *testing.T) {
	t.Parallel()
	cases := map[string]message{
		"empty":                        {},
		"odd length":                   {data: "odd"},
		"no checksum":                  {data: "data", unsummed: true},
		"no checksum, no data":         {unsummed: true},
		"as much as the MTU allows":    {data: strings.Repeat("m", mtu-28)},
		"IP options":                   {ipOptions: []byte{0x94, 4, 0, 0}, data: "data"},
		"padded to Ethernet's minimum": {data: "x", pad: 60},
		"TTL 2":                        {data: "x", ttl: 2},
	}
	d := newDirector(t)
	f := d.serve(t, packet.ProtoUDP, dns, d.server(1)).flow(0, 5353)
	for name, m := range cases {
		t.Run(name, func(t *testing.T) {
			f.opens(t, m)
			f.sends(t, m)
			f.answers(t, m)
			f.isEstablished(t, bpf.LbConnStateConnUdp)
			f.sends(t, m)
			f.answers(t, m)
			f.cut(t)
		})
	}
}

// TestUDPChecksums: a sum of 0 would say that there is none, and is sent as 0xffff (RFC 768).
func TestUDPChecksums(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	f := d.serve(t, packet.ProtoUDP, dns, d.server(1)).flow(0, 5353)
	f.establishes(t)
	t.Run("many", func(t *testing.T) {
		for i := range 500 {
			m := message{id: uint16(i * 131), data: string([]byte{byte(i), byte(i * 7), byte(i * 13)})}
			f.sends(t, m)
			f.answers(t, m)
		}
	})
	word := func(i uint16) message { return message{data: string([]byte{byte(i >> 8), byte(i)})} }
	const checksum = 40
	t.Run("request becomes 0xffff", func(t *testing.T) { f.sends(t, search(t, f.request, word, checksum, 0xffff)) })
	t.Run("reply becomes 0xffff", func(t *testing.T) { f.answers(t, search(t, f.reply, word, checksum, 0xffff)) })
	swapped := func(frames func(message) (in, out []byte)) func(message) (in, out []byte) {
		return func(m message) (in, out []byte) {
			out, in = frames(m)
			return in, out
		}
	}
	t.Run("request was 0xffff", func(t *testing.T) { f.sends(t, search(t, swapped(f.request), word, checksum, 0xffff)) })
	t.Run("reply was 0xffff", func(t *testing.T) { f.answers(t, search(t, swapped(f.reply), word, checksum, 0xffff)) })
}

// TestUDPAndTCPAreApart: the same address and port of both protocols are two virtual servers, the same tuple two connections.
func TestUDPAndTCPAreApart(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	tcp := d.serve(t, packet.ProtoTCP, dns, d.server(1)).flow(0, 5353)
	udp := d.serve(t, packet.ProtoUDP, dns, d.server(1)).flow(0, 5353)
	tcp.establishes(t)
	udp.establishes(t)
	tcp.isEstablished(t, bpf.LbConnStateConnEstablished)
	udp.isEstablished(t, bpf.LbConnStateConnUdp)
	tcp.sends(t, request)
	udp.sends(t, message{data: "question"})
	tcp.answers(t, answer)
	udp.answers(t, message{data: "answer"})
}
