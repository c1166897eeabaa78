// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net"
	"net/netip"
	"testing"

	"github.com/xlb-project/xlb/test/director"
	"github.com/xlb-project/xlb/test/netns"
	"github.com/xlb-project/xlb/test/traffic"
)

// TestServerLeaves: a real server that fails its check gets nothing new, and
// it is back when it answers again.
func TestServerLeaves(t *testing.T) {
	topo := netns.TwoArmForTest(t, 3)
	third := topo.Servers[2]
	serveNames(t, topo.Servers[:2]...)
	d := webDirector(t, topo, "")
	d.waitReals(2)
	l := startLoad(t, topo, 4)
	l.progress(60)

	web, err := traffic.ServeName(third)
	must(t, err)
	d.waitReals(3)
	l.progress(60)
	if l.Counts().Hits[third.Name()] == 0 {
		t.Errorf("the server that answers again gets nothing: %v", l.Counts().Hits)
	}
	l.endWithoutFailures()

	must(t, web.Close())
	d.waitReals(2)
	l = startLoad(t, topo, 4)
	l.progress(60)
	if l.Counts().Hits[third.Name()] != 0 {
		t.Errorf("the server that is gone answered: %v", l.Counts().Hits)
	}
	l.endWithoutFailures()
}

// TestNewNIC: a server whose MAC changes, then the client's, cost no connection.
func TestNewNIC(t *testing.T) {
	const open = 50
	arms(t, 2, func(t *testing.T, topo *netns.Topology) {
		echoDirector(t, topo, "")
		c := newCrowd(t, topo, open)
		for i, link := range []*netns.Link{topo.Servers[0].Link, topo.Client.Link} {
			must(t, link.SetMAC(net.HardwareAddr{2, 0, 0, 0, 7, byte(i)}))
			c.mustEcho(0, open)
		}
	})
}

// TestGatewayMoves: clients behind a router that is replaced by another keep their connections.
func TestGatewayMoves(t *testing.T) {
	const open = 20
	topo := netns.TwoArmForTest(t, 2)
	far, behind := netip.MustParsePrefix("10.9.0.1/32"), netip.MustParsePrefix("10.9.0.0/24")
	must(t, topo.Client.Link.AddAddr(far))
	must(t, topo.Director.AddRoute(behind, topo.Client.Addr))
	serveEcho(t, topo)
	runDirector(t, topo, "virtual_servers:\n"+director.VirtualServer(topo, "tcp", 7, director.CheckNone, topo.Servers))
	c := newCrowdFrom(t, topo, open, &net.Dialer{LocalAddr: &net.TCPAddr{IP: far.Addr().AsSlice()}})

	t.Run("the gateway gets another MAC", func(t *testing.T) {
		must(t, topo.Client.Link.SetMAC(net.HardwareAddr{2, 0, 0, 0, 9, 1}))
		c.mustEcho(0, open)
	})
	t.Run("another gateway takes its place", func(t *testing.T) {
		second := netip.MustParsePrefix("10.1.0.2/24")
		must(t, topo.Client.Link.AddAddr(second))
		must(t, topo.Director.DelRoute(behind))
		must(t, topo.Director.AddRoute(behind, second.Addr()))
		c.mustEcho(0, open)
	})
}
