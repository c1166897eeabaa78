// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"

	"github.com/xlb-project/xlb/maps"
	"github.com/xlb-project/xlb/test/packet"
)

// firstClient is flow 0's address and port; the driver counts on from there.
var firstClient = netip.MustParseAddrPort("10.128.0.0:1024")

// request is a segment from flow 0's client to the virtual server.
func request(flags packet.Flags) []byte {
	return segment(clientMAC, firstClient, vip, flags)
}

// reply is a segment from the real server to flow 0's client.
func reply(flags packet.Flags) []byte {
	return segment(serverMAC, server, firstClient, flags)
}

func segment(from maps.MAC, src, dst netip.AddrPort, flags packet.Flags) []byte {
	return packet.Build(
		packet.Ethernet{Src: packet.MAC(from.String()), Dst: packet.MAC(directorMAC.String())},
		packet.IPv4{Src: src.Addr(), Dst: dst.Addr()},
		packet.TCP{SrcPort: src.Port(), DstPort: dst.Port(), Flags: flags},
	)
}
