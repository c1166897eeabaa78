// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"errors"
	"math"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/xlb-project/xlb/bpf"
)

func TestCountersSumOverCPUs(t *testing.T) {
	set, coll := newSet(t)
	cpus, err := ebpf.PossibleCPU()
	check(t, err)
	var want Counters
	values := make([]bpf.LbCounters, cpus)
	for i := range values {
		n := uint64(i + 1)
		values[i] = bpf.LbCounters{Connections: n, InPackets: 10 * n, InBytes: 100 * n, OutPackets: 1000 * n, OutBytes: 10000 * n}
		want = want.Plus(Counters{n, 10 * n, 100 * n, 1000 * n, 10000 * n})
	}
	for name, table := range map[string]*CounterTable{
		bpf.LbMapServiceCounters: set.ServiceCounters,
		bpf.LbMapRealCounters:    set.RealCounters,
	} {
		check(t, coll.Maps[name].Put(uint32(7), values))
		if got, err := table.Get(7); err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, want)
		}
		check(t, table.Zero(7))
		if got, err := table.Get(7); err != nil || got != (Counters{}) {
			t.Errorf("%s: after zero: %+v, %v", name, got, err)
		}
		if _, err := table.Get(table.Len()); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: beyond the end: %v", name, err)
		}
		if err := table.Zero(math.MaxUint32); err == nil {
			t.Errorf("%s: zeroing beyond the end passed", name)
		}
	}
}

func TestReasonCounters(t *testing.T) {
	set, coll := newSet(t)
	cpus, err := ebpf.PossibleCPU()
	check(t, err)
	values := make([]bpf.LbReasons, cpus)
	values[0].Packets[ReasonTX] = 5
	values[cpus-1].Packets[ReasonNoServer] += 7
	check(t, coll.Maps[bpf.LbMapReasonCounters].Put(uint32(0), values))
	got, err := set.Reasons.Get()
	check(t, err)
	names := got.ByName()
	if got[ReasonTX] != 5 || names["tx"] != 5 || names["no_server"] != 7 {
		t.Errorf("counts %v", got)
	}
	if _, ok := names["none"]; ok || len(names) != int(ReasonMax)-1 {
		t.Errorf("names %v", names)
	}
	check(t, set.Reasons.Zero())
	if got, err := set.Reasons.Get(); err != nil || got != (ReasonCounts{}) {
		t.Errorf("after zero: %v, %v", got, err)
	}
}

// enumerators reads an enum of the object's BTF, without its prefix.
func enumerators(t *testing.T, name, prefix string) map[uint64]string {
	t.Helper()
	spec, err := bpf.LoadLb()
	check(t, err)
	var enum *btf.Enum
	check(t, spec.Types.TypeByName(name, &enum))
	all := make(map[uint64]string, len(enum.Values))
	for _, v := range enum.Values {
		all[v.Value] = v.Name[len(prefix):]
	}
	return all
}

func TestReasonNamesAreTheEnumerators(t *testing.T) {
	want := enumerators(t, "reason", "reason_")
	if len(want) != int(ReasonMax)+1 {
		t.Errorf("the enum has %d values, the package %d", len(want), ReasonMax+1)
	}
	for r := range ReasonMax {
		if got := r.String(); got != want[uint64(r)] {
			t.Errorf("reason %d is %q, the enumerator %q", r, got, want[uint64(r)])
		}
	}
	if got := Reason(99).String(); got != "reason_99" {
		t.Errorf("a reason that is not there is %q", got)
	}
}

func TestConnStatesAreTheEnumerators(t *testing.T) {
	want := enumerators(t, "conn_state", "conn_")
	for s := range StateMax {
		if _, ok := want[uint64(s)]; !ok {
			t.Errorf("state %v has no enumerator", s)
		}
	}
	if want[uint64(StateMax)] != "state_max" || want[uint64(StateDead)] != "dead" || len(want) != int(StateMax)+2 {
		t.Errorf("enumerators %v", want)
	}
}
