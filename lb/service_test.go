// SPDX-License-Identifier: Apache-2.0

package lb_test

import (
	"encoding/json"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/xlb-project/xlb/lb"
)

func TestServiceEqual(t *testing.T) {
	base := nat("tcp:192.0.2.1:80", "10.0.0.1:80", "10.0.0.2:80")
	differences := map[string]func(*lb.Service){
		"address":   func(s *lb.Service) { s.Addr = netip.MustParseAddrPort("192.0.2.2:80") },
		"port":      func(s *lb.Service) { s.Addr = netip.MustParseAddrPort("192.0.2.1:81") },
		"protocol":  func(s *lb.Service) { s.Protocol = lb.UDP },
		"scheduler": func(s *lb.Service) { s.Scheduler = "wrr" },
		"instance":  func(s *lb.Service) { s.Instance = 1 },
		"owner":     func(s *lb.Service) { s.Owner = "x" },
		"order":     func(s *lb.Service) { s.Reals[0], s.Reals[1] = s.Reals[1], s.Reals[0] },
		"weight":    func(s *lb.Service) { s.Reals[1].Weight = 2 },
		"method":    func(s *lb.Service) { s.Reals[1].Method = lb.DR },
		"fewer":     func(s *lb.Service) { s.Reals = s.Reals[:1] },
		"none":      func(s *lb.Service) { s.Reals = nil },
	}
	for name, change := range differences {
		other := base.Clone()
		if !base.Equal(other) {
			t.Fatalf("a clone differs")
		}
		change(&other)
		if base.Equal(other) || other.Equal(base) {
			t.Errorf("another %s makes no difference", name)
		}
	}
	if a, b := nat("tcp:192.0.2.1:80"), nat("tcp:192.0.2.1:80"); !a.Equal(b) {
		t.Errorf("equal ones differ")
	}
	none, empty := nat("tcp:192.0.2.1:80"), nat("tcp:192.0.2.1:80")
	empty.Reals = []lb.Real{}
	if !none.Equal(empty) {
		t.Errorf("no real servers differ from no real servers")
	}
}

func TestServiceIndex(t *testing.T) {
	s := nat("tcp:192.0.2.1:80", "10.0.0.1:80", "10.0.0.2:80")
	if i := s.Index(netip.MustParseAddrPort("10.0.0.2:80")); i != 1 {
		t.Errorf("Index: %d, want 1", i)
	}
	if i := s.Index(netip.MustParseAddrPort("10.0.0.2:81")); i != -1 {
		t.Errorf("Index of another port: %d, want -1", i)
	}
}

// The embedded key's text does not speak for the whole service.
func TestServiceInJSON(t *testing.T) {
	s := nat("tcp:192.0.2.1:80", "10.0.0.1:8080")
	s.Owner = lb.OwnerDaemon
	data, err := json.Marshal(s)
	want := `{"server":"tcp:192.0.2.1:80","scheduler":"rr","owner":"xlbd",` +
		`"reals":[{"address":"10.0.0.1:8080","method":"nat","weight":1}]}`
	if err != nil || string(data) != want {
		t.Errorf("%s, %v, want %s", data, err, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		in := genService().Draw(t, "service")
		data, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var out lb.Service
		if err := json.Unmarshal(data, &out); err != nil || !out.Equal(in) {
			t.Fatalf("%v: %s became %v", err, data, out)
		}
	})
	var out lb.Service
	if err := json.Unmarshal([]byte(`{"server":"tcp:192.0.2.1:80","scheduler":"rr","later":1}`), &out); err != nil {
		t.Errorf("with an unknown field: %v", err)
	}
	if err := json.Unmarshal([]byte(`{"server":"tcp"}`), &out); err == nil {
		t.Errorf("without an address: no error")
	}
}
