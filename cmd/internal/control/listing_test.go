// SPDX-License-Identifier: Apache-2.0

package control

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/lb"
)

func emptyCounters() lb.Counters { return lb.Counters{} }

// someCounters are counters of the web server of twoServers, and of one of
// its real servers; the other has none yet.
func someCounters(t testing.TB) lb.Counters {
	traffic := lb.Traffic{Connections: 1, InPackets: 2, InBytes: 3, OutPackets: 4, OutBytes: 5}
	return lb.Counters{
		Services: map[lb.ServiceKey]lb.ServiceCounters{
			key(t, web): {Traffic: traffic, Reals: map[netip.AddrPort]lb.RealCounters{
				netip.MustParseAddrPort("10.0.0.1:80"): {Traffic: traffic, Active: 6, Inactive: 7, HalfOpen: 8},
			}},
			key(t, dns): {Traffic: traffic},
		},
		Reasons:     map[string]uint64{"tx": 9},
		Established: lb.Usage{Used: 10, Capacity: 11}, HalfOpen: lb.Usage{Used: 12, Capacity: 13}, Drift: -14,
	}
}

func TestNewListing(t *testing.T) {
	got := NewListing("v1", sampleTime, twoServers(t), someCounters(t))
	counters := Counters{Connections: 1, InPackets: 2, InBytes: 3, OutPackets: 4, OutBytes: 5}
	want := &Listing{
		APIVersion: APIVersion, Version: "v1", Time: sampleTime, TableSize: 11,
		Services: []Service{
			{Key: web, Protocol: "tcp", Address: "192.0.2.1", Port: 80, Scheduler: "rr", Owner: "xlbd", Counters: counters,
				Reals: []Real{
					{Key: "10.0.0.2:80", Address: "10.0.0.2", Port: 80, Forward: "nat", Weight: 1},
					{Key: "10.0.0.1:80", Address: "10.0.0.1", Port: 80, Forward: "nat", Weight: 3,
						Active: 6, Inactive: 7, HalfOpen: 8, Counters: counters},
				}},
			{Key: dns, Protocol: "udp", Address: "192.0.2.1", Port: 53, Scheduler: "rr", Instance: 7, Counters: counters,
				Reals: []Real{}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unexpected listing (-want +got):\n%s", diff)
	}
}

func TestNewStats(t *testing.T) {
	counters := someCounters(t)
	got := NewStats(sampleTime, counters)
	want := &Stats{
		APIVersion: APIVersion, Time: sampleTime, Reasons: map[string]uint64{"tx": 9},
		Established: Usage{Used: 10, Capacity: 11}, HalfOpen: Usage{Used: 12, Capacity: 13}, Drift: -14,
		Total: Counters{Connections: 2, InPackets: 4, InBytes: 6, OutPackets: 8, OutBytes: 10},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unexpected stats (-want +got):\n%s", diff)
	}
	counters.Reasons["tx"]++
	if got.Reasons["tx"] != 9 {
		t.Error("the stats share a map with the counters")
	}
}
