// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xlb-project/xlb/cmd/internal/control"
)

// What ipvsadm 1.31 prints for the virtual servers of ipvsListing. The first
// line differs: there it is "IP Virtual Server version 1.2.1 (size=4096)".
const (
	ipvsPlain = `xlb version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  192.0.2.1:80 rr
  -> 10.2.0.2:8080                Route   100    123456     7         
  -> 10.2.0.11:80                 Masq    1      0          0         
  -> 10.2.0.11:8080               Tunnel  65535  4294967295 4294967295
UDP  192.0.2.1:53 rr
TCP  [2001:db8::1]:443 wlc
  -> [2001:db8:aaaa:bbbb:cccc:dddd:eeee:1]:8443 Masq    1      0          0         
`
	ipvsStats = `xlb version 1.2.1 (size=4096)
Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
TCP  192.0.2.1:80                      401  8939187  8953980  830843K    1135M
  -> 10.2.0.2:8080                     134  3026088  3031335  281255K  384268K
  -> 10.2.0.11:80                        0        0        0        0        0
  -> 10.2.0.11:8080               99999999  100000K   99999M     100G     100T
UDP  192.0.2.1:53                       50      300        0    19950        0
TCP  [2001:db8::1]:443                   0        0        0        0        0
  -> [2001:db8:aaaa:bbbb:cccc:dddd:eeee:1]:8443        0        0        0        0        0
`
	ipvsRate = `xlb version 1.2.1 (size=4096)
Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS
  -> RemoteAddress:Port
TCP  192.0.2.1:80                        1        4        2      234      268
  -> 10.2.0.2:8080                       0        2        1      135      155
  -> 10.2.0.11:80                        0        0        0        0        0
  -> 10.2.0.11:8080                      0        0        0        0        0
UDP  192.0.2.1:53                        0        0        0        0        0
TCP  [2001:db8::1]:443                   0        0        0        0        0
  -> [2001:db8:aaaa:bbbb:cccc:dddd:eeee:1]:8443        0        0        0        0        0
`
)

func counters(conns, inPackets, outPackets, inBytes, outBytes uint64) control.Counters {
	return control.Counters{Connections: conns, InPackets: inPackets, InBytes: inBytes, OutPackets: outPackets, OutBytes: outBytes}
}

func ipvsListing() *control.Listing {
	reals := []control.Real{ // in the order in which they were added
		{Key: "10.2.0.11:8080", Address: "10.2.0.11", Port: 8080, Forward: "tun", Weight: 65535,
			Active: 4294967295, Inactive: 4294967295, Counters: counters(99_999_999, 100_000_000, 99_999_999_999, 100_000_000_000, 100_000_000_000_000)},
		{Key: "10.2.0.11:80", Address: "10.2.0.11", Port: 80, Forward: "nat", Weight: 1},
		{Key: "10.2.0.9:80", Address: "10.2.0.9", Port: 80, Forward: "nat", Weight: 1, Health: control.HealthDown, Removed: true},
		{Key: "10.2.0.2:8080", Address: "10.2.0.2", Port: 8080, Forward: "dr", Weight: 100, Active: 123456, Inactive: 7,
			Counters: counters(134, 3026088, 3031335, 281255_999, 384268_000),
			Rates:    &control.Rates{InPackets: 2, OutPackets: 1, InBytes: 135, OutBytes: 155}},
	}
	return &control.Listing{Version: "v1.2.1", TableSize: 4096, Services: []control.Service{
		{Key: "tcp:192.0.2.1:80", Protocol: "tcp", Address: "192.0.2.1", Port: 80, Scheduler: "rr", Reals: reals,
			Counters: counters(401, 8939187, 8953980, 830843_123, 1135_000_000),
			Rates:    &control.Rates{Connections: 1, InPackets: 4, OutPackets: 2, InBytes: 234, OutBytes: 268}},
		{Key: "tcp:[2001:db8::1]:443", Protocol: "tcp", Address: "2001:db8::1", Port: 443, Scheduler: "wlc", Rates: &control.Rates{},
			Reals: []control.Real{{Key: "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:1]:8443", Address: "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1",
				Port: 8443, Forward: "nat", Weight: 1}}},
		{Key: "udp:192.0.2.1:53", Protocol: "udp", Address: "192.0.2.1", Port: 53, Scheduler: "rr",
			Rates: &control.Rates{}, Counters: counters(50, 300, 0, 19950, 0)},
	}}
}

func TestPrintListing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		format layout
		want   string
	}{
		{"ipvsadm -Ln", layoutPlain, ipvsPlain},
		{"ipvsadm -Ln --stats", layoutStats, ipvsStats},
		{"ipvsadm -Ln --rate", layoutRate, ipvsRate},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := ipvsListing()
			if tt.format == layoutRate {
				fillMissingRates(l)
			}
			var b strings.Builder
			printListing(&b, l, tt.format, numeric)
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("unexpected output (-want +got):\n%s", diff)
			}
		})
	}
}

// fillMissingRates gives rates of 0 to what has none.
func fillMissingRates(l *control.Listing) {
	for i := range l.Services {
		for j := range l.Services[i].Reals {
			if r := &l.Services[i].Reals[j]; r.Rates == nil {
				r.Rates = &control.Rates{}
			}
		}
	}
}

func TestLarge(t *testing.T) {
	for n, want := range map[uint64]string{
		0:                          "        0",
		99_999_999:                 " 99999999",
		100_000_000:                "  100000K",
		999_999_999:                "  999999K",
		1_000_000_000:              "    1000M",
		99_999_999_999:             "   99999M",
		100_000_000_000:            "     100G",
		99_999_999_999_999:         "   99999G",
		100_000_000_000_000:        "     100T",
		18_446_744_073_709_551_615: "18446744T",
	} {
		if got := large(n); got != want {
			t.Errorf("large(%d) = %q, want %q", n, got, want)
		}
	}
}

// Names that are too long for their column are cut off, as ipvsadm does.
func TestPrintListingCutsNames(t *testing.T) {
	names := func(_, addrPort string) string { return "a-very-long-name.of-a-host.example.com:" + addrPort[:2] }
	l := &control.Listing{Version: "v1", Services: ipvsListing().Services[:1]}
	var b strings.Builder
	printListing(&b, l, layoutPlain, names)
	lines := strings.Split(b.String(), "\n")
	if want := "TCP  a-very-long-name.of-a-host.e rr"; lines[3] != want {
		t.Errorf("virtual server: %q, want %q", lines[3], want)
	}
	if want := "  -> a-very-long-name.of-a-host.e Route   100    123456     7         "; lines[4] != want {
		t.Errorf("real server: %q, want %q", lines[4], want)
	}
}
