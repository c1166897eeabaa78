/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The TCP states of LVS: the transitions of tcp_states in net/netfilter/ipvs/ip_vs_proto_tcp.c. */
#ifndef XLB_TCP_H
#define XLB_TCP_H

#include "packet.h"

#define TCP_EVENT_FLAGS (TCP_SYN | TCP_FIN | TCP_RST)
#define TCP_STATES (conn_synack + 1)

enum tcp_event { tcp_event_syn, tcp_event_fin, tcp_event_ack, tcp_event_rst, tcp_event_max };

/* Short names, so that the table reads like the one it has to agree with. */
enum {
	sNO = conn_none,
	sES = conn_established,
	sSS = conn_syn_sent,
	sSR = conn_syn_recv,
	sFW = conn_fin_wait,
	sTW = conn_time_wait,
	sCL = conn_close,
	sCW = conn_close_wait,
	sLA = conn_last_ack,
	sLI = conn_listen,
};

/* By direction (from the client, from the server), event and state; states in the order of enum conn_state. */
static const __u8 tcp_next[2][tcp_event_max][TCP_STATES] = {
	{
		[tcp_event_syn] = { sSR, sES, sES, sSR, sSR, sSR, sSR, sSR, sSR, sSR, sSR },
		[tcp_event_fin] = { sCL, sCW, sSS, sTW, sTW, sTW, sCL, sCW, sLA, sLI, sTW },
		[tcp_event_ack] = { sES, sES, sSS, sES, sFW, sTW, sCL, sCW, sCL, sLI, sES },
		[tcp_event_rst] = { sCL, sCL, sCL, sSR, sCL, sCL, sCL, sCL, sLA, sLI, sSR },
	},
	{
		[tcp_event_syn] = { sSS, sES, sSS, sSR, sSS, sSS, sSS, sSS, sSS, sLI, sSR },
		[tcp_event_fin] = { sTW, sFW, sSS, sTW, sFW, sTW, sCL, sTW, sLA, sLI, sTW },
		[tcp_event_ack] = { sES, sES, sSS, sES, sFW, sTW, sCL, sCW, sLA, sES, sES },
		[tcp_event_rst] = { sCL, sCL, sSS, sCL, sCL, sTW, sCL, sCL, sCL, sCL, sCL },
	},
};

/* What a segment is to the table; RST before SYN before FIN before ACK, -1 for none of them. */
static __always_inline int tcp_event_of(__u8 flags)
{
	if (flags & TCP_RST)
		return tcp_event_rst;
	if (flags & TCP_SYN)
		return tcp_event_syn;
	if (flags & TCP_FIN)
		return tcp_event_fin;
	return flags & TCP_ACK ? tcp_event_ack : -1;
}

/* A SYN that begins a connection, or begins it again. */
static __always_inline int tcp_opens(__u8 flags)
{
	return (flags & (TCP_EVENT_FLAGS | TCP_ACK)) == TCP_SYN;
}

/* The next state; the same one where there is nothing to change. */
static __always_inline __u32 tcp_transition(int reply, __u8 flags, __u32 state)
{
	int event = tcp_event_of(flags);

	if (event < 0 || state >= TCP_STATES)
		return state;
	return tcp_next[!!reply][event & 3][state];
}

/* Both ends, or one of them, have said goodbye: a new SYN means a new connection. */
static __always_inline int tcp_closing(__u32 state)
{
	switch (state) {
	case conn_fin_wait:
	case conn_time_wait:
	case conn_close:
	case conn_close_wait:
	case conn_last_ack:
		return 1;
	}
	return 0;
}

#endif
