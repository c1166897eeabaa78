// SPDX-License-Identifier: Apache-2.0

package xdp

import (
	"fmt"

	"github.com/xlb-project/xlb/lb"
	"github.com/xlb-project/xlb/lb/slots"
	"github.com/xlb-project/xlb/maps"
)

func mapsKey(k lb.ServiceKey) maps.ServiceKey {
	return maps.ServiceKey{Addr: k.Addr, Proto: uint8(k.Protocol)}
}

func lbKey(k maps.ServiceKey) lb.ServiceKey {
	return lb.ServiceKey{Protocol: lb.Protocol(k.Proto), Addr: k.Addr}
}

// tupleKey is the virtual server that a request half's packets are for.
func tupleKey(t maps.Tuple) lb.ServiceKey {
	return lb.ServiceKey{Protocol: lb.Protocol(t.Proto), Addr: t.Dst}
}

// mapsScheduler is for schedulers that package slots has.
func mapsScheduler(s lb.Scheduler) maps.Scheduler {
	if s == lb.RoundRobin {
		return maps.SchedulerRR
	}
	return unknownScheduler
}

// unknownScheduler is none of the data path's, which then chooses no server.
const unknownScheduler maps.Scheduler = 255

// lbScheduler names what a record holds. One that only another version knows
// gets a name that is no scheduler's, and so differs from whatever is desired.
func lbScheduler(s maps.Scheduler) lb.Scheduler {
	if s == maps.SchedulerRR {
		return lb.RoundRobin
	}
	return lb.Scheduler(fmt.Sprintf("scheduler-%d", uint8(s)))
}

// roundsOf finds what builds the slots of a scheduler; false: nothing here.
func roundsOf(s maps.Scheduler) (slots.Scheduler, bool) {
	scheduler, err := slots.For(lbScheduler(s))
	return scheduler, err == nil
}

// mapsMethod is false for a method that nobody has heard of.
func mapsMethod(m lb.Method) (maps.Method, bool) {
	switch m {
	case lb.NAT:
		return maps.MethodNAT, true
	case lb.DR:
		return maps.MethodRoute, true
	case lb.TUN:
		return maps.MethodTunnel, true
	}
	return 0, false
}

func lbMethod(m maps.Method) lb.Method {
	switch m {
	case maps.MethodNAT:
		return lb.NAT
	case maps.MethodRoute:
		return lb.DR
	case maps.MethodTunnel:
		return lb.TUN
	}
	return lb.Method(fmt.Sprintf("method-%d", uint8(m)))
}

// stateOf finds a state by the name that ipvsadm prints.
func stateOf(name string) (maps.ConnState, bool) {
	for s := maps.StateEstablished; s < maps.StateMax; s++ {
		if s.String() == name {
			return s, true
		}
	}
	return 0, false
}

func lbTraffic(c maps.Counters) lb.Traffic {
	return lb.Traffic{
		Connections: c.Connections,
		InPackets:   c.InPackets,
		InBytes:     c.InBytes,
		OutPackets:  c.OutPackets,
		OutBytes:    c.OutBytes,
	}
}
