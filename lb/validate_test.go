// SPDX-License-Identifier: Apache-2.0

package lb_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/lb"
)

// xdp is an engine as narrow as the first one.
func xdp() lb.Features {
	return lb.Features{Engine: "xdp", Schedulers: []lb.Scheduler{lb.RoundRobin}, Methods: []lb.Method{lb.NAT}, MaxServices: 2, MaxReals: 3}
}

func TestValidateService(t *testing.T) {
	addr := func(s string) func(*lb.Service) {
		return func(v *lb.Service) { v.Addr = netip.MustParseAddrPort(s) }
	}
	server := func(s string) func(*lb.Service) {
		return func(v *lb.Service) { v.Reals[0].Addr = netip.MustParseAddrPort(s) }
	}
	weight := func(w int) func(*lb.Service) { return func(v *lb.Service) { v.Reals[0].Weight = w } }
	method := func(m lb.Method) func(*lb.Service) { return func(v *lb.Service) { v.Reals[0].Method = m } }
	tests := []struct {
		name   string
		change func(*lb.Service)
		kind   error // nil: nothing is wrong
		says   string
	}{
		{"OK", func(*lb.Service) {}, nil, ""},
		{"OK: no real servers", func(v *lb.Service) { v.Reals = nil }, nil, ""},
		{"OK: weight 0", weight(0), nil, ""},
		{"OK: weight 65535", weight(65535), nil, ""},
		{"OK: one server, two ports", func(v *lb.Service) { v.Reals[1].Addr = netip.MustParseAddrPort("10.0.0.1:81") }, nil, ""},
		{"OK: owner of eight bytes", func(v *lb.Service) { v.Owner = "12345678" }, nil, ""},
		{"bad protocol", func(v *lb.Service) { v.Protocol = 47 }, lb.ErrUnsupported, "protocol 47"},
		{"bad: no address", func(v *lb.Service) { v.Addr = netip.AddrPort{} }, lb.ErrInvalid, "has no address"},
		{"bad: unspecified", addr("0.0.0.0:80"), lb.ErrInvalid, "unspecified"},
		{"bad: multicast", addr("224.0.0.18:80"), lb.ErrInvalid, "multicast"},
		{"bad: loopback", addr("127.0.0.1:80"), lb.ErrInvalid, "loopback"},
		{"bad: broadcast", addr("255.255.255.255:80"), lb.ErrInvalid, "broadcast"},
		{"bad: IPv4 as IPv6", addr("[::ffff:192.0.2.1]:80"), lb.ErrInvalid, "write 192.0.2.1"},
		{"bad: port 0", addr("192.0.2.1:0"), lb.ErrUnsupported, "port 0"},
		{"bad: server unspecified", server("0.0.0.0:80"), lb.ErrInvalid, "unspecified"},
		{"bad: server multicast", server("239.1.1.1:80"), lb.ErrInvalid, "multicast"},
		{"bad: server loopback", server("127.0.0.2:80"), lb.ErrInvalid, "loopback"},
		{"bad: server without an address", func(v *lb.Service) { v.Reals[0].Addr = netip.AddrPort{} }, lb.ErrInvalid, "has no address"},
		{"bad: server's port 0", server("10.0.0.1:0"), lb.ErrUnsupported, "port 0"},
		{"bad: server is the virtual server", server("192.0.2.1:8080"), lb.ErrInvalid, "circle"},
		{"bad: server twice", server("10.0.0.2:80"), lb.ErrDuplicate, "twice"},
		{"bad: negative weight", weight(-1), lb.ErrInvalid, "weight -1"},
		{"bad: weight too large", weight(65536), lb.ErrInvalid, "weight 65536"},
		{"bad: scheduler that LVS has", func(v *lb.Service) { v.Scheduler = "wlc" }, lb.ErrUnsupported, "use rr"},
		{"bad: scheduler misspelt", func(v *lb.Service) { v.Scheduler = "wllc" }, lb.ErrInvalid, `did you mean "wlc"?`},
		{"bad: no scheduler", func(v *lb.Service) { v.Scheduler = "" }, lb.ErrInvalid, "no scheduler"},
		{"bad: method that LVS has", method(lb.DR), lb.ErrUnsupported, "use nat"},
		{"bad: method misspelt", method("nta"), lb.ErrInvalid, `did you mean "nat"?`},
		{"bad: no method", method(""), lb.ErrInvalid, "no forwarding method"},
		{"bad: owner too long", func(v *lb.Service) { v.Owner = "123456789" }, lb.ErrInvalid, "owner"},
		{"bad: owner with NUL", func(v *lb.Service) { v.Owner = "a\x00" }, lb.ErrInvalid, "owner"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := nat("tcp:192.0.2.1:80", "10.0.0.1:80", "10.0.0.2:80")
			test.change(&v)
			err := lb.ValidateService(v, xdp()).Err()
			if test.kind == nil {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if !errors.Is(err, test.kind) || !errors.Is(err, lb.ErrInvalid) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, want %q and that it is %q", err, test.says, test.kind)
			}
		})
	}
}

