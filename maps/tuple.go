// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"fmt"
	"net/netip"

	"github.com/xlb-project/xlb/bpf"
)

// Tuple is a packet's addresses, ports and IANA protocol number as seen on the
// wire: what the connection tables are keyed by.
type Tuple struct {
	Src, Dst netip.AddrPort
	Proto    uint8
}

// Reverse is the tuple of the packets that go the other way.
func (t Tuple) Reverse() Tuple {
	return Tuple{Src: t.Dst, Dst: t.Src, Proto: t.Proto}
}

// String is meant for logs: "6 192.0.2.1:4000->198.51.100.1:80".
func (t Tuple) String() string {
	return fmt.Sprintf("%d %v->%v", t.Proto, t.Src, t.Dst)
}

func encodeTuple(t Tuple) (k bpf.LbConn4Key, err error) {
	if k.Saddr, k.Sport, err = endpoint(t.Src); err != nil {
		return k, fmt.Errorf("source: %w", err)
	}
	if k.Daddr, k.Dport, err = endpoint(t.Dst); err != nil {
		return k, fmt.Errorf("destination: %w", err)
	}
	k.Proto = t.Proto
	return k, nil
}

func decodeTuple(k bpf.LbConn4Key) Tuple {
	return Tuple{
		Src:   fromEndpoint(k.Saddr, k.Sport),
		Dst:   fromEndpoint(k.Daddr, k.Dport),
		Proto: k.Proto,
	}
}
