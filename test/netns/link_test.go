// SPDX-License-Identifier: Apache-2.0

package netns_test

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"

	"github.com/xlb-project/xlb/test/netns"
)

var (
	leftAddr  = netip.MustParsePrefix("10.9.0.1/24")
	rightAddr = netip.MustParsePrefix("10.9.0.2/24")
)

// twoHosts returns two namespaces that are connected with each other.
func twoHosts(t *testing.T) (left, right *netns.Link) {
	t.Helper()
	lab := netns.ForTest(t)
	return connect(t, lab,
		netns.End{NS: newNS(t, lab, "left"), Name: "eth0", Addrs: []netip.Prefix{leftAddr}},
		netns.End{NS: newNS(t, lab, "right"), Name: "eth0", Addrs: []netip.Prefix{rightAddr}},
	)
}

func TestConnect(t *testing.T) {
	left, right := twoHosts(t)
	ping(t, left.NS(), rightAddr.Addr())
	ping(t, right.NS(), leftAddr.Addr())
	if left.Peer() != right || right.Peer() != left || left.Name() != "eth0" {
		t.Errorf("peers of %v and %v are %v and %v", left, right, left.Peer(), right.Peer())
	}
}

func TestConnectAppliesTheEnds(t *testing.T) {
	lab := netns.ForTest(t)
	ns := newNS(t, lab, "a")
	br, err := ns.AddBridge("br0")
	if err != nil {
		t.Fatal(err)
	}
	a, b := connect(t, lab,
		netns.End{NS: ns, Name: "port", MAC: mac(1), MTU: 3000, RxQueues: 4, TxQueues: 2, Bridge: br, FacesDirector: true},
		netns.End{NS: newNS(t, lab, "b"), Name: "eth0", MAC: mac(2), MTU: 2000, RxQueues: 3, TxQueues: 1},
	)
	type shape struct {
		MAC            string
		MTU            int
		Rx, Tx         int
		Bridge, Native bool
	}
	want := map[*netns.Link]shape{
		a: {mac(1).String(), 3000, 4, 2, true, true},
		b: {mac(2).String(), 2000, 3, 1, false, false},
	}
	for l, want := range want {
		attrs := attributes(t, l)
		got := shape{
			attrs.HardwareAddr.String(), attrs.MTU, attrs.NumRxQueues, attrs.NumTxQueues,
			attrs.MasterIndex != 0, attrs.Xdp != nil && attrs.Xdp.AttachMode == 1, // XDP_ATTACHED_DRV
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", l, diff)
		}
	}
	if br.Peer() != nil {
		t.Errorf("a bridge has the peer %v", br.Peer())
	}
}

func TestSettings(t *testing.T) {
	left, right := twoHosts(t)
	if err := left.SetMTU(1400); err != nil {
		t.Error(err)
	}
	if got := attributes(t, left).MTU; got != 1400 {
		t.Errorf("MTU %d, want 1400", got)
	}
	extra := netip.MustParsePrefix("10.9.0.77/32")
	if err := right.AddAddr(extra); err != nil {
		t.Error(err)
	}
	ping(t, left.NS(), extra.Addr())
	if err := right.DelAddr(extra); err != nil {
		t.Error(err)
	}
	if err := right.DelAddr(extra); err == nil {
		t.Error("removing an address twice is no error")
	}
	if index, err := left.Index(); err != nil || index != attributes(t, left).Index {
		t.Errorf("index %d, error %v", index, err)
	}
}

// A server's new network card: the other side keeps sending to the old address until its neighbour entry is renewed.
func TestSetMAC(t *testing.T) {
	left, right := twoHosts(t)
	ping(t, left.NS(), rightAddr.Addr())
	if err := right.SetMAC(mac(9)); err != nil {
		t.Fatal(err)
	}
	if got, err := right.MAC(); err != nil || got.String() != mac(9).String() {
		t.Errorf("MAC %v, error %v", got, err)
	}
	if got := neighbour(t, left, rightAddr.Addr()); got == "" || got == mac(9).String() {
		t.Errorf("the neighbour entry is %q; want it old, for nobody was told", got)
	}
	if err := left.FlushNeighs(); err != nil {
		t.Fatal(err)
	}
	ping(t, left.NS(), rightAddr.Addr())
	if got := neighbour(t, left, rightAddr.Addr()); got != mac(9).String() {
		t.Errorf("after ARP the neighbour entry is %q, want %v", got, mac(9))
	}
}

func TestNeighbours(t *testing.T) {
	left, right := twoHosts(t)
	if err := left.SetNeigh(rightAddr.Addr(), mac(5)); err != nil {
		t.Fatal(err)
	}
	if got := neighbour(t, left, rightAddr.Addr()); got != mac(5).String() {
		t.Errorf("neighbour %q, want %v", got, mac(5))
	}
	frames := record(t, right)
	_ = sendUDP(t, left.NS(), rightAddr.Addr(), "to a wrong MAC")
	frame := next(t, frames, func(frame []byte) bool { return frame[12] == 8 && frame[13] == 0 })
	if got := net.HardwareAddr(frame[:6]).String(); got != mac(5).String() {
		t.Errorf("the frame went to %s, want the permanent neighbour %v", got, mac(5))
	}
	if err := left.DelNeigh(rightAddr.Addr()); err != nil {
		t.Fatal(err)
	}
	if got := neighbour(t, left, rightAddr.Addr()); got != "" {
		t.Errorf("neighbour %q, want none", got)
	}
	ping(t, left.NS(), rightAddr.Addr())
}

