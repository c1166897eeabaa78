// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/maps"
)

// The one virtual server, its real server and their way.
var (
	vip    = netip.MustParseAddrPort("192.0.2.100:80")
	server = netip.MustParseAddrPort("198.51.100.11:80")

	directorMAC = maps.MAC{2, 0, 0, 0, 0, 1}
	clientMAC   = maps.MAC{2, 0, 0, 0, 0, 2}
	serverMAC   = maps.MAC{2, 0, 0, 0, 0, 3}
)

// loopback is what a test run says that packets came in by.
const loopback = 1

// lab is the data path and the driver, loaded and configured, without an
// interface and without pins.
type lab struct {
	xlb    *ebpf.Collection
	set    *maps.Set
	driver DriverObjects
}

func newLab(flows int) (*lab, error) {
	l := &lab{}
	if err := l.load(flows); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *lab) load(flows int) error {
	spec, err := bpf.LoadLb()
	if err != nil {
		return err
	}
	spec.Maps["established4"].MaxEntries = uint32(2*flows + 2*newFlows)
	spec.Maps["half_open4"].MaxEntries = 1 << 18
	rate, err := maps.SystemRate()
	if err != nil {
		return err
	}
	if err := rate.Tune(spec); err != nil {
		return err
	}
	if l.xlb, err = ebpf.NewCollection(spec); err != nil {
		return fmt.Errorf("load the data path (needs root): %w", err)
	}
	if l.set, err = maps.FromCollection(l.xlb); err != nil {
		return err
	}
	if err := LoadDriverObjects(&l.driver, nil); err != nil {
		return fmt.Errorf("load the driver: %w", err)
	}
	return errors.Join(l.set.Init(maps.Identity{Rate: rate, Version: "bench"}), l.configure())
}

// configure makes one virtual server with one real server, everything on one arm.
func (l *lab) configure() error {
	now, err := l.set.Clock.Now()
	if err != nil {
		return err
	}
	key := maps.ServiceKey{Addr: vip, Proto: 6}
	return errors.Join(
		l.set.Settings.SetHeartbeat(now),
		l.set.Ports.Set(1, maps.Port{MAC: directorMAC, MTU: 1500, Ifindex: loopback}),
		l.set.NextHops.Create(1, server.Addr()),
		l.set.NextHops.Set(1, maps.Hop{DstMAC: serverMAC, SrcMAC: directorMAC, Port: 1, Ifindex: loopback, MTU: 1500}),
		l.set.Reals.Set(1, maps.Real{Addr: server, Service: 1, NextHop: 1, Weight: 1}),
		l.set.Slots.Write(0, []uint32{1}),
		l.set.Services.Set(1, maps.Service{Slots: maps.SlotRange{Length: 1}}),
		l.set.Services4.Set(key, 1),
		l.set.Ours.Add(maps.OursVirtual, vip.Addr()),
		l.set.Ours.Add(maps.OursReal, server.Addr()),
	)
}

// alive stores a fresh heartbeat, as the daemon does every second.
func (l *lab) alive() error {
	now, err := l.set.Clock.Now()
	if err != nil {
		return err
	}
	return l.set.Settings.SetHeartbeat(now)
}

func (l *lab) close() {
	if l.set != nil {
		_ = l.set.Close() // the process ends
	}
	if l.xlb != nil {
		l.xlb.Close()
	}
	_ = l.driver.Close()
}
