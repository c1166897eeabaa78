// SPDX-License-Identifier: Apache-2.0

package netns_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	raw "github.com/mdlayher/packet"

	"github.com/xlb-project/xlb/test/netns"
	"github.com/xlb-project/xlb/test/packet"
)

// Verdicts of linux/bpf.h.
const (
	xdpTX       = 3
	xdpRedirect = 4
)

// What XDP_TX sends on the director's interface arrives at the veth end that faces it.
func TestXDPTXReachesTheFacingEnd(t *testing.T) {
	topo := netns.TwoArmForTest(t, 0)
	attach(t, topo.ClientSide, swapAndTX())
	frames, conn := recordAndSend(t, topo.Client.Link)
	sent := frameFor(t, topo, "sent back by XDP_TX")
	send(t, conn, sent)
	want := bytes.Clone(sent)
	copy(want, sent[6:12])
	copy(want[6:], sent[:6])
	got := next(t, frames, func(f []byte) bool { return bytes.Equal(f[6:12], want[6:12]) })
	if diff := packet.Diff(want, got); diff != "" {
		t.Errorf("unexpected frame (-want +got):\n%s", diff)
	}
}

// What XDP_REDIRECT sends out of the director's other interface crosses the bridge and arrives at the server, with good checksums though the
// client's stack leaves them to its driver.
func TestXDPRedirectReachesTheServer(t *testing.T) {
	topo := netns.TwoArmForTest(t, 1)
	server, text := topo.Servers[0], "redirected by XDP"
	frames := record(t, server.Link)
	attach(t, topo.ClientSide, redirectTo(t, topo.ServerSide, serverMAC(t, server)))
	port := sendUDP(t, topo.Client.NS, server.Addr, text)
	got := next(t, frames, carries(text))
	if err := packet.Check(got); err != nil {
		t.Errorf("%v\n%v", err, packet.Dissect(got))
	}
	want := packet.Tuple{
		Protocol: packet.ProtoUDP,
		Src:      netip.AddrPortFrom(topo.Client.Addr, port), Dst: netip.AddrPortFrom(server.Addr, 9),
	}
	if tuple, err := packet.TupleOf(got); tuple != want || err != nil {
		t.Errorf("tuple %v, error %v; want %v", tuple, err, want)
	}
	if ttl, _ := packet.Dissect(got).Field("IPv4", "TTL"); ttl != "64" {
		t.Errorf("TTL %s: the director's stack forwarded the packet, not XDP", ttl)
	}
}

// The settings are there for a reason. Without them the same redirect loses frames, and only a driver counter says so.
func TestXDPRedirectNeedsFaceDirector(t *testing.T) {
	lab := netns.ForTest(t)
	client, director, server := newNS(t, lab, "client"), newNS(t, lab, "director"), newNS(t, lab, "server")
	_, in := connect(t, lab, netns.End{NS: client, Name: "eth0"}, netns.End{NS: director, Name: "eth0"})
	out, across := connect(t, lab, netns.End{NS: director, Name: "eth1"}, netns.End{NS: server, Name: "eth0"})
	attach(t, in, redirectTo(t, out, mac(1)))
	frames, text := record(t, across), "redirected by XDP"
	_, conn := recordAndSend(t, in.Peer())
	frame := packet.Build(
		packet.Ethernet{Src: mac(2), Dst: mac(3)},
		packet.IPv4{Src: leftAddr.Addr(), Dst: rightAddr.Addr()},
		packet.UDP{SrcPort: 1, DstPort: 2}, packet.Text(text),
	)

	send(t, conn, frame)
	netns.Eventually(t, 5*time.Second, func() error {
		stats, err := in.DriverStats()
		if err == nil && stats["rx_queue_0_drops"] != 1 {
			err = fmt.Errorf("driver counters %v, want one drop", stats)
		}
		return err
	})
	if err := across.FaceDirector(); err != nil {
		t.Fatal(err)
	}
	send(t, conn, frame)
	next(t, frames, carries(text))
	select {
	case f := <-frames:
		t.Errorf("the lost frame arrived after all: %v", packet.Dissect(f))
	default:
	}
}

// Behind the bridge of one arm, a request comes in and leaves by the same interface.
func TestXDPTXWithOneArm(t *testing.T) {
	topo := netns.OneArmForTest(t, 1)
	server, text := topo.Servers[0], "turned round by XDP"
	frames := record(t, server.Link)
	attach(t, topo.ClientSide, sendTo(serverMAC(t, server), asm.Mov.Imm(asm.R0, xdpTX)))
	sendUDP(t, topo.Client.NS, server.Addr, text)
	got := next(t, frames, carries(text))
	if err := packet.Check(got); err != nil {
		t.Errorf("%v\n%v", err, packet.Dissect(got))
	}
}

func TestFaceDirector(t *testing.T) {
	left, _ := twoHosts(t)
	before, err := left.Offloads()
	if err != nil {
		t.Fatal(err)
	}
	if before.GRO || !before.TxChecksum {
		t.Errorf("a new veth has %+v, which makes this test pointless", before)
	}
	for range 2 { // doing it again is harmless
		if err := left.FaceDirector(); err != nil {
			t.Fatal(err)
		}
	}
	if now, err := left.Offloads(); now != (netns.Offloads{GRO: true}) || err != nil {
		t.Errorf("offloads %+v, error %v; want GRO on and transmit checksums off", now, err)
	}
	if x := attributes(t, left).Xdp; x == nil || !x.Attached || x.AttachMode != 1 {
		t.Errorf("XDP %+v, want a program attached natively", x)
	}
	ping(t, left.NS(), rightAddr.Addr())
}

