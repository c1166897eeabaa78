// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"fmt"

	"github.com/gopacket/gopacket"
)

// Layer is one protocol header, or payload, of a frame to build: [Ethernet], [VLAN], [ARP], [IPv4], [IPv6], [TCP], [UDP], [ICMPv4],
// [ICMPv6] or [Payload]. Layers nest as they are listed, so IPv4 in IPv4 and VLAN in VLAN need no further support.
type Layer interface {
	// prepend writes the layer before what the buffer holds already; at is its place among the layers of the frame.
	prepend(b gopacket.SerializeBuffer, at place) error
}

// Build returns the frame made of layers, outermost first. Lengths, checksums and the numbers of the next protocol are filled in
// unless a layer forces a value of its own. The frame is not padded to Ethernet's minimum; see [Pad].
// Build panics when the layers cannot be put together.
func Build(layers ...Layer) []byte {
	b := gopacket.NewSerializeBuffer()
	for i := len(layers) - 1; i >= 0; i-- {
		if err := layers[i].prepend(b, place{layers, i}); err != nil {
			panic(fmt.Sprintf("packet.Build: layer %d (%T): %v", i, layers[i], err))
		}
	}
	return b.Bytes()
}

// Forced replaces a value that [Build] would compute; its zero value leaves the computing to Build. See [Force].
type Forced struct {
	value uint16
	set   bool
}

// Force makes Build write v, right or wrong: a bad checksum, a length that lies. UDP{Checksum: Force(0)} is a datagram
// without a checksum.
func Force(v uint16) Forced { return Forced{value: v, set: true} }

// or returns the forced value, else computed.
func (f Forced) or(computed uint16) uint16 {
	if f.set {
		return f.value
	}
	return computed
}

// place is where a layer stands in the list given to Build.
type place struct {
	layers []Layer
	index  int
}

// next returns the layer inside this one, nil for the innermost.
func (p place) next() Layer {
	if p.index+1 < len(p.layers) {
		return p.layers[p.index+1]
	}
	return nil
}

// network returns the nearest IP header around this layer, nil when there is none.
func (p place) network() pseudoHeader {
	for i := p.index - 1; i >= 0; i-- {
		if h, ok := p.layers[i].(pseudoHeader); ok {
			return h
		}
	}
	return nil
}

// write lets gopacket prepend l with its lengths filled in, and returns l's header and all that follows it.
func write(b gopacket.SerializeBuffer, l gopacket.SerializableLayer) ([]byte, error) {
	if err := l.SerializeTo(b, gopacket.SerializeOptions{FixLengths: true}); err != nil {
		return nil, err
	}
	b.PushLayer(l.LayerType())
	return b.Bytes(), nil
}
