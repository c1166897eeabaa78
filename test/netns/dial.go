// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"context"
	"net"
)

// Dial connects from inside the namespace, as net.Dialer's DialContext does; it fits http.Transport's field of that name. The address must be
// numeric: there is no resolver in a lab.
func (ns *NS) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return ns.DialWith(ctx, &net.Dialer{}, network, address)
}

// DialWith connects with the settings of d: a local address, a timeout, a Control function.
func (ns *NS) DialWith(ctx context.Context, d *net.Dialer, network, address string) (net.Conn, error) {
	return get(ns, func() (net.Conn, error) { return d.DialContext(ctx, network, address) })
}

// Listen listens for connections inside the namespace, as net.Listen does.
func (ns *NS) Listen(network, address string) (net.Listener, error) {
	return get(ns, func() (net.Listener, error) { return net.Listen(network, address) })
}

// ListenPacket listens for datagrams inside the namespace, as net.ListenPacket does.
func (ns *NS) ListenPacket(network, address string) (net.PacketConn, error) {
	return get(ns, func() (net.PacketConn, error) { return net.ListenPacket(network, address) })
}
