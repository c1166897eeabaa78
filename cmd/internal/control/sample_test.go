// SPDX-License-Identifier: Apache-2.0

package control

import (
	"context"
	"iter"
	"time"
)

// sample is a Controller that answers with every field filled in, and
// remembers what it was asked.
type sample struct {
	asked []any
	err   error // answers everything, once set
	conns int   // length of the list of connections
	// hold, when set, keeps Status from answering until it is closed.
	hold chan struct{}
}

var sampleTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func (s *sample) ask(what any) error {
	s.asked = append(s.asked, what)
	return s.err
}

func sampleEdit() Edit {
	return Edit{Op: RealEdit, Server: web, Real: "10.0.0.1:80", Forward: "nat", Weight: weight(0)}
}

func sampleFinding() Finding {
	return Finding{Severity: SeverityWarning, Interface: "eth0", Message: "rx-vlan offload is on",
		Fix: "ethtool -K eth0 rxvlan off"}
}

func (s *sample) Version(context.Context) (*Version, error) {
	return &Version{APIVersion: APIVersion, Version: "v1.2.3", PID: 42}, s.ask("version")
}

func (s *sample) Status(ctx context.Context) (*Status, error) {
	if s.hold != nil {
		select {
		case <-s.hold:
		case <-ctx.Done():
		}
	}
	return &Status{
		APIVersion: APIVersion, Version: "v1.2.3", Engine: "xdp",
		Daemon: &Daemon{PID: 42, Version: "v1.2.3", Started: sampleTime, File: "/etc/xlb/xlb.yaml",
			Reload: &Reload{Time: sampleTime, OK: true, Error: "xlb.yaml:1:1: unknown key"}, Metrics: "127.0.0.1:9300"},
		Interfaces: []Interface{
			{Name: "eth0", Index: 2, Mode: "native", Attached: true},
			{Name: "eth1", Problem: "there is no such interface"},
		},
		Services: 1, Reals: 2, Established: Usage{Used: 10, Capacity: 100}, HalfOpen: Usage{Used: 1, Capacity: 50},
		Overrides: []Edit{sampleEdit()}, Findings: []Finding{sampleFinding()},
	}, s.ask("status")
}

func (s *sample) Services(context.Context) (*Listing, error) {
	return &Listing{
		APIVersion: APIVersion, Version: "v1.2.3", Time: sampleTime, TableSize: 100,
		Services: []Service{{
			Key: web, Protocol: "tcp", Address: "192.0.2.1", Port: 80, Scheduler: "rr", Instance: 1, Owner: "xlbd",
			Foreign: true, Override: true, Problem: "no route", Counters: sampleCounters(), Rates: sampleRates(),
			Reals: []Real{{
				Key: "10.0.0.1:80", Address: "10.0.0.1", Port: 80, Forward: "nat", Weight: 1, Override: true,
				Health: HealthDown, HealthDetail: "connection refused", Removed: true,
				Active: 1, Inactive: 2, HalfOpen: 3, Counters: sampleCounters(), Rates: sampleRates(),
			}},
		}},
	}, s.ask("services")
}

func sampleCounters() Counters {
	return Counters{Connections: 1, InPackets: 2, InBytes: 3, OutPackets: 4, OutBytes: 5}
}

func sampleRates() *Rates {
	return &Rates{Connections: 1, InPackets: 2, InBytes: 3, OutPackets: 4, OutBytes: 5}
}

func (s *sample) Stats(context.Context) (*Stats, error) {
	return &Stats{APIVersion: APIVersion, Time: sampleTime, Reasons: map[string]uint64{"tx": 7},
		Established: Usage{Used: 10, Capacity: 100}, HalfOpen: Usage{Used: 1, Capacity: 50},
		Drift: -1, Total: sampleCounters()}, s.ask("stats")
}

func (s *sample) Attach(_ context.Context, r AttachRequest) (*AttachResult, error) {
	return &AttachResult{Interface: Interface{Name: r.Interface, Index: 2, Mode: "generic", Attached: true},
		Already: true, Reason: "the driver cannot", Findings: []Finding{sampleFinding()}}, s.ask(r)
}

func (s *sample) Detach(_ context.Context, r DetachRequest) (*DetachResult, error) {
	return &DetachResult{Interfaces: []string{"eth0"}, Removed: r.All}, s.ask(r)
}

func (s *sample) Edit(_ context.Context, edits []Edit) error { return s.ask(edits) }

func (s *sample) Clear(context.Context) (*ClearResult, error) {
	return &ClearResult{APIVersion: APIVersion, Removed: 2, Foreign: 1}, s.ask("clear")
}

func (s *sample) Zero(_ context.Context, r ZeroRequest) error { return s.ask(r) }

func (s *sample) Connections(_ context.Context, f ConnFilter) iter.Seq2[Connection, error] {
	return func(yield func(Connection, error) bool) {
		s.asked = append(s.asked, f)
		for i := range s.conns {
			c := sampleConnection()
			c.ExpiresMS = int64(i)
			if !yield(c, nil) {
				return
			}
		}
		if s.err != nil {
			yield(Connection{}, s.err)
		}
	}
}

func sampleConnection() Connection {
	return Connection{Protocol: "tcp", ExpiresMS: 899125, State: "ESTABLISHED", Client: "198.51.100.7:40000",
		Virtual: "192.0.2.1:80", Real: "10.0.0.1:80", Forward: "nat"}
}

func (s *sample) CountConnections(_ context.Context, f ConnFilter) (*ConnCount, error) {
	return &ConnCount{APIVersion: APIVersion, Count: 3, ByState: map[string]int{"ESTABLISHED": 3}}, s.ask(f)
}

func (s *sample) Reset(_ context.Context, r ResetRequest) (*ResetResult, error) {
	return &ResetResult{APIVersion: APIVersion, Ended: []Edit{sampleEdit()}}, s.ask(r)
}

func (s *sample) Reload(context.Context) (*ReloadResult, error) {
	return &ReloadResult{APIVersion: APIVersion, File: "/etc/xlb/xlb.yaml", Changed: 2, Stale: []Edit{sampleEdit()}},
		s.ask("reload")
}
