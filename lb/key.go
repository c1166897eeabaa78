// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"cmp"
	"net/netip"
	"strings"
)

// ServiceKey is what a virtual server is found by.
type ServiceKey struct {
	Protocol Protocol
	Addr     netip.AddrPort
}

// String is PROTO:ADDR:PORT: "tcp:192.0.2.1:80", "udp:[2001:db8::1]:53".
func (k ServiceKey) String() string { return k.Protocol.String() + ":" + k.Addr.String() }

// ParseServiceKey reads what [ServiceKey.String] writes; the protocol in any
// case. An IPv4 address that is written as IPv6 (::ffff:192.0.2.1) becomes
// IPv4; one with a zone is refused. The error is an [ErrSyntax].
func ParseServiceKey(s string) (ServiceKey, error) {
	name, rest, ok := strings.Cut(s, ":")
	if !ok {
		return ServiceKey{}, syntaxErrorf("%q is no virtual server: write PROTO:ADDR:PORT, such as tcp:192.0.2.1:80", s)
	}
	proto, err := ParseProtocol(name)
	if err != nil {
		return ServiceKey{}, syntaxErrorf("%q is no virtual server: %v", s, err)
	}
	addr, err := parseAddrPort(rest)
	if err != nil {
		return ServiceKey{}, syntaxErrorf("%q is no virtual server: %v", s, err)
	}
	return ServiceKey{Protocol: proto, Addr: addr}, nil
}

// parseAddrPort reads ADDR:PORT or [ADDR]:PORT.
func parseAddrPort(s string) (netip.AddrPort, error) {
	addr, err := netip.ParseAddrPort(s)
	if err != nil {
		return netip.AddrPort{}, syntaxErrorf("%q is no address with a port: write 192.0.2.1:80 or [2001:db8::1]:80", s)
	}
	if addr.Addr().Zone() != "" {
		return netip.AddrPort{}, syntaxErrorf("%q: an address with a zone (%%%s) cannot be balanced", s, addr.Addr().Zone())
	}
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()), nil
}

// MarshalText is [ServiceKey.String]; it fails for what [ParseServiceKey] would
// not read.
func (k ServiceKey) MarshalText() ([]byte, error) {
	if !k.Addr.IsValid() {
		return nil, syntaxErrorf("virtual server without an address: write PROTO:ADDR:PORT, such as tcp:192.0.2.1:80")
	}
	if _, err := k.Protocol.MarshalText(); err != nil {
		return nil, err
	}
	return []byte(k.String()), nil
}

// UnmarshalText is [ParseServiceKey].
func (k *ServiceKey) UnmarshalText(text []byte) (err error) {
	*k, err = ParseServiceKey(string(text))
	return err
}

// Compare orders by protocol, address and port: the order of [State.Services].
func (k ServiceKey) Compare(o ServiceKey) int {
	return cmp.Or(cmp.Compare(k.Protocol, o.Protocol), k.Addr.Compare(o.Addr))
}

// RealKey is what a real server is found by; without Real it means the virtual
// server itself.
type RealKey struct {
	Service ServiceKey
	Real    netip.AddrPort
}

// String is "tcp:192.0.2.1:80 10.0.0.1:8080", or the virtual server alone.
func (k RealKey) String() string {
	if !k.Real.IsValid() {
		return k.Service.String()
	}
	return k.Service.String() + " " + k.Real.String()
}

// Compare orders by virtual server, then by address and port.
func (k RealKey) Compare(o RealKey) int {
	return cmp.Or(k.Service.Compare(o.Service), k.Real.Compare(o.Real))
}
