// SPDX-License-Identifier: Apache-2.0

package packet_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/test/packet"
)

func TestTupleOf(t *testing.T) {
	ip := packet.IPv4{Src: client, Dst: vip}
	tcp := packet.TCP{SrcPort: 40000, DstPort: 80}
	udp := packet.UDP{SrcPort: 40000, DstPort: 53}
	tests := map[string]struct {
		frame []byte
		want  string // "": none
	}{
		"tcp":            {with(ip, tcp), "tcp 10.1.0.1:40000 > 10.1.0.100:80"},
		"udp in a VLAN":  {with(packet.VLAN{ID: 7}, ip, udp), "udp 10.1.0.1:40000 > 10.1.0.100:53"},
		"ipv6":           {with(packet.IPv6{Src: v6a, Dst: v6b}, tcp), "tcp [2001:db8::1]:40000 > [2001:db8::2]:80"},
		"tunnel":         {with(packet.IPv4{Src: vip, Dst: vip}, ip, tcp), "tcp 10.1.0.1:40000 > 10.1.0.100:80"},
		"first fragment": {with(packet.IPv4{Src: client, Dst: vip, MF: true}, udp), "udp 10.1.0.1:40000 > 10.1.0.100:53"},
		"later fragment": {with(packet.IPv4{Src: client, Dst: vip, Offset: 8, Protocol: packet.Force(17)}, packet.Text("12345678")), ""},
		"icmp error":     {with(ip, packet.ICMPv4{Type: 3}, packet.Payload(quoted(udp))), ""},
		"arp":            {with(packet.ARP{SenderIP: client, TargetIP: vip}), ""},
		"nothing":        {nil, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := packet.TupleOf(tt.frame)
			if tt.want == "" {
				if !errors.Is(err, packet.ErrNoTuple) {
					t.Errorf("got %v, error %v; want ErrNoTuple", got, err)
				}
				return
			}
			if err != nil || got.String() != tt.want {
				t.Errorf("got %v, error %v; want %s", got, err, tt.want)
			}
		})
	}
}

func TestQuoted(t *testing.T) {
	for name, inner := range map[string]packet.Layer{"tcp": packet.TCP{SrcPort: 5, DstPort: 6, Seq: 7}, "udp": packet.UDP{SrcPort: 5, DstPort: 6}} {
		quote := packet.Truncate(quoted(inner), 28) // the header and 8 bytes, as RFC 792 says
		d := packet.Dissect(with(packet.IPv4{Src: vip, Dst: client}, packet.ICMPv4{Type: 3, Code: 3}, packet.Payload(quote)))
		if d.Quoted == nil || d.Quoted.String() != name+" 10.1.0.1:5 > 10.1.0.100:6" || d.Tuple != nil {
			t.Errorf("%s: quoted %v, tuple %v", name, d.Quoted, d.Tuple)
		}
		if got, want := d.Summary(), "Ethernet/IPv4/ICMP/quoted IPv4/quoted "+strings.ToUpper(name); got != want {
			t.Errorf("summary %s, want %s", got, want)
		}
		if seq, ok := d.Field("quoted TCP", "Seq"); ok != (name == "tcp") || ok && seq != "7" {
			t.Errorf("%s: quoted sequence number %q, %v", name, seq, ok)
		}
	}
	quote := packet.Build(packet.IPv6{Src: v6b, Dst: v6a}, packet.UDP{SrcPort: 5, DstPort: 6})
	d := packet.Dissect(with(packet.IPv6{Src: v6a, Dst: v6b}, packet.ICMPv6{Type: 2, Body: 1280}, packet.Payload(quote)))
	if d.Quoted == nil || d.Quoted.String() != "udp [2001:db8::2]:5 > [2001:db8::1]:6" || len(d.Problems) > 0 {
		t.Errorf("quoted %v\n%v", d.Quoted, d)
	}
}

func TestTupleProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := packet.Tuple{
			Protocol: rapid.SampledFrom([]uint8{packet.ProtoTCP, packet.ProtoUDP}).Draw(t, "protocol"),
			Src:      netip.AddrPortFrom(drawAddr(t, "src"), rapid.Uint16().Draw(t, "src port")),
			Dst:      netip.AddrPortFrom(drawAddr(t, "dst"), rapid.Uint16().Draw(t, "dst port")),
		}
		var transport packet.Layer = packet.TCP{SrcPort: want.Src.Port(), DstPort: want.Dst.Port()}
		if want.Protocol == packet.ProtoUDP {
			transport = packet.UDP{SrcPort: want.Src.Port(), DstPort: want.Dst.Port()}
		}
		got, err := packet.TupleOf(with(packet.IPv4{Src: want.Src.Addr(), Dst: want.Dst.Addr()}, transport))
		if got != want || err != nil {
			t.Fatalf("got %v, error %v; want %v", got, err, want)
		}
		if back := got.Reverse(); back.Src != want.Dst || back.Dst != want.Src || back.Reverse() != want {
			t.Fatalf("the reverse of %v is %v", want, back)
		}
	})
	if got := (packet.Tuple{Protocol: 132}).String(); !strings.HasPrefix(got, "132 ") {
		t.Errorf("another protocol: %s", got)
	}
}
