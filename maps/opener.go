// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"errors"

	"github.com/cilium/ebpf"

	"github.com/xlb-project/xlb/bpf"
)

// opener fills a set, and collects what goes wrong.
type opener struct {
	set  *Set
	find func(name string) (*ebpf.Map, error)
	errs []error
}

func (o *opener) openAll() {
	s := o.set
	s.Established = &ConnTable{open[bpf.LbConn4Key, bpf.LbConn4](o, bpf.LbMapEstablished4)}
	s.HalfOpen = &ConnTable{open[bpf.LbConn4Key, bpf.LbConn4](o, bpf.LbMapHalfOpen4)}
	s.Services4 = &Services4{open[bpf.LbService4Key, uint32](o, bpf.LbMapServices4)}
	s.Gateways4 = &Gateways4{open[bpf.LbGateway4Key, uint32](o, bpf.LbMapGateways4)}
	s.Services = &Services{mapIn[bpf.LbService](o, bpf.LbMapServices)}
	s.Slots = &Slots{mapIn[bpf.LbSlot](o, bpf.LbMapSlots)}
	s.Reals = &Reals{mapIn[bpf.LbReal](o, bpf.LbMapReals)}
	s.Loads = &Loads{mapIn[bpf.LbRealLoad](o, bpf.LbMapLoads)}
	s.NextHops = &NextHops{mapped: mapIn[bpf.LbNextHop](o, bpf.LbMapNextHops)}
	s.Ports = &Ports{
		mapped:  mapIn[bpf.LbPort](o, bpf.LbMapPorts),
		ids:     open[uint32, uint32](o, bpf.LbMapPortIds),
		devices: o.open(bpf.LbMapDevices),
	}
	s.Gates = &Gates{mapIn[bpf.LbGate](o, bpf.LbMapGates)}
	s.Settings = &Settings{mapped: mapIn[bpf.LbTunables](o, bpf.LbMapSettings)}
	s.Ours = &Ours{mapIn[bpf.LbBitmap](o, bpf.LbMapOurs)}
	s.ServiceCounters = &CounterTable{bpf.LbMapServiceCounters, o.open(bpf.LbMapServiceCounters)}
	s.RealCounters = &CounterTable{bpf.LbMapRealCounters, o.open(bpf.LbMapRealCounters)}
	s.Reasons = &ReasonCounters{bpf.LbMapReasonCounters, o.open(bpf.LbMapReasonCounters)}
	s.Meta = &Meta{bpf.LbMapMeta, o.open(bpf.LbMapMeta)}
	s.Program = &ProgramSlot{bpf.LbMapPrograms, o.open(bpf.LbMapPrograms)}
}

// finish takes over prog, and closes everything again if anything failed.
func (o *opener) finish(prog *ebpf.Program) error {
	s := o.set
	if prog != nil {
		s.closers = append(s.closers, prog.Close)
	}
	s.Expirer = &Expirer{prog}
	s.Clock = &Clock{expirer: s.Expirer}
	if err := errors.Join(o.errs...); err != nil {
		return errors.Join(err, s.Close())
	}
	id, err := s.Meta.Get()
	rate := id.Rate
	if err == nil && rate.HZ == 0 {
		rate, err = SystemRate()
	}
	s.Clock.Rate, s.Settings.rate = rate, rate
	if err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

// open finds a map that the set keeps a descriptor of; nil if that fails.
func (o *opener) open(name string) *ebpf.Map {
	m, err := o.find(name)
	if err != nil {
		o.errs = append(o.errs, mapError(name, err))
		return nil
	}
	o.set.closers = append(o.set.closers, m.Close)
	return m
}

// open finds a hash map and checks that its entries have the size of K and V.
func open[K, V any](o *opener, name string) table[K, V] {
	t := table[K, V]{name, o.open(name)}
	if t.m != nil {
		o.errs = append(o.errs, t.check())
	}
	return t
}

// mapIn maps an array's memory, and needs no descriptor afterwards.
func mapIn[T any](o *opener, name string) *mapped[T] {
	m, err := o.find(name)
	if err != nil {
		o.errs = append(o.errs, mapError(name, err))
		return nil
	}
	defer m.Close()
	v, err := newMapped[T](name, m)
	if err != nil {
		o.errs = append(o.errs, err)
		return nil
	}
	o.set.closers = append(o.set.closers, v.close)
	return v
}
