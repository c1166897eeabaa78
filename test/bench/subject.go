// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/xlb-project/xlb/maps"
	"github.com/xlb-project/xlb/test/packet"
)

// newFlows is how many connections a round opens: few enough for the half-open
// table to hold both halves of each.
const newFlows = 100_000

// XDP verdicts (enum xdp_action in linux/bpf.h).
const (
	xdpPass = 2
	xdpTX   = 3
)

// How the driver chooses a flow (enum pick in driver.c).
const (
	sequence = 0
	random   = 1
)

// traffic is what the driver sends.
type traffic struct {
	frame        []byte
	pick         uint32
	first, flows int
	toClient     bool // the flow changes the destination
	fixed        bool // the frame as it is
	packets      int  // 0: as many as the flags say
}

// subject is one line of the report.
type subject struct {
	name    string
	program *ebpf.Program
	traffic traffic
	verdict uint32
	budget  float64               // in multiples of the yardstick with as many flows; 0: none
	yard    string                // name of the yardstick's subject
	prepare func(round int) error // before each round, not measured
	shift   func(round int) int   // first flow of a round, where rounds must not repeat
}

// subjects are all that is measured, yardsticks first.
func (l *lab) subjects(largest int) ([]subject, error) {
	if err := l.establish(0, largest); err != nil {
		return nil, fmt.Errorf("open %d connections: %w", largest, err)
	}
	stranger := segment(clientMAC, firstClient, server, packet.ACK)
	ack := request(packet.ACK)
	subjects := []subject{
		{name: "return XDP_PASS", program: l.driver.BenchPass, traffic: traffic{frame: stranger, fixed: true}, verdict: xdpPass},
		{name: "not ours", program: l.ingress(), traffic: traffic{frame: stranger, fixed: true}, verdict: xdpPass},
	}
	for _, n := range []int{1, 100_000, largest} {
		yard := fmt.Sprintf("minimal NAT, LRU, %s", count(n))
		hits := traffic{frame: ack, pick: random, flows: n}
		answers := traffic{frame: reply(packet.ACK), pick: random, flows: n, toClient: true}
		subjects = append(subjects,
			subject{name: yard, program: l.driver.BenchMinimalNat, traffic: hits, verdict: xdpTX, prepare: l.warmMinimal(n)},
			subject{name: "NAT request, " + count(n), program: l.ingress(), traffic: hits, verdict: xdpTX, yard: yard, budget: hitBudget(n)},
			subject{name: "NAT reply, " + count(n), program: l.ingress(), traffic: answers, verdict: xdpTX, yard: yard, budget: hitBudget(n)},
		)
	}
	return append(subjects, l.openings()...), nil
}

// hitBudget is the budget for an established connection: 1.6 times the
// yardstick with one flow, 1.15 times with a million.
func hitBudget(flows int) float64 {
	if flows == 1 {
		return 1.6
	}
	return 1.15
}

// openings are new connections: the SYN, with room and evicting, and the ACK that promotes.
func (l *lab) openings() []subject {
	syn := traffic{frame: request(packet.SYN), pick: sequence, flows: newFlows, packets: newFlows}
	ack := traffic{frame: request(packet.ACK), pick: sequence, flows: newFlows, packets: newFlows}
	flood := traffic{frame: request(packet.SYN), pick: sequence, flows: 1_000_000, packets: 1_000_000}
	return []subject{
		{name: "SYN into half-open", program: l.ingress(), traffic: syn, verdict: xdpTX, prepare: func(int) error { return l.clear(l.set.HalfOpen) }, shift: fresh(1)},
		{name: "promotion to established", program: l.ingress(), traffic: ack, verdict: xdpTX, prepare: l.halfOpen, shift: fresh(2)},
		{name: "SYN, table evicting", program: l.ingress(), traffic: flood, verdict: xdpTX, shift: fresh(100)},
	}
}

// fresh gives each round flows that no other round or subject has.
func fresh(region int) func(int) int {
	return func(round int) int { return (region*16 + round) << 20 }
}

func (l *lab) ingress() *ebpf.Program { return l.xlb.Programs["xlb_ingress"] }

// establish opens connections through the data path itself: SYN, SYN/ACK, ACK.
func (l *lab) establish(first, flows int) error {
	const chunk = 20_000
	for at := 0; at < flows; at += chunk {
		n := min(chunk, flows-at)
		if err := l.handshake(first+at, n, packet.SYN|packet.ACK); err != nil {
			return err
		}
		if err := l.drive(traffic{frame: request(packet.ACK), first: first + at, flows: n, packets: n}); err != nil {
			return err
		}
	}
	return nil
}

// handshake sends SYNs and the server's answers.
func (l *lab) handshake(first, n int, answer packet.Flags) error {
	if err := l.drive(traffic{frame: request(packet.SYN), first: first, flows: n, packets: n}); err != nil {
		return err
	}
	return l.drive(traffic{frame: reply(answer), first: first, flows: n, packets: n, toClient: true})
}

// halfOpen prepares a round of promotions.
func (l *lab) halfOpen(round int) error {
	if err := l.clear(l.set.HalfOpen); err != nil {
		return err
	}
	if round > 0 {
		if err := l.forget(fresh(2)(round-1), newFlows); err != nil {
			return err
		}
	}
	return l.handshake(fresh(2)(round), newFlows, packet.SYN|packet.ACK)
}

// clear empties a table.
func (l *lab) clear(table *maps.ConnTable) error {
	var keys []maps.Tuple
	for e, err := range table.All() {
		if err != nil {
			return err
		}
		keys = append(keys, e.Key)
	}
	for _, k := range keys {
		_ = table.Delete(k) // an LRU may have been faster
	}
	return nil
}

// warmMinimal fills the yardstick's table.
func (l *lab) warmMinimal(flows int) func(int) error {
	return func(round int) error {
		if round > 0 {
			return nil
		}
		if err := l.driver.UnderTest.Put(uint32(0), l.driver.BenchMinimalNat); err != nil {
			return err
		}
		return l.send(traffic{frame: request(packet.ACK), flows: flows, packets: flows})
	}
}
