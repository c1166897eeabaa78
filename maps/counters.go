// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
)

// Counters counts traffic since the record was zeroed.
type Counters struct {
	Connections          uint64
	InPackets, InBytes   uint64 // from clients; IP packet lengths
	OutPackets, OutBytes uint64 // from servers; NAT only
}

// Plus adds field by field.
func (c Counters) Plus(d Counters) Counters {
	return Counters{
		c.Connections + d.Connections,
		c.InPackets + d.InPackets, c.InBytes + d.InBytes,
		c.OutPackets + d.OutPackets, c.OutBytes + d.OutBytes,
	}
}

// CounterTable counts by virtual server or by real server, by its id. The
// kernel has one record for each CPU; a reading is their sum.
type CounterTable struct {
	name string
	m    *ebpf.Map
}

// Len is one more than the largest id.
func (t *CounterTable) Len() uint32 { return t.m.MaxEntries() }

// Get sums a record over the CPUs.
func (t *CounterTable) Get(id uint32) (Counters, error) {
	var cpus []bpf.LbCounters
	if err := t.m.Lookup(id, &cpus); err != nil {
		return Counters{}, mapError(t.name, err)
	}
	var sum Counters
	for _, c := range cpus {
		sum = sum.Plus(Counters{c.Connections, c.InPackets, c.InBytes, c.OutPackets, c.OutBytes})
	}
	return sum, nil
}

// Zero sets a record to zero on every CPU. The data path adds to its own CPU's
// record without a lock, so a packet that is counted in the same instant may
// put its old sum back in one field: zeroing is for the operator's eyes. Who
// needs differences keeps a reading and subtracts.
func (t *CounterTable) Zero(id uint32) error {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return mapError(t.name, err)
	}
	return mapError(t.name, t.m.Put(id, make([]bpf.LbCounters, cpus)))
}
