// SPDX-License-Identifier: Apache-2.0

package bpf_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xlb-project/xlb/bpf"
	"github.com/xlb-project/xlb/test/packet"
)

// states are LVS's, in the order in which its tables list them, with its short names.
var states = []struct {
	name   string
	state  bpf.LbConnState
	active bool // counts as ActiveConn; else as InActConn
}{
	{"NO", bpf.LbConnStateConnNone, false},
	{"ES", bpf.LbConnStateConnEstablished, true},
	{"SS", bpf.LbConnStateConnSynSent, true},
	{"SR", bpf.LbConnStateConnSynRecv, true},
	{"FW", bpf.LbConnStateConnFinWait, false},
	{"TW", bpf.LbConnStateConnTimeWait, false},
	{"CL", bpf.LbConnStateConnClose, false},
	{"CW", bpf.LbConnStateConnCloseWait, false},
	{"LA", bpf.LbConnStateConnLastAck, false},
	{"LI", bpf.LbConnStateConnListen, false},
	{"SA", bpf.LbConnStateConnSynack, true},
}

// transitions is what a segment makes of each state: the "INPUT" and "OUTPUT" parts of tcp_states in net/netfilter/ipvs/ip_vs_proto_tcp.c,
// the columns in the order of states.
var transitions = map[string]map[string]string{
	"client": {
		"syn": "SR ES ES SR SR SR SR SR SR SR SR",
		"fin": "CL CW SS TW TW TW CL CW LA LI TW",
		"ack": "ES ES SS ES FW TW CL CW CL LI ES",
		"rst": "CL CL CL SR CL CL CL CL LA LI SR",
		"":    "NO ES SS SR FW TW CL CW LA LI SA",
	},
	"server": {
		"syn": "SS ES SS SR SS SS SS SS SS LI SR",
		"fin": "TW FW SS TW FW TW CL TW LA LI TW",
		"ack": "ES ES SS ES FW TW CL CW LA ES ES",
		"rst": "CL CL SS CL CL TW CL CL CL CL CL",
		"":    "NO ES SS SR FW TW CL CW LA LI SA",
	},
}

// event is what LVS takes a segment for (tcp_state_idx).
func event(flags packet.Flags) string {
	switch {
	case flags&packet.RST != 0:
		return "rst"
	case flags&packet.SYN != 0:
		return "syn"
	case flags&packet.FIN != 0:
		return "fin"
	case flags&packet.ACK != 0:
		return "ack"
	}
	return ""
}

// TestTCPTransitions sends every combination of SYN, FIN, RST and ACK in every state from both ends.
func TestTCPTransitions(t *testing.T) {
	t.Parallel()
	d := newDirector(t)
	f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
	f.establishes(t)
	for who, table := range transitions {
		for flags := range packet.ACK << 1 {
			if flags&packet.PSH != 0 {
				continue
			}
			for i, from := range strings.Fields(table[""]) {
				to := strings.Fields(table[event(flags)])[i]
				if who == "client" && flags == packet.SYN && slices.Contains(closing, from) {
					continue // begins a new connection: TestReuse
				}
				t.Run(fmt.Sprintf("%s in %s, %s from the %s", to, from, flags, who), func(t *testing.T) {
					f.transition(t, who, flags, from, to)
				})
			}
		}
	}
}

// closing are the states in which a SYN begins a new connection.
var closing = []string{"FW", "TW", "CL", "CW", "LA"}

// transition puts the connection into a state, sends a segment, and expects another state.
func (f flow) transition(t *testing.T, who string, flags packet.Flags, from, to string) {
	t.Helper()
	f.setState(t, from)
	if who == "client" {
		f.sends(t, message{flags: flags})
	} else {
		f.answers(t, message{flags: flags})
	}
	f.inState(t, to)
}

// setState writes a state into both halves, and the count that goes with it.
func (f flow) setState(t testing.TB, name string) {
	t.Helper()
	i := stateIndex(t, name)
	for _, k := range []bpf.LbConn4Key{f.requestKey(), f.replyKey()} {
		edit(t, f.d.Established4, k, func(c *bpf.LbConn4) { c.Status = c.Status&^0xff | uint32(states[i].state) })
	}
	edit(t, f.d.Loads, f.server.id, func(l *bpf.LbRealLoad) {
		l.Active, l.Inactive = counted(states[i].active)
	})
}

// inState fails the test unless both halves have the state and the real server one connection of its kind.
func (f flow) inState(t testing.TB, name string) {
	t.Helper()
	i := stateIndex(t, name)
	f.isEstablished(t, states[i].state)
	var want load
	want.Active, want.Inactive = counted(states[i].active)
	f.loadIs(t, int(f.server.id-f.reals[0].id), want)
}

// counted returns the counts of active and inactive connections that one connection makes.
func counted(active bool) (int64, int64) {
	if active {
		return 1, 0
	}
	return 0, 1
}

func stateIndex(t testing.TB, name string) int {
	t.Helper()
	for i := range states {
		if states[i].name == name {
			return i
		}
	}
	t.Fatalf("no state is called %q", name)
	return 0
}

// TestTCPClosing plays the ends of connections, packet for packet.
func TestTCPClosing(t *testing.T) {
	t.Parallel()
	type step struct {
		who   string
		flags packet.Flags
		state string
	}
	const finAck, ackOnly, rstAck = packet.FIN | packet.ACK, packet.ACK, packet.RST | packet.ACK
	cases := map[string][]step{
		"the client first": {
			{"client", finAck, "CW"}, {"server", ackOnly, "CW"}, {"server", packet.PSH | ackOnly, "CW"},
			{"server", finAck, "TW"}, {"client", ackOnly, "TW"},
		},
		"the server first": {
			{"server", finAck, "FW"}, {"client", ackOnly, "FW"}, {"client", packet.PSH | ackOnly, "FW"},
			{"client", finAck, "TW"}, {"server", ackOnly, "TW"},
		},
		"both at once": {
			{"client", finAck, "CW"}, {"server", finAck, "TW"}, {"client", ackOnly, "TW"}, {"server", ackOnly, "TW"},
		},
		"FIN again": {
			{"client", finAck, "CW"}, {"client", finAck, "CW"}, {"server", finAck, "TW"}, {"server", finAck, "TW"},
			{"client", ackOnly, "TW"},
		},
		"reset by the client": {{"client", packet.RST, "CL"}, {"server", ackOnly, "CL"}},
		"reset by the server": {{"server", rstAck, "CL"}, {"client", ackOnly, "CL"}},
		"reset while closing": {{"client", finAck, "CW"}, {"server", rstAck, "CL"}},
	}
	for _, tickShift := range []uint32{frozen, live} {
		d := setup{tickShift: tickShift}.director(t)
		f := d.serve(t, packet.ProtoTCP, vip, d.server(1)).flow(0, 40000)
		for name, steps := range cases {
			t.Run(fmt.Sprintf("%s, tick shift %d", name, tickShift), func(t *testing.T) {
				f.establishes(t)
				f.inState(t, "ES")
				for _, s := range steps {
					play := map[string]func(testing.TB, message){"client": f.sends, "server": f.answers}[s.who]
					play(t, message{flags: s.flags})
					f.inState(t, s.state)
				}
				f.cut(t)
				f.loadIs(t, 0, load{})
			})
		}
	}
}
