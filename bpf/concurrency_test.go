// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

// TestTwoCPUs lets two CPUs open, use, close and cut the same connections at once. Whatever packets met each other, the counts must be those of
// the table, and all 0 once everything has been removed.
func TestTwoCPUs(t *testing.T) {
	t.Parallel()
	const packets = 150_000
	d := setup{tickShift: frozen, established: 4096, halfOpen: 16384}.director(t)
	h := &hammer{d: d}
	servers := []host{d.server(1), d.server(2), d.server(3)}
	h.aim(d.serve(t, packet.ProtoTCP, vip, servers...), 24)
	h.aim(d.serve(t, packet.ProtoTCP, otherVIP, servers...), 24) // the same tuples of answers: collisions
	h.aim(d.serve(t, packet.ProtoUDP, dns, servers...), 24)
	var work errgroup.Group
	for _, cpu := range cpus(t) {
		work.Go(func() error { return d.ns.Do(func() error { return h.strike(cpu, packets) }) })
	}
	if err := work.Wait(); err != nil {
		t.Fatal(err)
	}

	counts, sum := d.counted(t), uint64(0)
	for _, n := range counts {
		sum += n
	}
	if sum != 2*packets || counts["internal"] != 0 {
		t.Errorf("%d packets, counted %v", 2*packets, counts)
	}
	t.Logf("counted %v", counts)
	d.sameLoads(t, d.connections(t))
	d.removeAll(t)
	d.sameLoads(t, nil)
	if left := len(keys(t, d.Established4)); left != 0 {
		t.Errorf("%d entries cannot be removed", left)
	}
}

// cpus returns two CPUs that this process may use; the same one twice where there is no other.
func cpus(t testing.TB) [2]int {
	t.Helper()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	var out []int
	for cpu := 0; len(out) < 2 && cpu < 1024; cpu++ {
		if set.IsSet(cpu) {
			out = append(out, cpu)
		}
	}
	return [2]int{out[0], out[len(out)-1]}
}

// hammer has the frames and the connections to choose from.
type hammer struct {
	d      *director
	frames []scene
	keys   []bpf.LbConn4Key
}

// aim adds the frames of connections from so many ports to each real server.
func (h *hammer) aim(s *service, ports uint16) {
	requests := []message{syn, syn, ack, ack, request, fin, rst}
	replies := []message{synAck, synAck, answer, fin, rst}
	if s.proto == packet.ProtoUDP {
		requests, replies = []message{{data: "question"}}, []message{{data: "answer"}}
	}
	for port := range ports {
		for n := range s.reals {
			f := s.flow(n, 40000+port)
			for _, m := range requests {
				h.frames = append(h.frames, scene{"", f.client.link, first(f.request(m))})
			}
			for _, m := range replies {
				h.frames = append(h.frames, scene{"", f.server.link, first(f.reply(m))})
			}
			h.keys = append(h.keys, f.requestKey())
		}
	}
}

// strike sends n random frames from one CPU, and cuts a connection now and then. It ties the current thread to the CPU.
func (h *hammer) strike(cpu, n int) error {
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("use CPU %d alone: %w", cpu, err)
	}
	random := rand.New(rand.NewPCG(1, uint64(cpu)))
	for range n {
		s := h.frames[random.IntN(len(h.frames))]
		verdict, out, err := runHere(h.d.XlbIngress, s.from, s.frame)
		if err != nil {
			return err
		}
		if verdict == xdpAborted || len(out) != len(s.frame) {
			return fmt.Errorf("verdict %d, %d bytes of %d, for:\n%v", verdict, len(out), len(s.frame), packet.Dissect(s.frame))
		}
		if random.IntN(32) == 0 {
			args := bpf.LbExpireArgs{Key: h.keys[random.IntN(len(h.keys))], Force: 1, HalfOpen: random.Uint32N(2)}
			if _, err := h.d.XlbExpire.Run(&ebpf.RunOptions{Context: &args}); err != nil {
				return err
			}
		}
	}
	return nil
}

// loads returns what is counted for each real server, where it is not all 0.
func (d *director) loads(t testing.TB) map[uint32]load {
	t.Helper()
	out := map[uint32]load{}
	for id := range d.reals + 1 {
		if l := find[bpf.LbRealLoad](t, d.Loads, id); l.Active != 0 || l.Inactive != 0 || l.HalfOpen != 0 {
			out[id] = load{l.Active, l.Inactive, l.HalfOpen}
		}
	}
	return out
}

// sameLoads compares what is counted for the real servers with what should be. Nothing may have been evicted.
func (d *director) sameLoads(t testing.TB, want map[uint32]load) {
	t.Helper()
	if diff := cmp.Diff(want, d.loads(t), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("connections of real servers (-want +counted):\n%s", diff)
	}
}

// connections counts the tables' request halves as loads should.
func (d *director) connections(t testing.TB) map[uint32]load {
	t.Helper()
	const reply = uint32(bpf.LbConnFlagConnFlagReply)
	out := map[uint32]load{}
	count := func(table *ebpf.Map, add func(l *load, c *bpf.LbConn4)) {
		for _, k := range keys(t, table) {
			if c := find[bpf.LbConn4](t, table, k); c.Status&reply == 0 {
				l := out[c.Real]
				if add(&l, c); l != (load{}) {
					out[c.Real] = l
				}
			}
		}
	}
	count(d.Established4, func(l *load, c *bpf.LbConn4) {
		switch state := bpf.LbConnState(c.Status & 0xff); {
		case state == bpf.LbConnStateConnUdp || int(state) < len(states) && states[state].active:
			l.Active++
		case int(state) < len(states):
			l.Inactive++
		default:
			t.Errorf("a connection of real server %d stays in state %d", c.Real, state)
		}
	})
	count(d.HalfOpen4, func(l *load, c *bpf.LbConn4) {
		if c.Status&0xff != uint32(bpf.LbConnStateConnDead) {
			l.HalfOpen++
		}
	})
	return out
}

// removeAll has xlb_expire remove every connection.
func (d *director) removeAll(t testing.TB) {
	t.Helper()
	for _, k := range keys(t, d.Established4) {
		d.ask(t, bpf.LbExpireArgs{Key: k, Force: 1})
	}
	for _, k := range keys(t, d.HalfOpen4) {
		d.ask(t, bpf.LbExpireArgs{Key: k, Force: 1, HalfOpen: 1})
	}
}

// keys returns all keys of a connection table.
func keys(t testing.TB, table *ebpf.Map) []bpf.LbConn4Key {
	t.Helper()
	var out []bpf.LbConn4Key
	var k bpf.LbConn4Key
	var c bpf.LbConn4
	entries := table.Iterate()
	for entries.Next(&k, &c) {
		out = append(out, k)
	}
	if err := entries.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
