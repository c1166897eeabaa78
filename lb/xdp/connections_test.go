// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"net/netip"
	"time"

	"github.com/xlb-project/xlb/lb"
)

// connection is one of client n with real server r of the web server.
func connection(n, r int, state string) lb.Connection {
	return lb.Connection{
		Service: web,
		Client:  netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, 0, byte(n)}), uint16(40000+n)),
		Real:    server(r),
		Method:  lb.NAT,
		State:   state,
		Expires: time.Minute,
	}
}
