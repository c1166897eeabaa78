// SPDX-License-Identifier: Apache-2.0

package control

import (
	"maps"
	"time"

	"github.com/xlb-project/xlb/lb"
)

// Status is the whole picture on one page.
type Status struct {
	APIVersion string `json:"api_version"`
	Version    string `json:"version"`
	// Engine in use: "xdp", later "ipvs"; "" when nothing is attached.
	Engine string `json:"engine"`
	// Daemon is nil without one: then the data path forwards by itself.
	Daemon *Daemon `json:"daemon"`
	// Interfaces that are attached, or should be.
	Interfaces []Interface `json:"interfaces"`
	// Services and Reals count virtual and real servers.
	Services int `json:"services"`
	Reals    int `json:"reals"`
	// Established and HalfOpen are connections in use and capacity.
	Established Usage `json:"established"`
	HalfOpen    Usage `json:"half_open"`
	// Overrides that are in force, oldest first.
	Overrides []Edit `json:"overrides"`
	// Findings are what is wrong or worth knowing, worst first.
	Findings []Finding `json:"findings"`
}

// Daemon is what a running xlbd says of itself.
type Daemon struct {
	PID     int       `json:"pid"`
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	// File is its configuration; empty: it runs without one.
	File string `json:"file,omitempty"`
	// Reload is the last reading of the file.
	Reload *Reload `json:"reload,omitempty"`
	// Metrics is the address of /metrics; empty: not served.
	Metrics string `json:"metrics,omitempty"`
}

// Reload is a reading of the daemon's file.
type Reload struct {
	Time  time.Time `json:"time"`
	OK    bool      `json:"ok"`
	Error string    `json:"error,omitempty"`
}

// Usage is how full a table is, in connections.
type Usage struct {
	Used     int `json:"used"`
	Capacity int `json:"capacity"`
}

// Interface is a network interface that takes part.
type Interface struct {
	Name  string `json:"name"`
	Index int    `json:"index"` // 0: there is no such interface now
	// Mode that resulted: "native" or "generic"; "" when not attached.
	Mode string `json:"mode"`
	// Attached is false for an interface that should be and is not; Problem
	// says why.
	Attached bool   `json:"attached"`
	Problem  string `json:"problem,omitempty"`
}

// Stats are the node's counters.
type Stats struct {
	APIVersion string    `json:"api_version"`
	Time       time.Time `json:"time"`
	// Reasons counts packets by why they got their verdict.
	Reasons     map[string]uint64 `json:"reasons"`
	Established Usage             `json:"established"`
	HalfOpen    Usage             `json:"half_open"`
	// Drift is what the last sweep found between the counts of connections
	// and the connections; 0 unless something is wrong.
	Drift int64 `json:"drift"`
	// Total over all virtual servers.
	Total Counters `json:"total"`
}

// NewStats is an engine's reading as it is shown.
func NewStats(at time.Time, c lb.Counters) *Stats {
	s := &Stats{
		APIVersion: APIVersion, Time: at, Reasons: map[string]uint64{},
		Established: Usage(c.Established), HalfOpen: Usage(c.HalfOpen), Drift: c.Drift,
	}
	maps.Copy(s.Reasons, c.Reasons)
	for _, svc := range c.Services {
		s.Total.Connections += svc.Connections
		s.Total.InPackets += svc.InPackets
		s.Total.InBytes += svc.InBytes
		s.Total.OutPackets += svc.OutPackets
		s.Total.OutBytes += svc.OutBytes
	}
	return s
}
