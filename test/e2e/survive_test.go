// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/xlb-project/xlb/test/director"
	"github.com/xlb-project/xlb/test/netns"
)

// TestKillDaemon: a daemon that dies again and again costs no request.
func TestKillDaemon(t *testing.T) {
	topo := netns.TwoArmForTest(t, 3)
	serveNames(t, topo.Servers...)
	d := webDirector(t, topo, "")
	l := startLoad(t, topo, 4)
	l.progress(50)
	for range scaled(20) {
		d.kill()
		l.progress(50)
		d.start()
		l.progress(50)
	}
	l.endWithoutFailures()
	d.noDrift()
}

// webAndEcho are two virtual servers: port 80, checked, and port 7.
func webAndEcho(topo *netns.Topology) string {
	return "virtual_servers:\n" + director.VirtualServer(topo, "tcp", 80, director.CheckTCP, topo.Servers) +
		director.VirtualServer(topo, "tcp", 7, director.CheckNone, topo.Servers)
}

// TestResize: a doubled table, under load and with connections open, loses none.
func TestResize(t *testing.T) {
	const open = 500
	topo := netns.TwoArmForTest(t, 3)
	serveNames(t, topo.Servers...)
	serveEcho(t, topo)
	d := runDirector(t, topo, "tables: {connections: 16384}\n"+webAndEcho(topo))
	c := newCrowd(t, topo, open)
	l := startLoad(t, topo, 4)
	l.progress(100)
	before := d.stats().Established.Capacity

	must(t, d.Stop())
	must(t, d.Write("tables: {connections: 32768}\n"+webAndEcho(topo)))
	d.start()
	l.progress(100)
	l.endWithoutFailures()
	c.mustEcho(0, open)
	if after := d.stats().Established.Capacity; after < 2*before {
		t.Errorf("the table holds %d connections, held %d before", after, before)
	}
	if n := d.list().ActiveOf("tcp:" + topo.VIP.String() + ":7"); n != open {
		t.Errorf("%d connections are counted as active, %d are open", n, open)
	}
}

// TestNoDaemon: the daemon is away for longer than any timeout, and a real
// server gets a new NIC meanwhile. Traffic does not notice.
func TestNoDaemon(t *testing.T) {
	const timeouts = "timeouts: {established: 4s, syn_sent: 2s, syn_recv: 2s, fin_wait: 2s, time_wait: 2s, close: 2s, " +
		"close_wait: 2s, last_ack: 2s, listen: 2s, synack: 2s, udp: 2s}\n"
	const open = 20
	topo := netns.TwoArmForTest(t, 2)
	serveNames(t, topo.Servers...)
	serveEcho(t, topo)
	d := runDirector(t, topo, timeouts+webAndEcho(topo))
	c := newCrowd(t, topo, open)
	l := startLoad(t, topo, 2)
	l.progress(20)
	d.kill()

	// The data path counts the daemon as gone after ten seconds; every timeout passes meanwhile.
	for until := time.Now().Add(16 * time.Second); time.Now().Before(until); {
		c.mustEcho(0, open)
		l.progress(5)
	}
	must(t, topo.Servers[0].Link.SetMAC(net.HardwareAddr{2, 0, 0, 0, 0, 0x77}))
	for range 5 {
		c.mustEcho(0, open)
		l.progress(50)
	}
	l.endWithoutFailures()

	d.start()
	c.mustEcho(0, open)
	d.noDrift()
}

// TestReload: good files take effect, bad ones change nothing and say why.
func TestReload(t *testing.T) {
	topo := netns.TwoArmForTest(t, 3)
	serveNames(t, topo.Servers...)
	d := webDirector(t, topo, "")
	l := startLoad(t, topo, 2)
	l.progress(30)

	must(t, d.Write("virtual_serverz: []\n"))
	if out, err := d.Ctl("reload"); err == nil || !strings.Contains(out, "virtual_servers") {
		t.Errorf("a misspelt key was accepted, or its name not suggested: %v\n%s", err, out)
	}
	l.progress(30)
	d.waitReals(3)

	third := topo.Servers[2].Name()
	must(t, d.Write("virtual_servers:\n"+director.VirtualServer(topo, "tcp", 80, director.CheckTCP, topo.Servers[:2])))
	if out, err := d.Ctl("reload"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	d.waitReals(2)
	before := l.Counts()
	l.progress(60)
	if n := l.Counts().Since(before).Hits[third]; n > 2 { // requests that were under way
		t.Errorf("%d requests went to the server that the file no longer has", n)
	}
	l.endWithoutFailures()
}
