// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"errors"
	"flag"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"

	"github.com/xlb-project/xlb/lb"
)

var update = flag.Bool("update", false, "rewrite the golden files with what comes out")

// static is a source that never changes.
type static struct {
	counters lb.Counters
	snapshot Snapshot
	err      error
	notReady error
}

func (s static) Counters(context.Context) (lb.Counters, error) { return s.counters, s.err }
func (s static) Snapshot() Snapshot                            { return s.snapshot }
func (s static) Ready() error                                  { return s.notReady }

// full has something of everything.
func full() static {
	web := lb.ServiceKey{Protocol: lb.TCP, Addr: netip.MustParseAddrPort("192.0.2.1:80")}
	dns := lb.ServiceKey{Protocol: lb.UDP, Addr: netip.MustParseAddrPort("192.0.2.1:53")}
	return static{
		counters: lb.Counters{
			Services: map[lb.ServiceKey]lb.ServiceCounters{
				web: {
					Traffic: lb.Traffic{Connections: 1, InPackets: 2, InBytes: 3, OutPackets: 4, OutBytes: 5},
					Reals: map[netip.AddrPort]lb.RealCounters{
						netip.MustParseAddrPort("10.2.0.11:80"): {
							Traffic: lb.Traffic{Connections: 11, InPackets: 12, InBytes: 13, OutPackets: 14, OutBytes: 15},
							Active:  16, Inactive: 17, HalfOpen: 18,
						},
						netip.MustParseAddrPort("10.2.0.12:80"): {},
					},
				},
				dns: {},
			},
			Reasons:     map[string]uint64{"tx": 100, "not_ours": 101, "no_server": 102, "pass_resolve": 103, "new_one": 104},
			Established: lb.Usage{Used: 20, Capacity: 1000000},
			HalfOpen:    lb.Usage{Used: 21, Capacity: 262144},
			Drift:       -1,
		},
		snapshot: Snapshot{
			Version: "1.2.3", Engine: "xdp",
			Interfaces: []Interface{{Name: "eth0", Mode: "native", Attached: true}, {Name: "eth1"}},
			Checks: []Check{
				{VirtualServer: web.String(), RealServer: "10.2.0.11:80", Up: true, Passed: 30, Failed: 31, Took: 1500 * time.Microsecond},
				{VirtualServer: web.String(), RealServer: "10.2.0.12:80", Passed: 32, Failed: 33, Took: 3 * time.Second},
			},
			Reload:    Reload{OK: true, Success: time.UnixMilli(1893456000500)},
			Reconcile: Reconcile{Failing: 40, Repairs: 41},
			Foreign:   2, Overrides: 3,
		},
	}
}

// text is everything that a source exports.
func text(t *testing.T, source Source) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(NewCollector(source))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return strings.ReplaceAll(b.String(), runtime.Version(), "GOVERSION")
}

func TestGolden(t *testing.T) {
	unreadable := full()
	unreadable.err = errors.New("no pins")
	for name, source := range map[string]static{"full": full(), "empty": {}, "unreadable": unreadable} {
		t.Run(name, func(t *testing.T) {
			file := "testdata/" + name + ".txt"
			got := text(t, source)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestLint holds the names against Prometheus' conventions.
func TestLint(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(text(t, full()))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestDescribesAll: what is collected is described, and the other way round.
func TestDescribesAll(t *testing.T) {
	described := make(chan *prometheus.Desc, 100)
	NewCollector(full()).Describe(described)
	close(described)
	want := map[string]bool{}
	for d := range described {
		want[d.String()] = true
	}
	collected := make(chan prometheus.Metric, 1000)
	NewCollector(full()).Collect(collected)
	close(collected)
	got := map[string]bool{}
	for m := range collected {
		got[m.Desc().String()] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-described +collected:\n%s", diff)
	}
}

func TestVerdict(t *testing.T) {
	tests := map[string]string{
		"not_ours": "pass", "no_service": "pass", "gate_closed": "pass",
		"tx": "forward", "redirect": "forward", "pass_resolve": "forward",
		"malformed": "drop", "table_full": "drop", "internal": "drop", "": "drop",
	}
	for reason, want := range tests {
		if got := verdict(reason); got != want {
			t.Errorf("%q: %s, want %s", reason, got, want)
		}
	}
}
