// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"fmt"
	"time"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
)

// OpenSet opens the maps pinned below pinDir (empty: [DefaultPinDir]) and the
// clock, after making sure that they are what this program thinks they are:
// of this network namespace ([ErrNetns]) and of this layout. It needs no lock;
// maps that a migration replaces later must be opened again.
func OpenSet(pinDir string) (*maps.Set, error) {
	p := &plane{pins: pins{Dirs{Pin: pinDir}.withDefaults().Pin}, source: bpf.LoadLb}
	var err error
	if p.netns, err = netnsID(); err != nil {
		return nil, err
	}
	found, err := p.open()
	defer p.close()
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("pin directory %s: %w: run \"xlbctl attach INTERFACE\"", p.pins.root, maps.ErrNotPinned)
	}
	if err := p.checkLayout(); err != nil {
		return nil, err
	}
	return maps.FromCollection(&ebpf.Collection{Maps: p.maps, Programs: p.progs})
}

// checkLayout refuses maps that another version made.
func (p *plane) checkLayout() error {
	spec, err := buildSpec(p.source, Sizes{}, p.maps, p.id.Rate)
	if err != nil {
		return err
	}
	layout, err := layoutOf(spec)
	if err != nil || layout == p.id.Layout {
		return err
	}
	return fmt.Errorf("pin directory %s: the maps were made by xlb %q and have another layout: run \"xlbctl attach\" or start xlbd of this version to migrate them", p.pins.root, p.id.Version)
}

// heartbeatAge is how long ago the daemon gave a sign of life; false if it
// never did.
func heartbeatAge(set *maps.Set) (time.Duration, bool, error) {
	last, err := set.Settings.Heartbeat()
	if err != nil || last == 0 {
		return 0, false, err
	}
	now, err := set.Clock.Now()
	if err != nil {
		return 0, false, fmt.Errorf("asking the time: %w", err)
	}
	return set.Clock.Duration(now.Since(last)), true, nil
}