func TestRoutes(t *testing.T) {
	left, right := twoHosts(t)
	far := netip.MustParsePrefix("192.0.2.0/24")
	if err := right.AddAddr(netip.MustParsePrefix("192.0.2.1/32")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is replaced
		if err := left.NS().AddRoute(far, rightAddr.Addr()); err != nil {
			t.Fatal(err)
		}
	}
	ping(t, left.NS(), netip.MustParseAddr("192.0.2.1"))
	if err := left.NS().DelRoute(far); err != nil {
		t.Fatal(err)
	}
	if conn, err := left.NS().Dial(t.Context(), "udp", "192.0.2.1:9"); err == nil {
		conn.Close()
		t.Error("the route is still there")
	}
}

func TestDownAndUp(t *testing.T) {
	topo := netns.TwoArmForTest(t, 1)
	link := topo.Servers[0].Link
	if err := link.Down(); err != nil {
		t.Fatal(err)
	}
	if err := link.Peer().WaitUp(10 * time.Millisecond); err == nil {
		t.Error("a veth whose other end is down counts as up")
	}
	if err := link.Up(); err != nil {
		t.Fatal(err)
	}
	ping(t, topo.Client.NS, topo.Servers[0].Addr) // by the default route, which went with the link
}

func TestDeleteAndRecreate(t *testing.T) {
	for name, build := range topologies {
		t.Run(name, func(t *testing.T) {
			topo := build(t, 1)
			for what, link := range map[string]*netns.Link{
				"server": topo.Servers[0].Link, "director": topo.ServerSide, "client": topo.Client.Link,
			} {
				old := attributes(t, link)
				if err := link.Delete(); err != nil {
					t.Fatal(err)
				}
				if _, err := link.Index(); err == nil {
					t.Errorf("%s: the link is still there", what)
				}
				if err := link.Recreate(); err != nil {
					t.Fatal(err)
				}
				if got := attributes(t, link); got.Index == old.Index || !slices.Equal(got.HardwareAddr, old.HardwareAddr) {
					t.Errorf("%s: index %d and MAC %v, before %d and %v; want a new index and the same MAC",
						what, got.Index, got.HardwareAddr, old.Index, old.HardwareAddr)
				}
				ping(t, topo.Client.NS, topo.Servers[0].Addr)
			}
		})
	}
	br, err := newNS(t, netns.ForTest(t), "a").AddBridge("br0")
	if err != nil {
		t.Fatal(err)
	}
	if err := br.Recreate(); err == nil {
		t.Error("a bridge was recreated")
	}
}

// An IPv6 address works at once: no duplicate address detection holds it back.
func TestIPv6(t *testing.T) {
	lab := netns.ForTest(t)
	a, b := netip.MustParsePrefix("2001:db8::1/64"), netip.MustParsePrefix("2001:db8::2/64")
	gateway := netip.MustParseAddr("2001:db8::2")
	left, right := connect(t, lab,
		netns.End{NS: newNS(t, lab, "left"), Name: "eth0", Addrs: []netip.Prefix{a}, Gateway: gateway},
		netns.End{NS: newNS(t, lab, "right"), Name: "eth0", Addrs: []netip.Prefix{b, netip.MustParsePrefix("2001:db8:1::1/128")}},
	)
	for _, to := range []string{"2001:db8::2", "2001:db8:1::1"} {
		exchangeUDP(t, &netns.Host{NS: left.NS(), Addr: a.Addr()}, &netns.Host{NS: right.NS(), Addr: netip.MustParseAddr(to)})
	}
}

func attributes(t *testing.T, l *netns.Link) (attrs *netlink.LinkAttrs) {
	t.Helper()
	err := l.NS().Do(func() error {
		link, err := netlink.LinkByName(l.Name())
		if err == nil {
			attrs = link.Attrs()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return attrs
}

// neighbour returns the MAC that l has for addr, "" for none.
func neighbour(t *testing.T, l *netns.Link, addr netip.Addr) string {
	t.Helper()
	known, err := l.Neighs()
	if err != nil {
		t.Fatal(err)
	}
	return known[addr].String()
}

// sendUDP sends one datagram to port 9 and returns the source's port.
func sendUDP(t *testing.T, from *netns.NS, to netip.Addr, text string) uint16 {
	t.Helper()
	conn, err := from.Dial(t.Context(), "udp", netip.AddrPortFrom(to, 9).String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprint(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

func mac(last byte) net.HardwareAddr { return net.HardwareAddr{2, 0xaa, 0, 0, 0, last} }
