// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/xlb-project/xlb/maps"
)

// result is a subject with its figures, in nanoseconds per packet.
type result struct {
	subject
	rounds []float64 // net of the driver
	floors []float64 // the driver in front of "return XDP_TX"
}

func (r result) median() float64 { return median(r.rounds) }

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

// measure lets all subjects take turns, on one CPU.
func (l *lab) measure(subjects []subject, opts options) ([]result, error) {
	unpin, err := pin()
	if err != nil {
		return nil, err
	}
	defer unpin()
	results := make([]result, len(subjects))
	for i, s := range subjects {
		results[i].subject = s
	}
	for round := range opts.rounds {
		for i := range results {
			gross, floor, err := l.turn(&results[i].subject, round, opts.packets)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", results[i].name, err)
			}
			results[i].rounds = append(results[i].rounds, gross-floor)
			results[i].floors = append(results[i].floors, floor)
		}
	}
	return results, nil
}

// turn is one subject's run in one round: the driver alone, then the subject.
func (l *lab) turn(s *subject, round, packets int) (gross, floor float64, err error) {
	if err := l.alive(); err != nil {
		return 0, 0, err
	}
	if s.prepare != nil {
		if err := s.prepare(round); err != nil {
			return 0, 0, err
		}
	}
	t := s.traffic
	if t.packets == 0 {
		t.packets = packets
	}
	if s.shift != nil {
		t.first = s.shift(round)
	}
	if floor, err = l.time(l.driver.BenchTx, t, xdpTX); err != nil {
		return 0, 0, err
	}
	gross, err = l.time(s.program, t, s.verdict)
	return gross, floor, err
}

// time runs one program behind the driver: nanoseconds per packet by the kernel's own clock.
func (l *lab) time(p *ebpf.Program, t traffic, verdict uint32) (float64, error) {
	if err := l.driver.UnderTest.Put(uint32(0), p); err != nil {
		return 0, err
	}
	if err := l.configureDriver(t); err != nil {
		return 0, err
	}
	got, elapsed, err := l.driver.BenchDriver.Benchmark(t.frame, t.packets, nil)
	if err != nil {
		return 0, err
	}
	if got != verdict {
		return 0, fmt.Errorf("verdict %d, want %d: what was measured is not what was meant", got, verdict)
	}
	return float64(elapsed.Nanoseconds()), nil
}

// drive sends traffic through the data path and expects it to be forwarded.
func (l *lab) drive(t traffic) error {
	if err := l.driver.UnderTest.Put(uint32(0), l.ingress()); err != nil {
		return err
	}
	before, err := l.set.Reasons.Get()
	if err != nil {
		return err
	}
	if err := l.send(t); err != nil {
		return err
	}
	after, err := l.set.Reasons.Get()
	if err != nil {
		return err
	}
	if n := after[maps.ReasonTX] - before[maps.ReasonTX]; n != uint64(t.packets) {
		return fmt.Errorf("%d of %d packets were forwarded; in all: %v", n, t.packets, after.ByName())
	}
	return nil
}

// send runs whatever is under test.
func (l *lab) send(t traffic) error {
	if err := l.configureDriver(t); err != nil {
		return err
	}
	_, _, err := l.driver.BenchDriver.Benchmark(t.frame, t.packets, nil)
	return err
}

func (l *lab) configureDriver(t traffic) error {
	c := DriverScenario{Pick: t.pick, Flows: uint32(t.flows), First: uint32(t.first)}
	copy(c.Headers[:], t.frame)
	if t.toClient {
		c.ClientIsDestination = 1
	}
	if t.fixed {
		c.Fixed = 1
	}
	return l.driver.BenchConfig.Put(uint32(0), c)
}

// forget removes established connections of a range of flows.
func (l *lab) forget(first, n int) error {
	for i := first; i < first+n; i++ {
		_, err := l.set.Expirer.Remove(maps.Request{Key: maps.Tuple{Src: client(i), Dst: vip, Proto: 6}, Force: true})
		if err != nil {
			return err
		}
	}
	return nil
}

// client is the address of flow n, as driver.c has it.
func client(n int) netip.AddrPort {
	a := 0x0a800000 + uint32(n>>15)
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)}), uint16(1024+n&0x7fff))
}

// pin keeps the goroutine on one CPU: migration costs more than what is measured.
func pin() (func(), error) {
	runtime.LockOSThread()
	var old, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		return nil, err
	}
	for cpu := range 1024 {
		if old.IsSet(cpu) {
			one.Set(cpu)
		}
		if one.Count() == 1 {
			break
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return nil, err
	}
	return func() {
		_ = unix.SchedSetaffinity(0, &old)
		runtime.UnlockOSThread()
	}, nil
}
