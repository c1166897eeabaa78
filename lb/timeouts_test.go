// SPDX-License-Identifier: Apache-2.0

package lb_test

import (
	"testing"
	"time"

	"github.com/xlb-project/xlb/lb"
)

func TestDefaultTimeoutsAreThoseOfLVS(t *testing.T) {
	seconds := map[string]int{
		"ESTABLISHED": 900, "SYN_SENT": 120, "SYN_RECV": 60, "FIN_WAIT": 120, "TIME_WAIT": 120, "CLOSE": 10,
		"CLOSE_WAIT": 60, "LAST_ACK": 30, "LISTEN": 120, "SYNACK": 120, "UDP": 300,
	}
	for state, want := range seconds {
		for _, timeouts := range []lb.Timeouts{{}, lb.DefaultTimeouts()} {
			if got, ok := timeouts.Of(state); !ok || got != time.Duration(want)*time.Second {
				t.Errorf("%s: %s, %t, want %d s", state, got, ok, want)
			}
		}
	}
	if d, ok := lb.DefaultTimeouts().Of("NONE"); ok {
		t.Errorf("state NONE has a timeout: %s", d)
	}
}

func TestTimeoutsOrDefault(t *testing.T) {
	want := lb.DefaultTimeouts()
	want.UDP = time.Second
	if got := (lb.Timeouts{UDP: time.Second}).OrDefault(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestTimeoutsNear(t *testing.T) {
	tests := []struct {
		name string
		a, b lb.Timeouts
		want bool
	}{
		{"zero is the default", lb.Timeouts{}, lb.DefaultTimeouts(), true},
		{"rounded down to a tick", lb.Timeouts{Close: 10 * time.Second}, lb.Timeouts{Close: 9984 * time.Millisecond}, true},
		{"rounded up to a tick", lb.Timeouts{Close: 10 * time.Second}, lb.Timeouts{Close: 10120 * time.Millisecond}, true},
		{"a second more", lb.Timeouts{Close: 10 * time.Second}, lb.Timeouts{Close: 11 * time.Second}, false},
		{"half a second and a whole", lb.Timeouts{Close: time.Second}, lb.Timeouts{Close: time.Second / 2}, false},
		{"another field", lb.Timeouts{UDP: time.Second}, lb.Timeouts{SynAck: time.Second}, false},
	}
	for _, test := range tests {
		if test.a.Near(test.b) != test.want || test.b.Near(test.a) != test.want {
			t.Errorf("%s: %t, want %t", test.name, !test.want, test.want)
		}
	}
}