func TestValidateFamilies(t *testing.T) {
	six, mixed := nat("tcp:[2001:db8::1]:80", "[2001:db8::2]:80"), nat("tcp:192.0.2.1:80", "[2001:db8::2]:80")
	zone := nat("tcp:192.0.2.1:80")
	zone.Addr = netip.MustParseAddrPort("[fe80::1%eth0]:80")
	if err := lb.ValidateService(six, features()).Err(); err != nil {
		t.Errorf("an engine with IPv6: %v", err)
	}
	if err := lb.ValidateService(six, xdp()).Err(); !errors.Is(err, lb.ErrUnsupported) {
		t.Errorf("an engine without IPv6: %v", err)
	}
	if err := lb.ValidateService(mixed, features()).Err(); !errors.Is(err, lb.ErrInvalid) || !strings.Contains(err.Error(), "families") {
		t.Errorf("mixed families: %v", err)
	}
	if err := lb.ValidateService(zone, features()).Err(); !errors.Is(err, lb.ErrInvalid) || !strings.Contains(err.Error(), "zone") {
		t.Errorf("a zone: %v", err)
	}
}

func TestValidatePortsOfMethods(t *testing.T) {
	for method, ok := range map[lb.Method]bool{lb.NAT: true, lb.DR: false, lb.TUN: false} {
		v := nat("tcp:192.0.2.1:80", "10.0.0.1:8080")
		v.Reals[0].Method = method
		if err := lb.ValidateService(v, features()).Err(); (err == nil) != ok {
			t.Errorf("%s to another port: %v", method, err)
		}
		v.Reals[0].Addr = netip.MustParseAddrPort("10.0.0.1:80")
		if err := lb.ValidateService(v, features()).Err(); err != nil {
			t.Errorf("%s to the same port: %v", method, err)
		}
	}
}

// One error says everything, each with its place.
func TestValidateFindsEverything(t *testing.T) {
	bad := nat("tcp:192.0.2.1:80", "10.0.0.1:80", "10.0.0.1:80", "127.0.0.1:80")
	bad.Scheduler = "x"
	bad.Reals[2].Weight = -5
	s := stateOf(bad, nat("tcp:192.0.2.2:80"), nat("tcp:192.0.2.2:80", "10.0.0.9:80"))
	s.Timeouts.UDP = -time.Second
	err := lb.Validate(s, xdp())
	found := lb.FindingsIn(err)
	var got []string
	for _, f := range found {
		got = append(got, f.Service.Addr.String()+" "+f.Real.String()+" "+f.What)
	}
	if len(found) != 8 {
		t.Errorf("%d findings, want 8:\n%s", len(found), strings.Join(got, "\n"))
	}
	for _, kind := range []error{lb.ErrInvalid, lb.ErrDuplicate, lb.ErrLimit} {
		if !errors.Is(err, kind) {
			t.Errorf("no finding is %q", kind)
		}
	}
	var one lb.Finding
	if !errors.As(err, &one) || one.Service != bad.ServiceKey {
		t.Errorf("the first finding: %+v", one)
	}
	want := `virtual server tcp:192.0.2.1:80: real server 127.0.0.1:80: weight -5 is out of range; use 0 (no new connections) to 65535`
	if !slices.Contains(strings.Split(err.Error(), "\n"), want) {
		t.Errorf("no line %q in\n%v", want, err)
	}
	for _, f := range found {
		if f.What == "" || f.Fix == "" || f.Kind == nil {
			t.Errorf("a finding says too little: %+v", f)
		}
	}
	if of := found.Of(bad.ServiceKey); len(of) != 4 {
		t.Errorf("%d findings of %s, want 4", len(of), bad.ServiceKey)
	}
	if of := found.Of(lb.ServiceKey{}); len(of) != 3 {
		t.Errorf("%d findings of the state, want 3: %v", len(of), of)
	}
}

func TestValidateLimits(t *testing.T) {
	fits := stateOf(nat("tcp:192.0.2.1:80", "10.0.0.1:80"), nat("tcp:192.0.2.2:80", "10.0.0.1:80", "10.0.0.2:80"))
	if err := lb.Validate(fits, xdp()); err != nil {
		t.Errorf("at the limits: %v", err)
	}
	tooMany := fits.With(nat("tcp:192.0.2.3:80", "10.0.0.1:80"))
	err := lb.Validate(tooMany, xdp())
	for _, says := range []string{"3 virtual servers, more than max_services = 2", "4 real servers of all virtual servers together, more than max_reals = 3"} {
		if !errors.Is(err, lb.ErrLimit) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	if err := lb.Validate(tooMany, features()); err != nil {
		t.Errorf("without limits: %v", err)
	}
}

func TestValidateTimeouts(t *testing.T) {
	for d, ok := range map[time.Duration]bool{0: true, time.Second: true, lb.MaxTimeout: true, -1: false, lb.MaxTimeout + 1: false} {
		if err := lb.Validate(lb.State{Timeouts: lb.Timeouts{FinWait: d}}, xdp()); (err == nil) != ok {
			t.Errorf("FIN_WAIT %s: %v", d, err)
		} else if err != nil && !strings.Contains(err.Error(), "FIN_WAIT") {
			t.Errorf("%v does not say which", err)
		}
	}
}

func TestGeneratedStatesAreValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if err := lb.Validate(genState().Draw(t, "state"), features()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestFindings(t *testing.T) {
	if err := (lb.Findings)(nil).Err(); err != nil {
		t.Errorf("no findings are an error: %v", err)
	}
	if found := lb.FindingsIn(errors.New("else")); found != nil {
		t.Errorf("findings in another error: %v", found)
	}
	one := lb.Finding{What: "it is wrong", Kind: lb.ErrLimit}
	if found := lb.FindingsIn(one); len(found) != 1 || one.Error() != "it is wrong" {
		t.Errorf("a single finding: %v, %q", found, one.Error())
	}
}
