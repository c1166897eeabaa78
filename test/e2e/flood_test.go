// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/test/netns"
	"github.com/xlb-project/xlb/test/packet"
)

// TestFlood: established connections, half of them idle, live through a flood
// of SYNs from addresses that never answer.
func TestFlood(t *testing.T) {
	const connections = 1000
	topo := netns.TwoArmForTest(t, 3)
	d := echoDirector(t, topo, "tables: {connections: 65536, half_open: 65536}\n")
	c := newCrowd(t, topo, connections)

	stop, talking := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(talking)
		for {
			select {
			case <-stop:
				return
			default:
				c.mustEcho(0, connections/2)
			}
		}
	}()
	syns := scaled(2_000_000)
	// The veth's ring drops what the director is too slow for; what counts is what it has seen.
	const chunk = 50_000
	for sent := 0; d.list().Services[0].Counters.Connections < uint64(connections+syns); sent += chunk {
		if sent > 10*syns {
			t.Fatalf("of %d SYNs the director has seen %d", sent, d.list().Services[0].Counters.Connections)
		}
		flood(t, topo, sent, chunk)
	}
	close(stop)
	<-talking
	c.mustEcho(0, connections)

	if s := d.stats(); s.Forwarded() < uint64(syns) {
		t.Errorf("%d packets were forwarded, less than the %d SYNs: %v", s.Forwarded(), syns, s.Reasons)
	}
	if n := d.list().ActiveOf("tcp:" + topo.VIP.String() + ":7"); n != connections {
		t.Errorf("%d connections are counted as active, %d are open", n, connections)
	}
}

// flood sends the SYNs from..from+n to the echo service, each from another address and port of 10.3.0.0/16 and up.
func flood(t *testing.T, topo *netns.Topology, from, n int) {
	t.Helper()
	dst, err := topo.ClientSide.MAC()
	must(t, err)
	src, err := topo.Client.Link.MAC()
	must(t, err)
	index, err := topo.Client.Link.Index()
	must(t, err)
	// The servers' answers go nowhere: the client has no such address and forwards nothing.
	first := netip.MustParseAddr("10.3.0.0")
	frame := synFrame(src, dst, first, topo.VIP)
	must(t, topo.Client.Do(func() error {
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		to := &unix.SockaddrLinklayer{Protocol: 0x0008, Ifindex: index}
		base := binary.BigEndian.Uint32(first.AsSlice())
		for i := from; i < from+n; i++ {
			retarget(frame, base+uint32(i>>12), uint16(1024+i&0xfff))
			if err := unix.Sendto(fd, frame, 0, to); err != nil && err != unix.ENOBUFS {
				return err
			}
		}
		return nil
	}))
}

func synFrame(src, dst net.HardwareAddr, from, to netip.Addr) []byte {
	return packet.Build(
		packet.Ethernet{Src: src, Dst: dst},
		packet.IPv4{Src: from, Dst: to},
		packet.TCP{SrcPort: 1024, DstPort: 7, Flags: packet.SYN},
	)
}

// retarget gives a frame another source and makes its checksums right again, from scratch.
func retarget(frame []byte, addr uint32, port uint16) {
	ip, tcp := frame[14:34], frame[34:54]
	binary.BigEndian.PutUint32(ip[12:], addr)
	binary.BigEndian.PutUint16(tcp, port)
	binary.BigEndian.PutUint16(ip[10:], 0)
	binary.BigEndian.PutUint16(ip[10:], packet.Checksum(ip))
	binary.BigEndian.PutUint16(tcp[16:], 0)
	pseudo := []byte{0, unix.IPPROTO_TCP, 0, byte(len(tcp))}
	binary.BigEndian.PutUint16(tcp[16:], packet.Checksum(ip[12:20], pseudo, tcp))
}
