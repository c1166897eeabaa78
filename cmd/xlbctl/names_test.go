// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const servicesFile = `# Network services
http		80/tcp		www WorldWideWeb	# HTTP
http		80/sctp
domain		53/tcp
domain		53/udp
kerberos	88/tcp		kerberos5 krb5
twice		80/tcp
broken
also-broken	eighty
`

func TestReadServices(t *testing.T) {
	want := map[portKey]string{
		{"80", "tcp"}: "http", {"80", "sctp"}: "http", {"53", "tcp"}: "domain", {"53", "udp"}: "domain", {"88", "tcp"}: "kerberos",
	}
	if diff := cmp.Diff(want, readServices(strings.NewReader(servicesFile))); diff != "" {
		t.Errorf("unexpected ports (-want +got):\n%s", diff)
	}
}

func FuzzReadServices(f *testing.F) {
	f.Add(servicesFile)
	f.Add("a b/c\n# x\n\t/\t/\n")
	f.Fuzz(func(t *testing.T, text string) {
		for k, name := range readServices(strings.NewReader(text)) {
			if name == "" || strings.ContainsAny(name+k.port+k.protocol, " \t\n#") {
				t.Errorf("%q: port %+v is %q", text, k, name)
			}
		}
	})
}

func TestNamed(t *testing.T) {
	hosts := map[string]string{"192.0.2.1": "www.example.com", "2001:db8::1": "www6.example.com"}
	ports := map[portKey]string{{"80", "tcp"}: "http"}
	for _, tt := range []struct{ protocol, in, want string }{
		{"tcp", "192.0.2.1:80", "www.example.com:http"},
		{"udp", "192.0.2.1:80", "www.example.com:80"},
		{"tcp", "192.0.2.2:8080", "192.0.2.2:8080"},
		{"tcp", "[2001:db8::1]:80", "[www6.example.com]:http"},
		{"tcp", "[2001:db8::2]:80", "[2001:db8::2]:http"},
	} {
		if got := named(tt.protocol, tt.in, hosts, ports); got != tt.want {
			t.Errorf("named(%s, %s) = %s, want %s", tt.protocol, tt.in, got, tt.want)
		}
	}
}

// A name server that does not answer costs half a second once, not once for
// each address.
func TestHostNamesDoesNotWaitLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan string, 10)
		ask := func(ctx context.Context, addr string) ([]string, error) {
			asked <- addr
			switch addr {
			case "192.0.2.1":
				return []string{"www.example.com.", "alias.example.com."}, nil
			case "192.0.2.2":
				return nil, errors.New("no such host")
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}
		begun := time.Now()
		addrs := []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.3"}
		got := hostNames(t.Context(), addrs, ask)
		if diff := cmp.Diff(map[string]string{"192.0.2.1": "www.example.com"}, got); diff != "" {
			t.Errorf("unexpected names (-want +got):\n%s", diff)
		}
		if took := time.Since(begun); took != lookup {
			t.Errorf("it took %v, want %v", took, lookup)
		}
		if len(asked) != 4 {
			t.Errorf("%d questions for 4 addresses", len(asked))
		}
	})
}
