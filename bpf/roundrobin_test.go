// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"sync/atomic"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

// TestRoundRobin: new connections go to the real servers in their order, each as often as it has slots.
func TestRoundRobin(t *testing.T) {
	t.Parallel()
	cases := map[string][]int{
		"one":               {0},
		"two":               {0, 1},
		"five":              {0, 1, 2, 3, 4},
		"one of them twice": {0, 1, 0, 2},
		"backwards":         {4, 3, 2, 1, 0},
	}
	d := newDirector(t)
	s := d.serve(t, packet.ProtoTCP, vip, d.server(1), d.server(2), d.server(3), d.server(4), d.server(5))
	port := uint16(40000)
	for name, order := range cases {
		t.Run(name, func(t *testing.T) {
			s.commit(t, s.pick(order...))
			for i := range 3*len(order) + 1 {
				port++
				f := s.flow(order[i%len(order)], port)
				f.opens(t, syn)
				f.sends(t, syn) // again, which is no turn
			}
		})
	}
}

// pick returns real servers by their places.
func (s *service) pick(order ...int) []real {
	var out []real
	for _, n := range order {
		out = append(out, s.reals[n])
	}
	return out
}

// commit makes a new range of slots count.
func (s *service) commit(t testing.TB, reals []real) {
	t.Helper()
	word := s.slotRange(t, reals...)
	edit(t, s.d.Services, s.id, func(v *bpf.LbService) { v.Slots = word })
}

// TestRoundRobinApart: two virtual servers take turns of their own, TCP and UDP alike.
func TestRoundRobinApart(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	a := d.serve(t, packet.ProtoTCP, vip, d.server(1), d.server(2))
	b := d.serve(t, packet.ProtoUDP, vip, d.server(1), d.server(2), d.server(3))
	for i := range 7 {
		a.flow(i%2, 40000+uint16(i)).opens(t, syn)
		b.flow(i%3, 40000+uint16(i)).opens(t, message{data: "question"})
	}
}

// TestSlotsSwapped: a new range counts from the next connection on, at the place that its word says.
func TestSlotsSwapped(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	s := d.serve(t, packet.ProtoTCP, vip, d.server(1), d.server(2), d.server(3), d.server(4))
	s.commit(t, s.pick(0, 1, 2))
	port := uint16(40000)
	turns := func(order ...int) {
		t.Helper()
		for _, n := range order {
			s.flow(n, port).opens(t, syn)
			port++
		}
	}
	turns(0, 1)
	word := s.slotRange(t, s.pick(0, 1, 2, 3)...) | 2<<44 // one more, and the next one's turn stays its turn
	edit(t, d.Services, s.id, func(v *bpf.LbService) { v.Slots = word })
	turns(2, 3, 0, 1, 2)
	s.commit(t, s.pick(3))
	turns(3, 3)
	word = s.slotRange(t, s.pick(1, 2)...) | 9<<44 // a cursor beyond its range comes back into it
	edit(t, d.Services, s.id, func(v *bpf.LbService) { v.Slots = word })
	in, _ := s.flow(0, port).request(syn)
	d.run(t, d.XlbIngress, d.clients, in)
	port++
	turns(1, 2, 1)
}

// TestSlotsSwappedUnderLoad swaps two ranges of different lengths, by compare-and-swap as user space does, while connections begin. A base of the
// second with a cursor of the first would choose a slot that names nobody.
func TestSlotsSwappedUnderLoad(t *testing.T) {
	t.Parallel()
	const connections = 20_000
	d := newDirector(t)
	s := d.serve(t, packet.ProtoTCP, vip, d.server(1), d.server(2), d.server(3), d.server(4), d.server(5))
	ranges := [2]uint64{s.slotRange(t, s.pick(0, 1, 2, 3)...), s.slotRange(t, s.pick(4)...)}
	word := mapped(t, d, s.id)
	word.Store(ranges[0])

	stop, swaps := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { swaps <- n }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			if old := word.Load(); word.CompareAndSwap(old, ranges[(n+1)%2]) {
				n++
			}
		}
	}()
	d.flood(t, connections)
	close(stop)
	if n := <-swaps; n < 100 {
		t.Errorf("only %d swaps", n)
	}
	if counts := d.counted(t); counts["redirect"] != connections || len(counts) != 1 {
		t.Errorf("counted %v, want %d redirects", counts, connections)
	}
}

// mapped returns the word that says which slots of a virtual server count, as user space sees it: shared with the data path.
func mapped(t testing.TB, d *director, id uint32) *atomic.Uint64 {
	t.Helper()
	const size = int(unsafe.Sizeof(bpf.LbService{}))
	memory, err := unix.Mmap(d.Services.FD(), 0, int(d.Services.MaxEntries())*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatalf("map the services into memory: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(memory); err != nil {
			t.Error(err)
		}
	})
	return (*atomic.Uint64)(unsafe.Pointer(&memory[int(id)*size]))
}
