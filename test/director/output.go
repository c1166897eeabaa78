// SPDX-License-Identifier: Apache-2.0

package director

import (
	"encoding/json"
	"fmt"
)

// What scripts read from "xlbctl -o json", stated here anew: a field that is
// renamed breaks a test.

// Listing is "xlbctl list".
type Listing struct {
	Services []Service `json:"services"`
}

// Service is a virtual server of a listing.
type Service struct {
	Key      string   `json:"key"`
	Foreign  bool     `json:"foreign"`
	Counters Counters `json:"counters"`
	Reals    []Real   `json:"reals"`
}

// Real is a real server of a listing.
type Real struct {
	Key      string   `json:"key"`
	Weight   int      `json:"weight"`
	Removed  bool     `json:"removed"` // by its check
	Active   int64    `json:"active"`
	Inactive int64    `json:"inactive"`
	HalfOpen int64    `json:"half_open"`
	Counters Counters `json:"counters"`
}

// Counters of traffic.
type Counters struct {
	Connections uint64 `json:"connections"`
	InPackets   uint64 `json:"in_packets"`
	InBytes     uint64 `json:"in_bytes"`
	OutPackets  uint64 `json:"out_packets"`
	OutBytes    uint64 `json:"out_bytes"`
}

// Stats is "xlbctl stats".
type Stats struct {
	Reasons     map[string]uint64 `json:"reasons"`
	Drift       int64             `json:"drift"`
	Established struct {
		Used     int `json:"used"`
		Capacity int `json:"capacity"`
	} `json:"established"`
}

// Forwarded is how many packets went through XDP and out again.
func (s Stats) Forwarded() uint64 { return s.Reasons["tx"] + s.Reasons["redirect"] }

// Status is "xlbctl status".
type Status struct {
	Interfaces []struct {
		Name     string `json:"name"`
		Mode     string `json:"mode"`
		Attached bool   `json:"attached"`
	} `json:"interfaces"`
}

// List runs "xlbctl list".
func (d *Director) List() (Listing, error) { return query[Listing](d, "list") }

// Stats runs "xlbctl stats".
func (d *Director) Stats() (Stats, error) { return query[Stats](d, "stats") }

// Status runs "xlbctl status".
func (d *Director) Status() (Status, error) { return query[Status](d, "status") }

func query[T any](d *Director, command string) (v T, err error) {
	out, err := d.Ctl("-o", "json", command)
	if err != nil {
		return v, fmt.Errorf("xlbctl %s: %w\n%s", command, err, out)
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		return v, fmt.Errorf("xlbctl -o json %s: %w\n%s", command, err, out)
	}
	return v, nil
}

// ActiveOf sums the active connections of the virtual server with that key.
func (l Listing) ActiveOf(key string) (n int64) {
	for _, s := range l.Services {
		if s.Key != key {
			continue
		}
		for _, r := range s.Reals {
			n += r.Active
		}
	}
	return n
}

// InService counts the real servers of the first virtual server that take connections.
func (l Listing) InService() (n int) {
	for _, r := range l.Services[0].Reals {
		if !r.Removed && r.Weight > 0 {
			n++
		}
	}
	return n
}
