// SPDX-License-Identifier: Apache-2.0

package lb_test

import (
	"encoding"
	"errors"
	"strings"
	"testing"

	"github.com/xlb-project/xlb/lb"
)

func TestProtocol(t *testing.T) {
	for text, want := range map[string]lb.Protocol{"tcp": lb.TCP, "UDP": lb.UDP, "Tcp": lb.TCP, "icmp": 0, "": 0, "6": 0} {
		got, err := lb.ParseProtocol(text)
		if got != want || (want == 0) != errors.Is(err, lb.ErrSyntax) {
			t.Errorf("ParseProtocol(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	if s := lb.Protocol(47).String(); s != "protocol-47" {
		t.Errorf("protocol 47 is %q", s)
	}
	if text, err := lb.Protocol(47).MarshalText(); !errors.Is(err, lb.ErrSyntax) {
		t.Errorf("protocol 47 becomes %q, %v", text, err)
	}
}

func TestScheduler(t *testing.T) {
	for text, want := range map[string]lb.Scheduler{"rr": "rr", "WLC": "wlc", "mh": "mh", "lblcr": "lblcr"} {
		if got, err := lb.ParseScheduler(text); got != want || err != nil {
			t.Errorf("ParseScheduler(%q) = %v, %v", text, got, err)
		}
	}
	for text, hint := range map[string]string{"wr": `"rr"`, "wllc": `"wlc"`, "lblccr": `"lblcr"`, "zz": "rr, wrr", "round-robin": "rr, wrr", "": "rr, wrr"} {
		_, err := lb.ParseScheduler(text)
		if !errors.Is(err, lb.ErrSyntax) || !strings.Contains(err.Error(), hint) {
			t.Errorf("ParseScheduler(%q): %v, want a hint at %s", text, err, hint)
		}
	}
}

func TestMethod(t *testing.T) {
	words := map[lb.Method][]string{
		lb.NAT: {"nat", "NAT", "Masq", "masquerading"},
		lb.DR:  {"dr", "DR", "Route", "gatewaying"},
		lb.TUN: {"tun", "TUN", "Tunnel", "ipip"},
	}
	for want, texts := range words {
		for _, text := range append(texts, want.Word(), want.String()) {
			if got, err := lb.ParseMethod(text); got != want || err != nil {
				t.Errorf("ParseMethod(%q) = %v, %v, want %v", text, got, err, want)
			}
		}
	}
	if w := lb.NAT.Word() + lb.DR.Word() + lb.TUN.Word() + lb.Method("x").Word(); w != "MasqRouteTunnelx" {
		t.Errorf("words: %s", w)
	}
	if _, err := lb.ParseMethod("nta"); !errors.Is(err, lb.ErrSyntax) || !strings.Contains(err.Error(), `"nat"`) {
		t.Errorf("nta: %v", err)
	}
}

// What is written as text is read again, and nonsense is not.
func TestTextBothWays(t *testing.T) {
	type text interface {
		encoding.TextUnmarshaler
		encoding.TextMarshaler
	}
	ptr := func(p lb.Protocol, s lb.Scheduler, m lb.Method, k lb.ServiceKey) []text {
		return []text{&p, &s, &m, &k}
	}
	zero := ptr(0, "", "", lb.ServiceKey{})
	for i, v := range ptr(lb.UDP, "wlc", lb.TUN, mustKey("udp:192.0.2.1:53")) {
		written, err := v.MarshalText()
		if err != nil {
			t.Fatalf("%T: %v", v, err)
		}
		if err := zero[i].UnmarshalText(written); err != nil {
			t.Errorf("%T: reading %q: %v", v, written, err)
		}
		if again, _ := zero[i].MarshalText(); string(again) != string(written) {
			t.Errorf("%T: %q became %q", v, written, again)
		}
		if err := v.UnmarshalText([]byte("nonsense")); !errors.Is(err, lb.ErrSyntax) {
			t.Errorf("%T: reading nonsense: %v", v, err)
		}
	}
}

func FuzzParseWords(f *testing.F) {
	f.Add("wrr")
	f.Add("Masq")
	f.Add("tcp")
	f.Add("Ⅷ\xff")
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := lb.ParseScheduler(s); (err == nil) != v.Known() {
			t.Errorf("scheduler %q: %q, %v", s, v, err)
		}
		if v, err := lb.ParseMethod(s); err == nil && v != lb.NAT && v != lb.DR && v != lb.TUN {
			t.Errorf("method %q: %q", s, v)
		}
		if v, err := lb.ParseProtocol(s); err == nil && v != lb.TCP && v != lb.UDP {
			t.Errorf("protocol %q: %v", s, v)
		}
	})
}
