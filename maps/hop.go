// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"net/netip"

	"github.com/xlb-project/xlb/bpf"
)

// Hop is how a frame leaves.
type Hop struct {
	DstMAC, SrcMAC MAC
	Port           uint16 // number of the egress port, from 1; 0: xlb is not attached there
	VLAN           uint16 // 0: untagged
	Ifindex        uint32
	MTU            uint16 // largest IP packet, in bytes
}

// NextHop is a next hop's record.
type NextHop struct {
	// Target is the address that is routed to, a real server's or a
	// gateway's; zero: the record is free.
	Target   netip.Addr
	Hop      Hop
	Resolved bool   // Hop may be used
	Changes  uint32 // counts the rewrites, and wraps
	Checked  Tick   // of the data path's last look, without a daemon
}

// Free says that the record belongs to no next hop.
func (n NextHop) Free() bool { return !n.Target.IsValid() }

// Parts of a next hop's word.
const (
	hopCopy     = 1 << 0 // which copy counts
	hopResolved = 1 << 1
	hopChange   = 1 << 32 // added with every change
)

func encodeHop(h Hop) bpf.LbHop {
	return bpf.LbHop{
		DstMac: h.DstMAC, SrcMac: h.SrcMAC,
		Port: h.Port, Vlan: h.VLAN, Ifindex: h.Ifindex, Mtu: h.MTU,
	}
}

func decodeHop(v bpf.LbHop) Hop {
	return Hop{
		DstMAC: v.DstMac, SrcMAC: v.SrcMac,
		Port: v.Port, VLAN: v.Vlan, Ifindex: v.Ifindex, MTU: v.Mtu,
	}
}

func decodeNextHop(v bpf.LbNextHop) NextHop {
	return NextHop{
		Target:   fromAddr16(v.Target, v.Family),
		Hop:      decodeHop(v.Copy[v.Word&hopCopy]),
		Resolved: v.Word&hopResolved != 0,
		Changes:  uint32(v.Word >> 32),
		Checked:  Tick(v.Checked),
	}
}
