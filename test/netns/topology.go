// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"
	"net"
	"net/netip"
)

// maxServers is how many servers fit below the director's own address in 10.2.0.0/24.
const maxServers = 200

// Topology is a director between a client and its real servers. The client's network is 10.1.0.0/24, the servers' 10.2.0.0/24;
// the director is .254 in both, the client .1, server i (from 0) is 10.2.0.(i+1), and everyone's default route goes through the director, which
// forwards (ip_forward). So the servers can be reached without a load balancer too.
//
// Every MAC of a host is 02:00 and its address: 02:00:0a:02:00:01 is the first server. The bridge is in the namespace "switch".
type Topology struct {
	Lab      *Lab
	Client   *Host
	Director *NS
	Servers  []*Host
	Switch   *NS

	// ClientSide and ServerSide are the director's interfaces, eth0 and eth1; with one arm, both are eth0.
	ClientSide, ServerSide *Link

	// VIP is 10.1.0.100, a /32 on the director's interface towards the client, which therefore answers ARP for it.
	VIP netip.Addr
}

// Host is a namespace with one interface, eth0, and one address.
type Host struct {
	*NS
	Link *Link
	Addr netip.Addr
}

// Addresses of the topologies.
var (
	clientAddr   = netip.MustParsePrefix("10.1.0.1/24")
	clientsRoute = netip.MustParsePrefix("10.1.0.254/24") // the director
	serversRoute = netip.MustParsePrefix("10.2.0.254/24") // the director
	virtualAddr  = netip.MustParsePrefix("10.1.0.100/32")
)

// TwoArm builds client -- director -- bridge -- n servers: what comes in on one interface of the director leaves on the other.
func TwoArm(lab *Lab, n int) (*Topology, error) {
	t, br, err := newTopology(lab, n)
	if err != nil {
		return nil, err
	}
	client := clientEnd(t.Client.NS)
	client.FacesDirector = true
	t.Client.Link, t.ClientSide, err = lab.Connect(client, End{
		NS: t.Director, Name: "eth0", MAC: macOf(clientsRoute.Addr()), Addrs: []netip.Prefix{clientsRoute, virtualAddr},
	})
	if err != nil {
		return nil, err
	}
	_, t.ServerSide, err = lab.Connect(directorPort(br), End{
		NS: t.Director, Name: "eth1", MAC: macOf(serversRoute.Addr()), Addrs: []netip.Prefix{serversRoute},
	})
	if err != nil {
		return nil, err
	}
	return t, t.addServers(br, n)
}

// OneArm builds a bridge with the client, the director and n servers on it: what comes in on the director's only interface leaves
// there too. The client and the servers are in different networks, and the director is in both.
func OneArm(lab *Lab, n int) (*Topology, error) {
	t, br, err := newTopology(lab, n)
	if err != nil {
		return nil, err
	}
	_, t.ClientSide, err = lab.Connect(directorPort(br), End{
		NS: t.Director, Name: "eth0", MAC: macOf(clientsRoute.Addr()),
		Addrs: []netip.Prefix{clientsRoute, serversRoute, virtualAddr},
	})
	if err != nil {
		return nil, err
	}
	t.ServerSide = t.ClientSide
	t.Client.Link, _, err = lab.Connect(clientEnd(t.Client.NS), End{NS: t.Switch, Name: "client", Bridge: br})
	if err != nil {
		return nil, err
	}
	return t, t.addServers(br, n)
}

// newTopology makes the namespaces that both topologies have, but for the servers', and the bridge.
func newTopology(lab *Lab, n int) (*Topology, *Link, error) {
	if n < 0 || n > maxServers {
		return nil, nil, fmt.Errorf("netns: %d servers wanted: 0 to %d are possible", n, maxServers)
	}
	spaces := make([]*NS, 3)
	for i, name := range []string{"client", "director", "switch"} {
		ns, err := lab.NewNS(name)
		if err != nil {
			return nil, nil, err
		}
		spaces[i] = ns
	}
	t := &Topology{
		Lab: lab, Client: &Host{NS: spaces[0], Addr: clientAddr.Addr()},
		Director: spaces[1], Switch: spaces[2], VIP: virtualAddr.Addr(),
	}
	if err := t.Director.SetSysctl("net.ipv4.ip_forward", "1"); err != nil {
		return nil, nil, err
	}
	br, err := t.Switch.AddBridge("br0")
	return t, br, err
}

// addServers connects n servers to the bridge.
func (t *Topology) addServers(br *Link, n int) error {
	for i := range n {
		ns, err := t.Lab.NewNS(fmt.Sprintf("server%d", i+1))
		if err != nil {
			return err
		}
		addr := netip.AddrFrom4([4]byte{10, 2, 0, byte(i + 1)})
		link, _, err := t.Lab.Connect(End{
			NS: ns, Name: "eth0", MAC: macOf(addr),
			Addrs: []netip.Prefix{netip.PrefixFrom(addr, serversRoute.Bits())}, Gateway: serversRoute.Addr(),
		}, End{NS: t.Switch, Name: ns.Name(), Bridge: br})
		if err != nil {
			return err
		}
		t.Servers = append(t.Servers, &Host{NS: ns, Link: link, Addr: addr})
	}
	return nil
}

// clientEnd is the client's interface.
func clientEnd(ns *NS) End {
	return End{
		NS: ns, Name: "eth0", MAC: macOf(clientAddr.Addr()), Addrs: []netip.Prefix{clientAddr}, Gateway: clientsRoute.Addr(),
	}
}

// directorPort is the port of the bridge that the director is connected to.
func directorPort(br *Link) End {
	return End{NS: br.ns, Name: "director", Bridge: br, FacesDirector: true}
}

// macOf returns a locally administered MAC that contains the address, for reading dumps.
func macOf(addr netip.Addr) net.HardwareAddr {
	a := addr.As4()
	return net.HardwareAddr{2, 0, a[0], a[1], a[2], a[3]}
}
