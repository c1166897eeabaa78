// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
)

func TestDefaultSizes(t *testing.T) {
	const mib = 1 << 20
	for memory, want := range map[uint64]int{
		64 << 30:   1 << 20,
		4 << 30:    1 << 20,
		1024 * mib: 466033,
		256 * mib:  116508,
		1 * mib:    4096,
	} {
		if got := defaultSizes(memory); got != (Sizes{Connections: want}) {
			t.Errorf("%d MiB: %+v, want %d connections", memory/mib, got, want)
		}
	}
}

func TestEntries(t *testing.T) {
	for _, tt := range []struct {
		name string
		s    Sizes
		want map[string]uint32
	}{
		{"nothing", Sizes{}, map[string]uint32{}},
		{"default", Sizes{Connections: 1 << 20}, map[string]uint32{"established4": 1 << 21, "half_open4": 1 << 18}},
		{"few connections", Sizes{Connections: 5000}, map[string]uint32{"established4": 10000, "half_open4": 1 << 16}},
		{"half-open alone", Sizes{HalfOpen: 500}, map[string]uint32{"half_open4": 1000}},
		{"both", Sizes{Connections: 1000, HalfOpen: 10}, map[string]uint32{"established4": 2000, "half_open4": 20}},
		{"services", Sizes{Services: 10}, map[string]uint32{"services4": 10, "services": 11, "service_counters": 11}},
		{"reals", Sizes{Reals: 10}, map[string]uint32{"reals": 11, "loads": 11, "real_counters": 11}},
		{"others", Sizes{Slots: 7, NextHops: 8}, map[string]uint32{"slots": 7, "next_hops": 9}},
	} {
		if diff := cmp.Diff(tt.want, tt.s.entries()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if got := len(settable()); got != 10 {
		t.Errorf("%d maps can be sized: %v", got, settable())
	}
}

func TestSizesCheck(t *testing.T) {
	for _, tt := range []struct {
		name string
		s    Sizes
		ok   bool
	}{
		{"OK default", Sizes{}, true},
		{"OK large", Sizes{1 << 24, 1 << 20, 1 << 16, 1 << 20, 1 << 24, 1 << 20}, true},
		{"bad: negative", Sizes{Connections: -1}, false},
		{"bad: half-open", Sizes{HalfOpen: 1<<30 + 1}, false},
		{"bad: virtual servers", Sizes{Services: 1<<16 + 1}, false},
		{"bad: real servers", Sizes{Reals: 1<<20 + 1}, false},
		{"bad: slots", Sizes{Slots: 1<<24 + 1}, false},
		{"bad: next hops", Sizes{NextHops: 1<<20 + 1}, false},
	} {
		if err := tt.s.check(); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestBuildSpec(t *testing.T) {
	spec, err := buildSpec(bpf.LoadLb, Sizes{Reals: 99}, nil, maps.Rate{HZ: 250, Shift: 5})
	check(t, err)
	if n := spec.Maps[bpf.LbMapReals].MaxEntries; n != 100 {
		t.Errorf("%d real servers", n)
	}
	if n := spec.Maps[bpf.LbMapEstablished4].MaxEntries; n < 2*minConnections || n > 2*defaultConnections {
		t.Errorf("%d entries for connections", n)
	}
	if n := spec.Maps[bpf.LbMapServices].MaxEntries; n != 4096 {
		t.Errorf("%d virtual servers", n)
	}
	// The constants are in their section, with the values of this rate.
	original, err := bpf.LoadLb()
	check(t, err)
	shift := original.Variables[bpf.LbVarTickShift]
	data := spec.Maps[shift.SectionName].Contents[0].Value.([]byte)
	if got := getUint(data[shift.Offset : shift.Offset+4]); got != 5 || len(spec.Variables) != 0 {
		t.Errorf("tick_shift is %d, %d variables are left", got, len(spec.Variables))
	}
}
