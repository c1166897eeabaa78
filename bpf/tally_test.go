// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"testing"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
)

// meaning is what types.h says of a reason.
type meaning struct {
	name    string
	verdict uint32
}

var reasons = map[bpf.LbReason]meaning{
	bpf.LbReasonReasonNotOurs:      {"not_ours", xdpPass},
	bpf.LbReasonReasonNoService:    {"no_service", xdpPass},
	bpf.LbReasonReasonNotIp:        {"not_ip", xdpPass},
	bpf.LbReasonReasonNotTransport: {"not_transport", xdpPass},
	bpf.LbReasonReasonGateClosed:   {"gate_closed", xdpPass},
	bpf.LbReasonReasonPassResolve:  {"pass_resolve", xdpPass},
	bpf.LbReasonReasonTx:           {"tx", xdpTx},
	bpf.LbReasonReasonRedirect:     {"redirect", xdpRedirect},
	bpf.LbReasonReasonMalformed:    {"malformed", xdpDrop},
	bpf.LbReasonReasonFragment:     {"fragment", xdpDrop},
	bpf.LbReasonReasonTtlExceeded:  {"ttl_exceeded", xdpDrop},
	bpf.LbReasonReasonTooBig:       {"too_big", xdpDrop},
	bpf.LbReasonReasonNoServer:     {"no_server", xdpDrop},
	bpf.LbReasonReasonNoConnection: {"no_connection", xdpDrop},
	bpf.LbReasonReasonNoNeighbour:  {"no_neighbour", xdpDrop},
	bpf.LbReasonReasonNoDevice:     {"no_device", xdpDrop},
	bpf.LbReasonReasonTableFull:    {"table_full", xdpDrop},
	bpf.LbReasonReasonCollision:    {"collision", xdpDrop},
	bpf.LbReasonReasonRace:         {"race", xdpDrop},
	bpf.LbReasonReasonMigrating:    {"migrating", xdpDrop},
	bpf.LbReasonReasonInternal:     {"internal", xdpDrop},
}

// counters is bpf.LbCounters, to add to.
type counters struct{ Connections, InPackets, InBytes, OutPackets, OutBytes uint64 }

func (c counters) plus(o counters) counters {
	return counters{
		c.Connections + o.Connections, c.InPackets + o.InPackets, c.InBytes + o.InBytes,
		c.OutPackets + o.OutPackets, c.OutBytes + o.OutBytes,
	}
}

// tally is every counter of the data path that is not zero.
type tally struct {
	Reasons         map[string]uint64
	Services, Reals map[uint32]counters
}

// tally reads the counters of all CPUs.
func (d *director) tally(t testing.TB) tally {
	t.Helper()
	return tally{
		Reasons:  d.counted(t),
		Services: readCounters(t, d.ServiceCounters, d.services),
		Reals:    readCounters(t, d.RealCounters, d.reals),
	}
}

// counted returns how many packets each reason had. A reason that types.h does not know is called "unknown".
func (d *director) counted(t testing.TB) map[string]uint64 {
	t.Helper()
	var cpus []bpf.LbReasons
	if err := d.ReasonCounters.Lookup(uint32(0), &cpus); err != nil {
		t.Fatal(err)
	}
	out := map[string]uint64{}
	for _, cpu := range cpus {
		for i, n := range cpu.Packets {
			if n > 0 {
				out[or(reasons[bpf.LbReason(i)].name, "unknown")] += n
			}
		}
	}
	return out
}

// readCounters sums up the counters of ids 0 to last.
func readCounters(t testing.TB, m *ebpf.Map, last uint32) map[uint32]counters {
	t.Helper()
	out := map[uint32]counters{}
	for id := range last + 1 {
		var cpus []bpf.LbCounters
		if err := m.Lookup(id, &cpus); err != nil {
			t.Fatal(err)
		}
		var sum counters
		for _, c := range cpus {
			sum = sum.plus(counters{c.Connections, c.InPackets, c.InBytes, c.OutPackets, c.OutBytes})
		}
		if sum != (counters{}) {
			out[id] = sum
		}
	}
	return out
}
