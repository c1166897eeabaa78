// SPDX-License-Identifier: Apache-2.0

package control

import (
	"net/netip"

	"github.com/xlb-project/xlb/lb"
)

// ParseServer reads a virtual server as commands write it: PROTO:ADDR:PORT,
// such as tcp:192.0.2.1:80 or udp:[2001:db8::1]:53. Errors are [CodeUsage].
func ParseServer(s string) (lb.ServiceKey, error) {
	key, err := lb.ParseServiceKey(s)
	if err != nil {
		return lb.ServiceKey{}, Errorf(CodeUsage, "%w", err).
			WithHint("write PROTO:ADDR:PORT, such as tcp:192.0.2.1:80; names are not looked up")
	}
	if key.Addr.Port() == 0 {
		return lb.ServiceKey{}, Errorf(CodeUsage, "%q is no virtual server: a port is 1 to 65535", s)
	}
	return key, nil
}

// ParseReal reads a real server as commands write it: ADDR:PORT. Errors are
// [CodeUsage].
func ParseReal(s string) (netip.AddrPort, error) {
	addr, err := netip.ParseAddrPort(s)
	switch {
	case err != nil:
		return netip.AddrPort{}, Errorf(CodeUsage, "%q is no real server", s).
			WithHint("write ADDR:PORT, such as 10.0.0.1:80 or [2001:db8::1]:80; names are not looked up")
	case addr.Addr().Zone() != "":
		return netip.AddrPort{}, Errorf(CodeUsage, "%q: an address with a zone cannot be balanced", s)
	case addr.Port() == 0:
		return netip.AddrPort{}, Errorf(CodeUsage, "%q is no real server: a port is 1 to 65535", s)
	}
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()), nil
}
