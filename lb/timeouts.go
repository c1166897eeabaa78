// SPDX-License-Identifier: Apache-2.0

package lb

import (
	"time"
)

// Timeouts by state (ip_vs_proto_tcp.c); zero fields mean [DefaultTimeouts].
type Timeouts struct {
	Established, SynSent, SynRecv, FinWait, TimeWait, Close, CloseWait, LastAck, Listen, SynAck time.Duration
	UDP                                                                                         time.Duration
}

// MaxTimeout is the longest that is accepted, as in keepalived
// (LVS_MAX_TIMEOUT): 31 days.
const MaxTimeout = 31 * 24 * time.Hour

// timeoutSlack is how much a timeout may differ when it is read back: engines
// count in ticks of about an eighth of a second.
const timeoutSlack = 200 * time.Millisecond

// DefaultTimeouts are those of LVS (ip_vs_proto_tcp.c, tcp_timeouts;
// ip_vs_proto_udp.c, udp_timeouts).
func DefaultTimeouts() Timeouts {
	return Timeouts{
		Established: 900 * time.Second,
		SynSent:     120 * time.Second,
		SynRecv:     60 * time.Second,
		FinWait:     120 * time.Second,
		TimeWait:    120 * time.Second,
		Close:       10 * time.Second,
		CloseWait:   60 * time.Second,
		LastAck:     30 * time.Second,
		Listen:      120 * time.Second,
		SynAck:      120 * time.Second,
		UDP:         300 * time.Second,
	}
}

// timeoutField is one timeout by the name of its state, as ipvsadm -Lnc
// prints it.
type timeoutField struct {
	state string
	value *time.Duration
}

func (t *Timeouts) fields() []timeoutField {
	return []timeoutField{
		{"ESTABLISHED", &t.Established}, {"SYN_SENT", &t.SynSent}, {"SYN_RECV", &t.SynRecv},
		{"FIN_WAIT", &t.FinWait}, {"TIME_WAIT", &t.TimeWait}, {"CLOSE", &t.Close},
		{"CLOSE_WAIT", &t.CloseWait}, {"LAST_ACK", &t.LastAck}, {"LISTEN", &t.Listen},
		{"SYNACK", &t.SynAck}, {"UDP", &t.UDP},
	}
}

// OrDefault fills in the default where a field is zero.
func (t Timeouts) OrDefault() Timeouts {
	defaults := DefaultTimeouts()
	for i, f := range t.fields() {
		if *f.value == 0 {
			*f.value = *defaults.fields()[i].value
		}
	}
	return t
}

// Of is the timeout of a state by the name that ipvsadm -Lnc prints; false for
// an unknown name.
func (t Timeouts) Of(state string) (time.Duration, bool) {
	t = t.OrDefault()
	for _, f := range t.fields() {
		if f.state == state {
			return *f.value, true
		}
	}
	return 0, false
}

// Near says whether o is what an engine reads back that was given t: equal but
// for the rounding to ticks.
func (t Timeouts) Near(o Timeouts) bool {
	t, o = t.OrDefault(), o.OrDefault()
	theirs := o.fields()
	for i, f := range t.fields() {
		if (*f.value - *theirs[i].value).Abs() > timeoutSlack {
			return false
		}
	}
	return true
}
