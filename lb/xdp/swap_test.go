// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/slots"
	"github.com/xlb-project/xlb/maps"
	"github.com/xlb-project/xlb/test/packet"
)

// soak is how often a test repeats what it repeats: a tenth of the full count,
// which XLB_SOAK=1 asks for.
func soak(full int) int {
	if os.Getenv("XLB_SOAK") == "1" {
		return full
	}
	return full / 10
}

// Two CPUs, a million changes of two virtual servers' slots, and packets that
// choose from one's all the while: each gets a real server of the set before or
// of the set after its packet, never one of neither (such as one of the other
// virtual server, which takes over the slots that the first one leaves), and
// none gets nothing.
func TestSlotsAreNeverMixed(t *testing.T) {
	size := small()
	size.slots, size.conns = 1<<18, 4096
	p := newPlane(t, size, 1)
	// Of different lengths, so that the place of one is beyond the other's end.
	sets := [2]*lb.Service{p.serving(1, 1, 1), p.serving(0, 0, 0, 1, 1, 1, 1, 1, 1, 1)}
	apply(t, p.Engine, sets[0])
	other := [2]*lb.Service{serving(web), serving(web)}
	for n := 11; n <= 20; n++ {
		other[n%2].Reals = append(other[n%2].Reals, lb.Real{Addr: server(n), Method: lb.NAT, Weight: 1})
	}

	// phase is even while set (phase/2)%2 is all that counts, odd in between.
	var phase atomic.Uint64
	var stop atomic.Bool
	done := make(chan struct{})
	defer func() { stop.Store(true); <-done }()
	swaps := soak(1_000_000) / 2 // of each virtual server
	go func() {
		defer close(done)
		for i := 1; i <= swaps && !stop.Load(); i++ {
			phase.Add(1)
			if err := p.Apply(t.Context(), lb.ServiceChange{Key: p.vip, After: sets[i%2]}); err != nil {
				t.Errorf("swap %d: %v", i, err)
				return
			}
			phase.Add(1)
			if err := p.Apply(t.Context(), lb.ServiceChange{Key: web, After: other[i%2]}); err != nil {
				t.Errorf("swap %d of the other: %v", i, err)
				return
			}
		}
	}()
	var chosen [2]int
	p.with(t, func(client, _ *lane) {
		in := client.syn()
		for n := 0; !closed(done); n++ {
			before := phase.Load()
			real, err := client.choose(in, n)
			after := phase.Load()
			which := setOf(real)
			if err != nil || which < 0 || before == after && before%2 == 0 && which != int(before/2%2) {
				t.Fatalf("SYN %d, phase %d to %d: real server %v, %v; %s", n, before, after, real, err, p.reasons(t))
			}
			chosen[which]++
		}
	})
	t.Logf("%d swaps of each; packets chose %v", swaps, chosen)
	if chosen[0] == 0 || chosen[1] == 0 {
		t.Fatalf("packets saw one set only: %v", chosen)
	}
	wantRound(t, p.set, *sets[swaps%2])
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// setOf is the set that a real server belongs to: 1 to 3 the first, 4 to 10 the
// second; -1: neither.
func setOf(real netip.AddrPort) int {
	for n := 1; n <= 10; n++ {
		if real == server(n) {
			return min((n-1)/3, 1)
		}
	}
	return -1
}

// syn is a template for choose.
func (l *lane) syn() []byte {
	return packet.Build(
		packet.Ethernet{Src: l.src, Dst: l.dst},
		packet.IPv4{Src: l.p.Client.Addr, Dst: l.p.vip.Addr.Addr()},
		packet.TCP{SrcPort: 1, DstPort: l.p.vip.Addr.Port(), Flags: packet.SYN},
	)
}

// Offsets of a frame of Ethernet, IPv4 without options, TCP.
const (
	offsetSource      = 14 + 12
	offsetDestination = 14 + 16
	offsetSourcePort  = 14 + 20
	offsetTargetPort  = 14 + 22
)

// choose sends the n-th SYN, from an address and port of its own, and returns
// the real server that it went to. Checksums are nobody's concern here.
func (l *lane) choose(syn []byte, n int) (netip.AddrPort, error) {
	copy(syn[offsetSource:], []byte{10, byte(1 + n>>30), byte(n >> 22), byte(n >> 14)})
	syn[offsetSourcePort], syn[offsetSourcePort+1] = byte(0x40|n>>8&0x3f), byte(n)
	verdict, out := l.run(syn)
	if verdict != xdpRedirect && verdict != xdpPass { // passed: rewritten, for the stack to resolve
		return netip.AddrPort{}, fmt.Errorf("verdict %d", verdict)
	}
	addr := netip.AddrFrom4([4]byte(out[offsetDestination : offsetDestination+4]))
	port := uint16(out[offsetTargetPort])<<8 | uint16(out[offsetTargetPort+1])
	return netip.AddrPortFrom(addr, port), nil
}

const xdpPass = 2 // enum xdp_action

// Whoever is next stays next, wherever the cursor stands when the word is
// swapped; and a change while packets move the cursor is not held up by them.
func TestSwapKeepsTheTurn(t *testing.T) {
	set := newSet(t, small())
	e := newEngine(t, set)
	for cursor := range uint32(3) {
		a := serving(web, 1, 1, 1)
		apply(t, e, a)
		id, err := set.Services4.Lookup(mapsKey(web))
		if err != nil {
			t.Fatal(err)
		}
		was, _ := set.Services.Get(id)
		named, _ := set.Slots.Read(was.Slots)
		turned := was.Slots
		turned.Cursor = cursor
		if ok, err := set.Services.SwapSlots(id, was.Slots, turned); !ok || err != nil {
			t.Fatal(ok, err)
		}
		next := named[cursor]
		a.Reals = append(a.Reals, lb.Real{Addr: server(4), Method: lb.NAT, Weight: 1})
		apply(t, e, a)
		got, _ := set.Services.Get(id)
		is, _ := set.Slots.Read(got.Slots)
		// The new one is at the head: after a whole round it is its turn.
		if want := slices.Index(is, next); got.Slots.Cursor != uint32(want) && (cursor != 0 || got.Slots.Cursor != 0) {
			t.Errorf("cursor %d: goes on at %d of %v, want %d", cursor, got.Slots.Cursor, is, want)
		}
	}
}

// A broken word has no turns to keep, and does no harm.
func TestTurnsOfABrokenWord(t *testing.T) {
	e := newEngine(t, newSet(t, small()))
	turns := e.newTurns(slots.RoundRobin{}, maps.SlotRange{Base: 500, Length: 100}, []uint32{1, 2, 3})
	for _, cursor := range []uint32{0, 5, 1 << 19} {
		if got := turns.next(cursor); got > 2 {
			t.Errorf("cursor %d: goes on at %d of 3", cursor, got)
		}
	}
}
