// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/maps"
	"github.com/xlb-project/xlb/test/netns"
	"github.com/xlb-project/xlb/test/packet"
)

// plane is a director in a namespace of the lab, with real neighbours, whose
// data path is run frame by frame.
type plane struct {
	*netns.Topology
	*Engine
	set     *maps.Set
	ingress *ebpf.Program
	vip     lb.ServiceKey
}

const (
	clientPort = 1 // number of the port towards the client
	serverPort = 2
)

func newPlane(t testing.TB, s sizes, servers int) *plane {
	t.Helper()
	p := &plane{Topology: netns.TwoArmForTest(t, servers)}
	coll := newCollection(t, s)
	p.set, p.ingress = openSet(t, coll), coll.Programs[bpf.LbProgXlbIngress]
	p.vip = lb.ServiceKey{Protocol: lb.TCP, Addr: netip.AddrPortFrom(p.VIP, 80)}
	p.port(t, clientPort, p.ClientSide)
	p.port(t, serverPort, p.ServerSide)
	p.Engine = p.newEngine(t)
	return p
}

// newEngine makes an engine that follows the namespace's network. It is closed
// when the test ends, or before.
func (p *plane) newEngine(t testing.TB) *Engine {
	t.Helper()
	var e *Engine
	opt := Options{Settle: 5 * time.Second, Log: slog.New(slog.DiscardHandler)}
	if err := p.Director.Do(func() (err error) { e, err = New(p.set, opt); return err }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("closing the engine: %v", err)
		}
	})
	return e
}

// port attaches an interface, as far as the maps go.
func (p *plane) port(t testing.TB, number uint16, l *netns.Link) {
	t.Helper()
	err := p.Director.Do(func() error {
		i, err := net.InterfaceByName(l.Name())
		if err != nil {
			return err
		}
		return p.set.Ports.Set(number, maps.Port{MAC: maps.MACFrom(i.HardwareAddr), MTU: uint16(i.MTU), Ifindex: uint32(i.Index)})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// serving is the virtual server with NAT real servers of the lab.
func (p *plane) serving(weights ...int) *lb.Service { return serving(p.vip, weights...) }

// lane runs frames that come in by one interface. It belongs to one goroutine.
type lane struct {
	t        testing.TB
	p        *plane
	src, dst net.HardwareAddr
	ctx      xdpContext
}

// xdpContext is struct xdp_md of linux/bpf.h.
type xdpContext struct {
	Data, DataEnd, DataMeta                     uint32
	IngressIfindex, RxQueueIndex, EgressIfindex uint32
}

// with runs f in the director's namespace, with a lane from the client's side
// and one from the servers'.
func (p *plane) with(t testing.TB, f func(client, server *lane)) {
	t.Helper()
	err := p.Director.Do(func() error {
		f(p.lane(t, p.ClientSide, p.Client.Link), p.lane(t, p.ServerSide, p.Servers[0].Link))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// lane makes one, on the current thread.
func (p *plane) lane(t testing.TB, in, from *netns.Link) *lane {
	t.Helper()
	i, err := net.InterfaceByName(in.Name())
	if err != nil {
		t.Fatal(err)
	}
	src, err := from.MAC()
	if err != nil {
		t.Fatal(err)
	}
	return &lane{t: t, p: p, src: src, dst: i.HardwareAddr, ctx: xdpContext{IngressIfindex: uint32(i.Index)}}
}

const xdpRedirect = 4 // enum xdp_action

// send runs the data path on a TCP segment, and returns the verdict and the
// frame that comes out.
func (l *lane) send(src, dst netip.AddrPort, flags packet.Flags) (uint32, []byte) {
	l.t.Helper()
	in := packet.Build(
		packet.Ethernet{Src: l.src, Dst: l.dst},
		packet.IPv4{Src: src.Addr(), Dst: dst.Addr()},
		packet.TCP{SrcPort: src.Port(), DstPort: dst.Port(), Flags: flags},
	)
	return l.run(in)
}

func (l *lane) run(in []byte) (uint32, []byte) {
	l.t.Helper()
	l.ctx.DataEnd = uint32(len(in))
	opts := &ebpf.RunOptions{Data: in, DataOut: make([]byte, len(in)+64), Context: l.ctx}
	verdict, err := l.p.ingress.Run(opts)
	if err != nil {
		l.t.Fatalf("running the data path: %v", err)
	}
	return verdict, opts.DataOut
}

// opens sends a SYN and returns the real server that it went to.
func (l *lane) opens(from netip.AddrPort) netip.AddrPort {
	l.t.Helper()
	verdict, out := l.send(from, l.p.vip.Addr, packet.SYN)
	if verdict != xdpRedirect {
		l.t.Fatalf("a SYN of %v got verdict %d; %s", from, verdict, l.p.reasons(l.t))
	}
	tuple, err := packet.TupleOf(out)
	if err != nil {
		l.t.Fatal(err)
	}
	return tuple.Dst
}

// establish makes a connection of client n, and returns its real server.
func (p *plane) establish(t testing.TB, n int) (real netip.AddrPort) {
	t.Helper()
	from := p.client(n)
	p.with(t, func(client, server *lane) {
		real = client.opens(from)
		if v, _ := server.send(real, from, packet.SYN|packet.ACK); v != xdpRedirect {
			t.Fatalf("SYN/ACK of %v: verdict %d; %s", real, v, p.reasons(t))
		}
		if v, _ := client.send(from, p.vip.Addr, packet.ACK); v != xdpRedirect {
			t.Fatalf("ACK of %v: verdict %d; %s", from, v, p.reasons(t))
		}
	})
	return real
}

// client is the lab's client with one of its ports.
func (p *plane) client(n int) netip.AddrPort {
	return netip.AddrPortFrom(p.Client.Addr, uint16(20000+n))
}

// reasons is for messages: why packets got their verdicts.
func (p *plane) reasons(t testing.TB) string {
	t.Helper()
	counts, err := p.set.Reasons.Get()
	if err != nil {
		t.Fatal(err)
	}
	text := "reasons:"
	for name, n := range counts.ByName() {
		if n > 0 {
			text += " " + name
		}
	}
	return text
}

// follow runs the engine's Follow until the test ends.
func (p *plane) follow(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- p.Follow(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Follow: %v", err)
		}
	})
}
