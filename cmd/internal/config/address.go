// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/xlb-project/xlb/lb"
)

// serviceKey parses "tcp:192.0.2.1:80".
func (s schema) serviceKey(word string) (lb.ServiceKey, error) {
	if addr, err := addrPort(word); err == nil {
		return lb.ServiceKey{}, fmt.Errorf("%s needs its protocol: tcp:%s or udp:%s", quote(word), addr, addr)
	}
	protocol, rest, ok := strings.Cut(word, ":")
	if !ok {
		return lb.ServiceKey{}, fmt.Errorf("%s is no virtual server; write PROTOCOL:ADDRESS:PORT, for example tcp:192.0.2.1:80", quote(word))
	}
	p, err := oneOf("protocol", "tcp", "udp")(protocol)
	if err != nil {
		return lb.ServiceKey{}, err
	}
	addr, err := s.endpoint(rest)
	if err != nil {
		return lb.ServiceKey{}, err
	}
	key := lb.ServiceKey{Protocol: lb.TCP, Addr: addr}
	if p == "udp" {
		key.Protocol = lb.UDP
	}
	return key, nil
}

// endpoint parses the address and port of a virtual or real server.
func (s schema) endpoint(word string) (netip.AddrPort, error) {
	a, err := addrPort(word)
	if err != nil {
		return a, err
	}
	addr := a.Addr()
	switch {
	case addr.Is4In6():
		return a, fmt.Errorf("%s is an IPv4 address in IPv6 form; write %s", quote(word), netip.AddrPortFrom(addr.Unmap(), a.Port()))
	case addr.Zone() != "":
		return a, fmt.Errorf("%s has a zone (%%%s), which no packet carries", quote(word), addr.Zone())
	case addr.Is6() && !s.features.IPv6:
		return a, fmt.Errorf("%s is IPv6, which is not in this version of the engine", quote(word))
	case addr.IsUnspecified(), addr.IsMulticast(), addr.IsLoopback(), addr == broadcast():
		return a, fmt.Errorf("%s is no address of a single host on the network", quote(word))
	}
	return a, nil
}

func broadcast() netip.Addr { return netip.AddrFrom4([4]byte{255, 255, 255, 255}) }

// listenAddress parses where the daemon itself listens.
func listenAddress(word string) (netip.AddrPort, error) { return addrPort(word) }

func addrPort(word string) (netip.AddrPort, error) {
	a, err := netip.ParseAddrPort(word)
	switch {
	case err != nil:
		return netip.AddrPort{}, fmt.Errorf("%s is not ADDRESS:PORT (for example 192.0.2.1:80 or [2001:db8::1]:80)", quote(word))
	case a.Port() == 0:
		return netip.AddrPort{}, fmt.Errorf("%s needs a port from 1 to 65535", quote(word))
	}
	return a, nil
}

// maxInterfaceName is the kernel's IFNAMSIZ without its final zero.
const maxInterfaceName = 15

// interfaceName checks as the kernel does (dev_valid_name).
func interfaceName(word string) (string, error) {
	bad := func(c rune) bool { return c <= ' ' || c == '/' || c == ':' || c == 0x7f }
	switch {
	case word == "" || word == "." || word == "..":
		return "", errors.New("an interface needs a name")
	case len(word) > maxInterfaceName:
		return "", fmt.Errorf("interface name %s is longer than %d characters", quote(word), maxInterfaceName)
	case strings.IndexFunc(word, bad) >= 0:
		return "", fmt.Errorf("interface name %s holds a blank, a slash or a colon", quote(word))
	}
	return word, nil
}

// parseDuration parses what time.ParseDuration does, with an error that helps.
func parseDuration(word string) (time.Duration, error) {
	d, err := time.ParseDuration(word)
	if err != nil {
		return 0, fmt.Errorf("%s is not a time; write for example 500ms, 5s or 15m", quote(word))
	}
	return d, nil
}

// short is a duration without zero parts: 1h, not 1h0m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
