// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"strings"
)

// Method is a forwarding method, as keepalived's lb_kind.
type Method string

// The forwarding methods that an engine may have; see [Features].
const (
	NAT Method = "nat" // Masq: addresses and ports are rewritten both ways
	DR  Method = "dr"  // Route: only the destination MAC is rewritten
	TUN Method = "tun" // Tunnel: the packet is wrapped in another (IP in IP)
)

// String is the name as keepalived has it, in lower case.
func (m Method) String() string { return string(m) }

// Word is what "ipvsadm -L" prints in its column Forward: Masq, Route, Tunnel.
// An unknown method is its own word.
func (m Method) Word() string {
	switch m {
	case NAT:
		return "Masq"
	case DR:
		return "Route"
	case TUN:
		return "Tunnel"
	}
	return string(m)
}

// ParseMethod reads keepalived's word (NAT, DR, TUN), the one that ipvsadm
// prints (Masq, Route, Tunnel) or the one of its options (masquerading,
// gatewaying, ipip), in any case. The error is an [ErrSyntax].
func ParseMethod(s string) (Method, error) {
	switch strings.ToLower(s) {
	case "nat", "masq", "masquerading":
		return NAT, nil
	case "dr", "route", "gatewaying":
		return DR, nil
	case "tun", "tunnel", "ipip":
		return TUN, nil
	}
	return "", syntaxErrorf("%q is no forwarding method%s", s, didYouMean(s, methods()))
}

func methods() []string { return []string{string(NAT), string(DR), string(TUN)} }

// MarshalText is [Method.String].
func (m Method) MarshalText() ([]byte, error) { return []byte(m), nil }

// UnmarshalText is [ParseMethod].
func (m *Method) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMethod(string(text))
	return err
}
