// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

// arena is a director with something of everything, for frames that nobody has thought of.
type arena struct {
	*director
	tcp, udp *service
	slots    map[*service]uint64 // where rr begins
	play     []scene             // what establishes a connection of each kind
}

func newArena(t testing.TB) *arena {
	t.Helper()
	d := newDirector(t)
	a := &arena{director: d, slots: map[*service]uint64{}}
	a.tcp = d.serve(t, packet.ProtoTCP, vip, d.server(1), d.oneArmed(2))
	a.udp = d.serve(t, packet.ProtoUDP, dns, d.server(1), d.oneArmed(2))
	for _, s := range []*service{a.tcp, a.udp} {
		a.slots[s] = find[bpf.LbService](t, d.Services, s.id).Slots
		for n := range s.reals {
			f := s.flow(n, 40000+uint16(n))
			a.play = append(a.play, scene{"", f.client.link, first(f.request(syn))}, scene{"", f.server.link, first(f.reply(synAck))},
				scene{"", f.client.link, first(f.request(ack))})
		}
	}
	return a
}

// reset brings the arena into its first state: a connection to each real server, and the next turn is the first one's.
func (a *arena) reset(t testing.TB) {
	t.Helper()
	a.removeAll(t)
	for s, word := range a.slots {
		edit(t, a.Services, s.id, func(v *bpf.LbService) { v.Slots = word })
	}
	for _, s := range a.play {
		a.run(t, a.XlbIngress, s.from, s.frame)
	}
}

// seeds are frames of every kind that the tests know.
func (a *arena) seeds() []scene {
	seeds := append(conversation(a.director), a.play...)
	for name, bent := range bentFrames(a.director) {
		seeds = append(seeds, scene{name, a.clients, bent(vip.Addr())})
	}
	c := a.client(40000)
	for name, layer := range map[string]packet.Layer{"ping": packet.ICMPv4{Type: 8}, "fragment": packet.UDP{DstPort: 53}} {
		ip := packet.IPv4{Src: c.addr.Addr(), Dst: vip.Addr(), MF: name == "fragment"}
		seeds = append(seeds, scene{name, a.clients, packet.Build(packet.Ethernet{Src: c.mac}, ip, layer, packet.Text("12345678"))})
	}
	vlan := packet.Build(packet.Ethernet{Src: c.mac}, packet.VLAN{ID: 1}, packet.IPv4{Src: c.addr.Addr(), Dst: vip.Addr()}, packet.TCP{})
	return append(seeds, scene{"VLAN", a.clients, vlan})
}

// try sends a frame and judges what holds for any.
func (a *arena) try(t testing.TB, from link, in []byte) {
	t.Helper()
	verdict, out := a.run(t, a.XlbIngress, from, in)
	if err := plausible(verdict, in, out); err != nil {
		t.Fatalf("verdict %d: %v\nin:\n%vout:\n%v", verdict, err, packet.Dissect(in), packet.Dissect(out))
	}
}

// plausible says what is wrong with a verdict and a frame, whatever the frame was. All next hops must be resolved.
func plausible(verdict uint32, in, out []byte) error {
	switch verdict {
	case xdpDrop:
		return nil
	case xdpPass:
		if !bytes.Equal(in, out) {
			return errors.New("a frame that passes was changed")
		}
		return nil
	case xdpTx, xdpRedirect:
		return forwardable(in, out)
	}
	return errors.New("no such verdict")
}

// forwardable says what is wrong with a frame that was forwarded.
func forwardable(in, out []byte) error {
	if len(in) != len(out) {
		return fmt.Errorf("it has %d bytes, and had %d", len(out), len(in))
	}
	if packet.Check(in) == nil {
		if err := packet.Check(out); err != nil {
			return fmt.Errorf("a good frame came out bad: %w", err)
		}
	}
	if in[22] <= 1 || out[22] != in[22]-1 {
		return fmt.Errorf("TTL %d was %d", out[22], in[22])
	}
	for i := range in {
		if in[i] != out[i] && !rewritten(in, i) {
			return fmt.Errorf("byte %d is not the director's to change", i)
		}
	}
	return nil
}

