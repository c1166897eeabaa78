// SPDX-License-Identifier: Apache-2.0

package lb_test

import (
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/xlb-project/xlb/lb"
)

func TestParseServiceKey(t *testing.T) {
	tests := []struct {
		text string
		want string // as String writes it; "": an error
	}{
		{"tcp:192.0.2.1:80", "tcp:192.0.2.1:80"},
		{"UDP:192.0.2.1:53", "udp:192.0.2.1:53"},
		{"udp:[2001:db8::1]:53", "udp:[2001:db8::1]:53"},
		{"tcp:[2001:0DB8:0::1]:443", "tcp:[2001:db8::1]:443"},
		{"tcp:[::ffff:192.0.2.1]:80", "tcp:192.0.2.1:80"},
		{"tcp:192.0.2.1:0", "tcp:192.0.2.1:0"}, // for Validate to refuse
		{"tcp:192.0.2.1:65535", "tcp:192.0.2.1:65535"},
		{"", ""},
		{"tcp", ""},
		{"tcp:", ""},
		{"tcp::80", ""},
		{"192.0.2.1:80", ""},
		{"sctp:192.0.2.1:80", ""},
		{"tcp:192.0.2.1", ""},
		{"tcp:192.0.2.1:", ""},
		{"tcp:192.0.2.1:65536", ""},
		{"tcp:192.0.2.1:-1", ""},
		{"tcp:192.0.2.1:http", ""},
		{"tcp:192.0.2.256:80", ""},
		{"tcp:2001:db8::1:80", ""},
		{"tcp:[2001:db8::1]", ""},
		{"tcp:[fe80::1%eth0]:80", ""},
		{"tcp:example.org:80", ""},
		{" tcp:192.0.2.1:80", ""},
		{"tcp:192.0.2.1:80 ", ""},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			key, err := lb.ParseServiceKey(test.text)
			switch {
			case test.want == "" && !errors.Is(err, lb.ErrSyntax):
				t.Errorf("%v, %v, want an ErrSyntax", key, err)
			case test.want == "" && !strings.Contains(err.Error(), test.text):
				t.Errorf("error %q does not say what was wrong", err)
			case test.want != "" && (err != nil || key.String() != test.want):
				t.Errorf("%v, %v, want %s", key, err, test.want)
			}
		})
	}
}

func FuzzParseServiceKey(f *testing.F) {
	for _, s := range []string{"tcp:192.0.2.1:80", "udp:[2001:db8::1]:53", "tcp:[::ffff:1.2.3.4]:1", "tcp:[fe80::1%x]:1", "x", ":", "tcp::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key, err := lb.ParseServiceKey(s)
		if err != nil {
			if !errors.Is(err, lb.ErrSyntax) || key != (lb.ServiceKey{}) {
				t.Fatalf("%q: %v with %v", s, err, key)
			}
			return
		}
		if key.Addr.Addr().Zone() != "" || key.Addr.Addr().Is4In6() {
			t.Fatalf("%q: %v has a second form", s, key)
		}
		if again, err := lb.ParseServiceKey(key.String()); err != nil || again != key {
			t.Fatalf("%q: read as %v, and its text as %v, %v", s, key, again, err)
		}
	})
}

func TestServiceKeyInJSON(t *testing.T) {
	in := map[lb.ServiceKey][]lb.ServiceKey{mustKey("tcp:192.0.2.1:80"): {mustKey("udp:[2001:db8::1]:53")}}
	data, err := json.Marshal(in)
	if err != nil || string(data) != `{"tcp:192.0.2.1:80":["udp:[2001:db8::1]:53"]}` {
		t.Fatalf("%s, %v", data, err)
	}
	var out map[lb.ServiceKey][]lb.ServiceKey
	if err := json.Unmarshal(data, &out); err != nil || len(out) != 1 || out[mustKey("tcp:192.0.2.1:80")][0] != mustKey("udp:[2001:db8::1]:53") {
		t.Errorf("%v, %v", out, err)
	}
	if err := json.Unmarshal([]byte(`["tcp:1.2.3.4"]`), &[]lb.ServiceKey{}); !errors.Is(err, lb.ErrSyntax) {
		t.Errorf("without a port: %v, want an ErrSyntax", err)
	}
	for _, bad := range []lb.ServiceKey{{}, {Protocol: lb.TCP}, {Protocol: 1, Addr: netip.MustParseAddrPort("192.0.2.1:80")}} {
		if text, err := bad.MarshalText(); !errors.Is(err, lb.ErrSyntax) {
			t.Errorf("%+v: %s, %v, want an ErrSyntax", bad, text, err)
		}
	}
}

func TestServiceKeysAreSorted(t *testing.T) {
	want := []lb.ServiceKey{
		mustKey("tcp:192.0.2.1:80"), mustKey("tcp:192.0.2.1:443"), mustKey("tcp:192.0.2.10:1"),
		mustKey("tcp:[2001:db8::1]:1"), mustKey("udp:192.0.2.1:80"),
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, lb.ServiceKey.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if want[0].Compare(mustKey("tcp:192.0.2.1:80")) != 0 {
		t.Errorf("a key is not equal to itself")
	}
}

func TestRealKey(t *testing.T) {
	a := lb.RealKey{Service: mustKey("tcp:192.0.2.1:80"), Real: netip.MustParseAddrPort("10.0.0.1:8080")}
	b, c, same := a, a, a
	b.Real = netip.MustParseAddrPort("10.0.0.2:8080")
	c.Service = mustKey("udp:192.0.2.1:80")
	if a.String() != "tcp:192.0.2.1:80 10.0.0.1:8080" || (lb.RealKey{Service: a.Service}).String() != "tcp:192.0.2.1:80" {
		t.Errorf("String: %s, %s", a, lb.RealKey{Service: a.Service})
	}
	if a.Compare(b) >= 0 || b.Compare(c) >= 0 || c.Compare(a) <= 0 || a.Compare(same) != 0 {
		t.Errorf("not ordered by virtual server, then by real server")
	}
}
