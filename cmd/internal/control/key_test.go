// SPDX-License-Identifier: Apache-2.0

package control

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/xlb-project/xlb/lb"
)

func TestParseServer(t *testing.T) {
	tests := []struct {
		name, in, want string // want is empty for a usage error
	}{
		{"OK tcp", "tcp:192.0.2.1:80", "tcp:192.0.2.1:80"},
		{"OK udp", "udp:192.0.2.1:53", "udp:192.0.2.1:53"},
		{"OK upper case", "TCP:192.0.2.1:80", "tcp:192.0.2.1:80"},
		{"OK IPv6", "tcp:[2001:db8::1]:80", "tcp:[2001:db8::1]:80"},
		{"OK IPv4 in IPv6 is IPv4", "tcp:[::ffff:192.0.2.1]:80", "tcp:192.0.2.1:80"},
		{"bad empty", "", ""},
		{"bad no protocol", "192.0.2.1:80", ""},
		{"bad protocol", "sctp:192.0.2.1:80", ""},
		{"bad no port", "tcp:192.0.2.1", ""},
		{"bad port 0", "tcp:192.0.2.1:0", ""},
		{"bad port", "tcp:192.0.2.1:65536", ""},
		{"bad port sign", "tcp:192.0.2.1:+80", ""},
		{"bad port name", "tcp:192.0.2.1:http", ""},
		{"bad address", "tcp:192.0.2:80", ""},
		{"bad host name", "tcp:www.example.com:80", ""},
		{"bad IPv6 without brackets", "tcp:2001:db8::1:80", ""},
		{"bad half brackets", "tcp:[2001:db8::1:80", ""},
		{"bad zone", "tcp:[fe80::1%eth0]:80", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key, err := ParseServer(tt.in)
			if tt.want == "" {
				if !errors.Is(err, ErrUsage) {
					t.Fatalf("ParseServer(%q) = %v, %v; want a usage error", tt.in, key, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := key.String(); got != tt.want {
				t.Errorf("ParseServer(%q) = %s, want %s", tt.in, got, tt.want)
			}
		})
	}
}

// A usage error names what was written and shows how to write it.
func TestParseServerSaysHow(t *testing.T) {
	for _, in := range []string{"192.0.2.1:80", "tcp:192.0.2.1", "tcp:www:80"} {
		_, err := ParseServer(in)
		e := AsError(err)
		if !strings.Contains(e.Message, in) || !strings.Contains(e.Hint, "tcp:192.0.2.1:80") {
			t.Errorf("ParseServer(%q): %q, hint %q", in, e.Message, e.Hint)
		}
	}
}

func FuzzParseServer(f *testing.F) {
	for _, seed := range []string{"tcp:192.0.2.1:80", "udp:[2001:db8::1]:53", "tcp::80", "tcp:[", "x", "tcp:[::ffff:1.2.3.4]:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key, err := ParseServer(s)
		if err != nil {
			if !errors.Is(err, ErrUsage) {
				t.Errorf("%q: %v is no usage error", s, err)
			}
			return
		}
		if !key.Addr.IsValid() || key.Addr.Port() == 0 || key.Addr.Addr().Is4In6() {
			t.Errorf("%q was read as %v", s, key)
		}
		again, err := ParseServer(key.String())
		if err != nil || again != key {
			t.Errorf("%q: %v, written and read again: %v, %v", s, key, again, err)
		}
	})
}

func TestConnFilterParse(t *testing.T) {
	key := lb.ServiceKey{Protocol: lb.TCP, Addr: netip.MustParseAddrPort("192.0.2.1:80")}
	f, err := ConnFilter{Server: "tcp:192.0.2.1:80", Real: "10.0.0.1:80", Client: "198.51.100.77/24",
		State: "established"}.Parse()
	if err != nil {
		t.Fatal(err)
	}
	if *f.Service != key || f.Real.String() != "10.0.0.1:80" || f.Client.String() != "198.51.100.0/24" ||
		f.State != "ESTABLISHED" {
		t.Errorf("read as %+v", f)
	}
	if f, err = (ConnFilter{Client: "198.51.100.7"}).Parse(); err != nil || f.Client.String() != "198.51.100.7/32" {
		t.Errorf("a client's address was read as %v, %v", f.Client, err)
	}
	for _, bad := range []ConnFilter{
		{Server: "x"}, {Real: "x"}, {Client: "x"}, {Client: "1.2.3.4/33"}, {Client: "fe80::1%eth0"}, {State: "OPEN"},
	} {
		if f, err := bad.Parse(); !errors.Is(err, ErrUsage) {
			t.Errorf("%+v was read as %+v, %v", bad, f, err)
		}
	}
}
