// SPDX-License-Identifier: Apache-2.0

package control

import (
	"time"

	"github.com/xlb-project/xlb/lb"
)

// Listing is every virtual server with its counters ("ipvsadm -L").
type Listing struct {
	APIVersion string `json:"api_version"`
	// Version of the program that answered.
	Version string `json:"version"`
	// Time of the reading; two readings make a rate.
	Time time.Time `json:"time"`
	// TableSize is the capacity of the established table, in connections.
	TableSize int `json:"table_size"`
	// Services sorted by key.
	Services []Service `json:"services"`
}

// Service is a virtual server as it is now in the kernel, or, when Absent,
// should be.
type Service struct {
	// Key is what commands take: PROTO:ADDR:PORT.
	Key       string `json:"key"`
	Protocol  string `json:"protocol"` // "tcp", "udp"
	Address   string `json:"address"`
	Port      uint16 `json:"port"`
	Scheduler string `json:"scheduler"`
	// Instance is the VRRP instance; 0: none.
	Instance int `json:"instance,omitempty"`
	// Owner is lb.Owner: "xlbd", or "" for a virtual server made by hand.
	Owner string `json:"owner"`
	// Foreign: there is a daemon, this is not its own, and it leaves it alone.
	Foreign bool `json:"foreign,omitempty"`
	// Override: an operator's command added or changed it over the file.
	Override bool `json:"override,omitempty"`
	// Problem says why the kernel does not have it as it should be.
	Problem  string   `json:"problem,omitempty"`
	Counters Counters `json:"counters"`
	// Rates are filled in by "xlbctl list --rate".
	Rates *Rates `json:"rates,omitempty"`
	Reals []Real `json:"reals"`
}

// Real is a real server of a virtual server.
type Real struct {
	// Key is what commands take: ADDR:PORT.
	Key     string `json:"key"`
	Address string `json:"address"`
	Port    uint16 `json:"port"`
	// Forward is lb.Method: "nat", "dr", "tun".
	Forward string `json:"forward"`
	// Weight in the kernel; 0 takes no new connections.
	Weight int `json:"weight"`
	// Override: an operator's command added or changed it over the file.
	Override bool `json:"override,omitempty"`
	// Health is what the daemon's check says; "" where nothing checks.
	Health Health `json:"health,omitempty"`
	// HealthDetail is why it is down, or since when it is not known.
	HealthDetail string `json:"health_detail,omitempty"`
	// Removed: out of service because of Health; not in the kernel.
	Removed  bool     `json:"removed,omitempty"`
	Active   int64    `json:"active"`    // ipvsadm's ActiveConn
	Inactive int64    `json:"inactive"`  // ipvsadm's InActConn
	HalfOpen int64    `json:"half_open"` // not in ipvsadm: handshakes under way
	Counters Counters `json:"counters"`
	Rates    *Rates   `json:"rates,omitempty"`
}

// Health is the verdict of a check.
type Health string

// The verdicts.
const (
	HealthUp      Health = "up"
	HealthDown    Health = "down"
	HealthUnknown Health = "unknown" // not checked yet
)

// Counters of traffic since the last zero. Bytes are those of IP packets, as
// IPVS counts.
type Counters struct {
	Connections uint64 `json:"connections"`
	InPackets   uint64 `json:"in_packets"`
	InBytes     uint64 `json:"in_bytes"`
	OutPackets  uint64 `json:"out_packets"`
	OutBytes    uint64 `json:"out_bytes"`
}

// Rates of traffic, per second.
type Rates struct {
	Connections uint64 `json:"connections_per_second"`
	InPackets   uint64 `json:"in_packets_per_second"`
	InBytes     uint64 `json:"in_bytes_per_second"`
	OutPackets  uint64 `json:"out_packets_per_second"`
	OutBytes    uint64 `json:"out_bytes_per_second"`
}

// NewListing puts together what an engine holds and counts. The daemon adds
// what only it knows: Foreign, Override, Problem, Health, Removed.
func NewListing(version string, at time.Time, s lb.State, c lb.Counters) *Listing {
	l := &Listing{APIVersion: APIVersion, Version: version, Time: at, TableSize: c.Established.Capacity}
	l.Services = make([]Service, 0, len(s.Services))
	for _, svc := range s.Services {
		l.Services = append(l.Services, NewService(svc, c.Services[svc.ServiceKey]))
	}
	return l
}

// NewService is a virtual server of a listing.
func NewService(s lb.Service, c lb.ServiceCounters) Service {
	out := Service{
		Key: s.ServiceKey.String(), Protocol: s.Protocol.String(),
		Address: s.Addr.Addr().String(), Port: s.Addr.Port(),
		Scheduler: string(s.Scheduler), Instance: int(s.Instance), Owner: string(s.Owner),
		Counters: Counters(c.Traffic), Reals: make([]Real, 0, len(s.Reals)),
	}
	for _, r := range s.Reals {
		out.Reals = append(out.Reals, NewReal(r, c.Reals[r.Addr]))
	}
	return out
}

// NewReal is a real server of a listing.
func NewReal(r lb.Real, c lb.RealCounters) Real {
	return Real{
		Key: r.Addr.String(), Address: r.Addr.Addr().String(), Port: r.Addr.Port(),
		Forward: string(r.Method), Weight: r.Weight,
		Active: c.Active, Inactive: c.Inactive, HalfOpen: c.HalfOpen,
		Counters: Counters(c.Traffic),
	}
}
