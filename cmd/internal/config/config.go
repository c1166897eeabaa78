// SPDX-License-Identifier: Apache-2.0

package config

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/xlb-project/xlb/lb"
)

// Config is a whole configuration. Nothing in it points into the file, and two
// readings of the same file are equal.
type Config struct {
	// Interfaces that take part, in the file's order. None is fine: then
	// nothing is attached, and what is attached stays.
	Interfaces []Interface
	// Metrics is where /metrics is served.
	Metrics Metrics
	// Log is how the daemon logs.
	Log Log
	// Timeouts of connections by state; the file's, over [lb.DefaultTimeouts].
	Timeouts lb.Timeouts
	// Tables are the sizes of the kernel's tables.
	Tables Tables
	// OwnAll takes over virtual servers that carry no owner mark. Without it
	// they are left alone and listed as foreign.
	OwnAll bool
	// VirtualServers in the file's order, unique by key.
	VirtualServers []VirtualServer
}

// Interface is a network interface that XDP is attached to.
type Interface struct {
	Name string
	Mode Mode
}

// Mode is how XDP is attached to an interface.
type Mode string

// The modes of attaching.
const (
	ModeAuto    Mode = "auto"    // native, else generic with a warning
	ModeNative  Mode = "native"  // in the driver, or not at all
	ModeGeneric Mode = "generic" // in the stack: works everywhere, slower
)

// Metrics is the HTTP address of /metrics, /healthz and /readyz. The zero
// value is "not served".
type Metrics struct {
	Listen netip.AddrPort
}

// Log is how the daemon logs to standard error.
type Log struct {
	Level slog.Level
	JSON  bool // else logfmt-like text
}

// Tables are the capacities of the kernel's tables; 0 means the loader's
// default. Another size than the pinned one is migrated to at the next start.
type Tables struct {
	Connections    int // established, both directions together count as one
	HalfOpen       int // TCP before its handshake is complete, UDP before an answer
	VirtualServers int
	RealServers    int // over all virtual servers
}

// VirtualServer is one virtual server of the file (keepalived's
// virtual_server).
type VirtualServer struct {
	lb.ServiceKey
	Scheduler lb.Scheduler
	Instance  string // VRRP instance; "": accepts connections on every node
	// Check of real servers that have none of their own: those that an
	// operator adds.
	Check Check
	Reals []RealServer
}

// RealServer is a real server with its check (keepalived's real_server).
type RealServer struct {
	lb.Real
	Check Check
}

// CheckType is a kind of health check.
type CheckType string

// The kinds of health checks.
const (
	CheckNone CheckType = "none" // always in service
	CheckTCP  CheckType = "tcp"  // connects (keepalived's TCP_CHECK)
)

// Check says how a real server is checked, in keepalived's terms.
type Check struct {
	Type CheckType
	// Port to connect to; 0 means the real server's own (connect_port).
	Port uint16
	// Interval between the beginnings of two checks (delay_loop).
	Interval time.Duration
	// Timeout of one attempt (connect_timeout).
	Timeout time.Duration
	// Rise and Fall are how many checks in a row change the verdict.
	Rise, Fall int
	// Retry is how often a failed attempt is repeated before the check counts
	// as failed (retry), and RetryDelay how long before each repetition
	// (delay_before_retry). A server that is out of service is not retried.
	Retry      int
	RetryDelay time.Duration
}

// Default values; docs/configuration.md repeats them.
const (
	DefaultInterval   = 5 * time.Second
	DefaultTimeout    = 3 * time.Second
	DefaultRetry      = 1
	DefaultRetryDelay = 1 * time.Second
)

// State is what the file wants of the engine: all real servers in service, no
// instance open.
func (c *Config) State() lb.State {
	s := lb.State{Timeouts: c.Timeouts, Gates: map[lb.Instance]bool{}}
	for _, v := range c.VirtualServers {
		s.Services = append(s.Services, v.Service())
	}
	s.Sort()
	return s
}

// Service is the virtual server as the engine knows it.
func (v *VirtualServer) Service() lb.Service {
	s := lb.Service{ServiceKey: v.ServiceKey, Scheduler: v.Scheduler, Owner: lb.OwnerDaemon}
	for _, r := range v.Reals {
		s.Reals = append(s.Reals, r.Real)
	}
	return s
}
