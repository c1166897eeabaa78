// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
)

// ReasonCounts is packets by [Reason].
type ReasonCounts [ReasonMax]uint64

// ByName gives the counts under the reasons' names, zeros included.
func (c ReasonCounts) ByName() map[string]uint64 {
	m := make(map[string]uint64, len(c))
	for r, n := range c {
		if Reason(r) != ReasonNone {
			m[Reason(r).String()] = n
		}
	}
	return m
}

// ReasonCounters counts packets by why they got their verdict; every packet is
// under exactly one reason. The kernel has a record for each CPU.
type ReasonCounters struct {
	name string
	m    *ebpf.Map
}

// Get sums over the CPUs.
func (t *ReasonCounters) Get() (ReasonCounts, error) {
	var (
		cpus []bpf.LbReasons
		sum  ReasonCounts
	)
	if err := t.m.Lookup(uint32(0), &cpus); err != nil {
		return sum, mapError(t.name, err)
	}
	for _, cpu := range cpus {
		for r := range sum {
			sum[r] += cpu.Packets[r]
		}
	}
	return sum, nil
}

// Zero sets all counts to zero, with the reservation of [CounterTable.Zero].
func (t *ReasonCounters) Zero() error {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return mapError(t.name, err)
	}
	return mapError(t.name, t.m.Put(uint32(0), make([]bpf.LbReasons, cpus)))
}