// attach attaches a program natively for the rest of the test.
func attach(t *testing.T, l *netns.Link, instructions asm.Instructions) {
	t.Helper()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "lab_test", Type: ebpf.XDP, License: "Apache-2.0", Instructions: instructions,
	})
	if err != nil {
		var verifier *ebpf.VerifierError
		if errors.As(err, &verifier) {
			t.Fatalf("%+v", verifier)
		}
		t.Fatal(err)
	}
	defer prog.Close()
	err = l.NS().Do(func() error {
		index, err := l.Index()
		if err != nil {
			return err
		}
		attached, err := link.AttachXDP(link.XDPOptions{Program: prog, Interface: index, Flags: link.XDPDriverMode})
		if err == nil {
			t.Cleanup(func() { attached.Close() })
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ethernet begins a program that lets go by all frames but IPv4, and ends in the given instructions with the frame's start in R6.
func ethernet(then ...asm.Instruction) asm.Instructions {
	return append(asm.Instructions{
		asm.Mov.Reg(asm.R9, asm.R1),
		asm.LoadMem(asm.R6, asm.R1, 0, asm.Word), // data
		asm.LoadMem(asm.R3, asm.R1, 4, asm.Word), // data_end
		asm.Mov.Reg(asm.R2, asm.R6),
		asm.Add.Imm(asm.R2, 14),
		asm.Mov.Imm(asm.R0, 2), // XDP_PASS
		asm.JGT.Reg(asm.R2, asm.R3, "exit"),
		asm.LoadMem(asm.R4, asm.R6, 12, asm.Half),
		asm.HostTo(asm.BE, asm.R4, asm.Half),
		asm.JNE.Imm(asm.R4, 0x0800, "exit"),
	}, append(then, asm.Return().WithSymbol("exit"))...)
}

// swapAndTX exchanges the MACs and sends the frame back.
func swapAndTX() asm.Instructions {
	return ethernet(
		asm.LoadMem(asm.R2, asm.R6, 0, asm.Word), asm.LoadMem(asm.R3, asm.R6, 4, asm.Half),
		asm.LoadMem(asm.R4, asm.R6, 6, asm.Word), asm.LoadMem(asm.R5, asm.R6, 10, asm.Half),
		asm.StoreMem(asm.R6, 0, asm.R4, asm.Word), asm.StoreMem(asm.R6, 4, asm.R5, asm.Half),
		asm.StoreMem(asm.R6, 6, asm.R2, asm.Word), asm.StoreMem(asm.R6, 10, asm.R3, asm.Half),
		asm.Mov.Imm(asm.R0, xdpTX),
	)
}

// sendTo addresses the frame to a MAC, byte by byte, and goes on.
func sendTo(dst []byte, then ...asm.Instruction) asm.Instructions {
	var store []asm.Instruction
	for i, b := range dst {
		store = append(store, asm.StoreImm(asm.R6, int16(i), int64(b), asm.Byte))
	}
	return ethernet(append(store, then...)...)
}

// redirectTo addresses the frame to a MAC and sends it out of another interface of the same namespace.
func redirectTo(t *testing.T, out *netns.Link, dst []byte) asm.Instructions {
	t.Helper()
	index, err := out.Index()
	if err != nil {
		t.Fatal(err)
	}
	return sendTo(dst, asm.Mov.Imm(asm.R1, int32(index)), asm.Mov.Imm(asm.R2, 0), asm.FnRedirect.Call())
}

func serverMAC(t *testing.T, server *netns.Host) []byte {
	t.Helper()
	m, err := server.Link.MAC()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// frameFor returns a frame from the client to the VIP.
func frameFor(t *testing.T, topo *netns.Topology, text string) []byte {
	t.Helper()
	src, err := topo.Client.Link.MAC()
	if err != nil {
		t.Fatal(err)
	}
	dst, err := topo.ClientSide.MAC()
	if err != nil {
		t.Fatal(err)
	}
	return packet.Build(
		packet.Ethernet{Src: src, Dst: dst},
		packet.IPv4{Src: topo.Client.Addr, Dst: topo.VIP},
		packet.UDP{SrcPort: 4000, DstPort: 9}, packet.Text(text),
	)
}

// record returns the frames that the link receives and sends from now on.
func record(t *testing.T, l *netns.Link) <-chan []byte {
	t.Helper()
	frames, _ := recordAndSend(t, l)
	return frames
}

func recordAndSend(t *testing.T, l *netns.Link) (<-chan []byte, *raw.Conn) {
	t.Helper()
	conn, err := l.OpenRaw()
	if err != nil {
		t.Fatal(err)
	}
	frames := make(chan []byte, 1000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 65536)
		for {
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if n >= 14 {
				frames <- bytes.Clone(buf[:n])
			}
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return frames, conn
}

func send(t *testing.T, conn *raw.Conn, frame []byte) {
	t.Helper()
	if _, err := conn.WriteTo(frame, &raw.Addr{HardwareAddr: frame[:6]}); err != nil {
		t.Fatal(err)
	}
}

// next returns the next frame that is wanted.
func next(t *testing.T, frames <-chan []byte, wanted func([]byte) bool) []byte {
	t.Helper()
	timeout := time.After(5 * time.Second)
	for {
		select {
		case f := <-frames:
			if wanted(f) {
				return f
			}
		case <-timeout:
			t.Fatal("no such frame within 5 s")
		}
	}
}

// carries wants frames that end in text.
func carries(text string) func([]byte) bool {
	return func(frame []byte) bool { return bytes.Contains(frame, []byte(text)) }
}
