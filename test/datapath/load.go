// SPDX-License-Identifier: Apache-2.0

// Package datapath loads xlb's BPF programs for a test, with maps of its own
// that nothing pins and that are gone when the test ends.
package datapath

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
	"github.com/xlb-project/xlb/test/netns"
)

// Load loads the data path; entries are the sizes of its maps by name, where
// they are not to be the default ones. It needs root, see [netns.NeedRoot].
func Load(tb netns.TB, entries map[string]uint32) (*ebpf.Collection, maps.Rate) {
	tb.Helper()
	netns.NeedRoot(tb)
	coll, rate, err := load(entries)
	if err != nil {
		tb.Fatalf("loading the data path: %+v", err)
	}
	tb.Cleanup(func() { unload(tb, coll) })
	return coll, rate
}

func load(entries map[string]uint32) (*ebpf.Collection, maps.Rate, error) {
	if err := rlimit.RemoveMemlock(); err != nil {
		return nil, maps.Rate{}, err
	}
	spec, err := bpf.LoadLb()
	if err != nil {
		return nil, maps.Rate{}, err
	}
	for name, n := range entries {
		spec.Maps[name].MaxEntries = n
	}
	rate, err := maps.SystemRate()
	if err != nil {
		return nil, maps.Rate{}, err
	}
	if err := rate.Tune(spec); err != nil {
		return nil, maps.Rate{}, err
	}
	coll, err := ebpf.NewCollection(spec)
	return coll, rate, err
}

// unload closes a collection and waits until its program array has gone: who
// opens that by its id while the kernel empties it makes it stay.
func unload(tb netns.TB, coll *ebpf.Collection) {
	tb.Helper()
	info, err := coll.Maps[bpf.LbMapPrograms].Info()
	if err != nil {
		tb.Errorf("the program array: %v", err)
	}
	coll.Close()
	id, _ := info.ID()
	netns.Eventually(tb, 5*time.Second, func() error {
		if next, err := ebpf.MapGetNextID(id - 1); err == nil && next == id {
			return fmt.Errorf("the program array %d is still there", id)
		}
		return nil
	})
}
