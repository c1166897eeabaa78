// SPDX-License-Identifier: Apache-2.0

package maps

import (
	"fmt"

	"github.com/xlb-project/xlb/bpf"
)

// ConnState is a connection's state, as LVS has them (include/net/ip_vs.h,
// IP_VS_TCP_S_*), and one for UDP.
type ConnState uint8

// The states.
const (
	StateNone        = ConnState(bpf.LbConnStateConnNone)
	StateEstablished = ConnState(bpf.LbConnStateConnEstablished)
	StateSynSent     = ConnState(bpf.LbConnStateConnSynSent)
	StateSynRecv     = ConnState(bpf.LbConnStateConnSynRecv)
	StateFinWait     = ConnState(bpf.LbConnStateConnFinWait)
	StateTimeWait    = ConnState(bpf.LbConnStateConnTimeWait)
	StateClose       = ConnState(bpf.LbConnStateConnClose)
	StateCloseWait   = ConnState(bpf.LbConnStateConnCloseWait)
	StateLastAck     = ConnState(bpf.LbConnStateConnLastAck)
	StateListen      = ConnState(bpf.LbConnStateConnListen)
	StateSynAck      = ConnState(bpf.LbConnStateConnSynack)
	StateUDP         = ConnState(bpf.LbConnStateConnUdp)
	// StateMax is the number of states that have a timeout.
	StateMax = ConnState(bpf.LbConnStateConnStateMax)
	// StateDead: claimed by whoever removes it; counts as absent.
	StateDead = ConnState(bpf.LbConnStateConnDead)
)

// String is what "ipvsadm -Lnc" prints (ip_vs_proto_tcp.c, tcp_state_name).
func (s ConnState) String() string {
	names := [StateMax]string{
		"NONE", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT", "TIME_WAIT",
		"CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "SYNACK", "UDP",
	}
	switch {
	case s < StateMax:
		return names[s]
	case s == StateDead:
		return "DEAD"
	}
	return fmt.Sprintf("STATE_%d", uint8(s))
}

// Active says that ipvsadm counts such a connection as ActiveConn; the others
// are InActConn (ip_vs_proto_tcp.c, tcp_state_active_table).
func (s ConnState) Active() bool {
	switch s {
	case StateEstablished, StateSynSent, StateSynRecv, StateSynAck, StateUDP:
		return true
	}
	return false
}

// ConnFlags are the bits beside the state, in the place that they have in the
// map: the lowest eight bits belong to the state.
type ConnFlags uint32

// The flags.
const (
	// FlagReply: this half carries packets from the server.
	FlagReply = ConnFlags(bpf.LbConnFlagConnFlagReply)
	// FlagInline: the next hop is MAC and Port, not NextHop.
	FlagInline = ConnFlags(bpf.LbConnFlagConnFlagInline)
	// FlagAnswered: half-open; the server has answered.
	FlagAnswered = ConnFlags(bpf.LbConnFlagConnFlagAnswered)
)

// Has says that all bits of want are set.
func (f ConnFlags) Has(want ConnFlags) bool { return f&want == want }

const stateMask = 0xff
