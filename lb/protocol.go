// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"fmt"
	"strings"
)

// Protocol is a transport protocol by its IANA number.
type Protocol uint8

// The protocols that can be balanced.
const (
	TCP Protocol = 6
	UDP Protocol = 17
)

// String is "tcp" or "udp"; what cannot be balanced shows its number.
func (p Protocol) String() string {
	switch p {
	case TCP:
		return "tcp"
	case UDP:
		return "udp"
	}
	return fmt.Sprintf("protocol-%d", uint8(p))
}

// ParseProtocol reads "tcp" or "udp", in any case. The error is an [ErrSyntax].
func ParseProtocol(s string) (Protocol, error) {
	switch strings.ToLower(s) {
	case "tcp":
		return TCP, nil
	case "udp":
		return UDP, nil
	}
	return 0, syntaxErrorf("%q is no protocol that can be balanced: write tcp or udp", s)
}

// MarshalText is [Protocol.String]; it fails for what [ParseProtocol] would
// not read.
func (p Protocol) MarshalText() ([]byte, error) {
	if p != TCP && p != UDP {
		return nil, syntaxErrorf("protocol %d cannot be balanced: it must be tcp or udp", uint8(p))
	}
	return []byte(p.String()), nil
}

// UnmarshalText is [ParseProtocol].
func (p *Protocol) UnmarshalText(text []byte) (err error) {
	*p, err = ParseProtocol(string(text))
	return err
}
