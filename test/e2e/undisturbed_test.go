// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net"
	"testing"

	"github.com/xlb-project/xlb/test/netns"
	"github.com/xlb-project/xlb/test/traffic"
)

// TestUndisturbed: what is not for a virtual server reaches the director, and
// passes through it, as if xlb were not there.
func TestUndisturbed(t *testing.T) {
	arms(t, 2, func(t *testing.T, topo *netns.Topology) {
		serveNames(t, topo.Servers...)
		d := webDirector(t, topo, "")
		t.Run("a session with the director at the virtual address", func(t *testing.T) {
			session(t, topo, net.JoinHostPort(topo.VIP.String(), "22"))
		})
		t.Run("ARP and ping", func(t *testing.T) {
			must(t, topo.Client.Link.FlushNeighs())
			must(t, topo.Client.Ping(t.Context(), topo.VIP))
			must(t, topo.Client.Ping(t.Context(), topo.Servers[0].Addr))
		})
		t.Run("a real server reached directly", func(t *testing.T) {
			got, err := traffic.Fetch(traffic.HTTPClient(topo.Client.NS), "http://"+topo.Servers[1].Addr.String())
			if err != nil || got != topo.Servers[1].Name() {
				t.Errorf("%q, %v", got, err)
			}
		})
		if s := d.stats(); s.Reasons["malformed"]+s.Reasons["fragment"]+s.Reasons["internal"] != 0 {
			t.Errorf("packets were dropped: %v", s.Reasons)
		}
	})
}

// session holds a conversation with a server on the director itself, as SSH would.
func session(t *testing.T, topo *netns.Topology, address string) {
	t.Helper()
	until(t)(traffic.ServeEcho(topo.Director, address))
	conn, err := topo.Client.Dial(t.Context(), "tcp", address)
	must(t, err)
	defer conn.Close()
	for _, line := range []string{"SSH-2.0-test", "who am I", "exit"} {
		must(t, traffic.Echo(conn, line))
	}
}