// rewritten tells which bytes of a frame NAT may change: MAC addresses, TTL, addresses, ports and checksums.
func rewritten(frame []byte, i int) bool {
	transport := ethernetSize + int(frame[14]&15)*4
	checksum := transport + 16
	if frame[23] == packet.ProtoUDP {
		checksum = transport + 6
	}
	for _, r := range [][2]int{{0, 12}, {22, 23}, {24, 34}, {transport, transport + 4}, {checksum, checksum + 2}} {
		if i >= r[0] && i < r[1] {
			return true
		}
	}
	return false
}

// TestRandomFrames sends frames of all kinds, whole and damaged, valid but for their meaning and not valid at all.
func TestRandomFrames(t *testing.T) {
	t.Parallel()
	const frames = 20_000
	a := newArena(t)
	a.reset(t)
	before := a.total(t)
	random := rand.New(rand.NewPCG(1, 2))
	seeds := a.seeds()
	for range frames {
		s := seeds[random.IntN(len(seeds))]
		frame := s.frame
		switch random.IntN(4) {
		case 0:
			frame = a.invent(random)
		case 1, 2:
			frame = damage(random, frame)
		}
		from := s.from
		if random.IntN(8) == 0 {
			from = []link{a.clients, a.servers}[random.IntN(2)]
		}
		a.try(t, from, frame)
	}
	if got := a.total(t) - before; got != frames {
		t.Errorf("%d reasons counted for %d frames: %v", got, frames, a.counted(t))
	}
	t.Logf("counted %v", a.counted(t))
	a.sameLoads(t, a.connections(t))
}

// total returns how many packets were counted under any reason; one without a proper reason is an error.
func (d *director) total(t testing.TB) uint64 {
	t.Helper()
	sum := uint64(0)
	for name, n := range d.counted(t) {
		if name == "unknown" || name == "internal" {
			t.Errorf("%d packets counted as %s", n, name)
		}
		sum += n
	}
	return sum
}

// invent returns a valid frame between the hosts of the arena.
func (a *arena) invent(random *rand.Rand) []byte {
	addrs := []netip.AddrPort{
		vip, dns, otherVIP, stranger, a.client(40000).addr, a.client(40001).addr, a.server(1).addr, a.oneArmed(2).addr,
	}
	m := message{
		flags: packet.Flags(random.Uint32()), ttl: uint8(random.Uint32()), id: uint16(random.Uint32()),
		data: string(make([]byte, random.IntN(100))), ipOptions: make([]byte, 4*random.IntN(11)),
		tcpOptions: make([]byte, 4*random.IntN(11)), unsummed: random.IntN(2) == 0, pad: 60 * random.IntN(2),
	}
	l := leg{a.client(0).mac, a.clients.mac, addrs[random.IntN(len(addrs))], addrs[random.IntN(len(addrs))]}
	return m.frame([]uint8{packet.ProtoTCP, packet.ProtoUDP}[random.IntN(2)], l, m.ttl)
}

// damage returns the frame with some bits flipped or bytes replaced, most of them in headers, and sometimes cut or lengthened.
func damage(random *rand.Rand, frame []byte) []byte {
	for range random.IntN(4) {
		frame = packet.FlipBit(frame, random.IntN(8*min(len(frame), 60)))
	}
	for range random.IntN(3) {
		frame = packet.Set(frame, random.IntN(min(len(frame), 60)), byte(random.Uint32()))
	}
	switch random.IntN(4) {
	case 0:
		return packet.Truncate(frame, max(ethernetSize, random.IntN(len(frame)+1)))
	case 1:
		return packet.Pad(frame, len(frame)+random.IntN(64))
	}
	return frame
}

// FuzzIngress looks for a frame that brings about what none may. Each meets the arena in its first state.
func FuzzIngress(f *testing.F) {
	const largest = 3000 // more than this the kernel may hand over in pieces
	a := newArena(f)
	for _, s := range a.seeds() {
		f.Add(s.frame, s.from.port == a.servers.port)
	}
	f.Fuzz(func(t *testing.T, frame []byte, fromServers bool) {
		if len(frame) < ethernetSize || len(frame) > largest {
			return
		}
		from := a.clients
		if fromServers {
			from = a.servers
		}
		a.reset(t)
		before := a.total(t)
		a.try(t, from, frame)
		if got := a.total(t) - before; got != 1 {
			t.Errorf("counted under %d reasons", got)
		}
	})
}
