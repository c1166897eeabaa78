// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

func TestFillRates(t *testing.T) {
	listing := func(at time.Time, svc, real control.Counters) *control.Listing {
		return &control.Listing{Time: at, Services: []control.Service{{Key: "tcp:192.0.2.1:80", Counters: svc,
			Reals: []control.Real{{Key: "10.0.0.1:80", Counters: real}, {Key: "10.0.0.2:80", Counters: real}}}}}
	}
	begun := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	a := listing(begun, counters(10, 100, 100, 1000, 1000), counters(5, 50, 50, 500, 500))
	a.Services[0].Reals = a.Services[0].Reals[:1] // the second one is added in between
	b := listing(begun.Add(2*time.Second), counters(30, 101, 100, 0, 5000), counters(5, 55, 60, 501, 503))
	fillRates(a, b)
	if diff := cmp.Diff(&control.Rates{Connections: 10, InPackets: 1, OutBytes: 2000}, b.Services[0].Rates); diff != "" {
		t.Errorf("virtual server (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&control.Rates{InPackets: 3, OutPackets: 5, InBytes: 1, OutBytes: 2}, b.Services[0].Reals[0].Rates); diff != "" {
		t.Errorf("real server (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&control.Rates{Connections: 3, InPackets: 28, OutPackets: 30, InBytes: 251, OutBytes: 252},
		b.Services[0].Reals[1].Rates); diff != "" {
		t.Errorf("new real server (-want +got):\n%s", diff)
	}
	fillRates(b, b) // no time has passed
	if diff := cmp.Diff(&control.Rates{}, b.Services[0].Rates); diff != "" {
		t.Errorf("in no time (-want +got):\n%s", diff)
	}
}
