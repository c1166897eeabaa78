/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The established table: looking up, keeping time, following TCP, ending.
 *
 * A connection is a pair of entries that find each other by their contents.
 * The request half's status is the truth about the pair: it is changed by
 * compare-and-swap, and who changes it to conn_dead removes both halves and
 * takes the connection off the real server's count. So no connection is
 * counted or uncounted twice, whoever meets it: packets on two CPUs, the
 * sweep, an operator.
 */
#ifndef XLB_CONN_H
#define XLB_CONN_H

#include "nexthop.h"
#include "tcp.h"

#define STATUS_STATE(status) ((status) & 0xff)
#define STATUS_WITH(status, state) (((status) & ~0xffU) | (state))

/* The entry is not, or no longer, there: go on as if it had not been found. */
#define CONN_GONE (-reason_max)

static __always_inline struct tunables *conn_settings(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&settings, &zero);
}

/* Nothing has come for longer than the state allows. */
static __always_inline int conn_idle(const struct conn4 *c, __u32 now)
{
	struct tunables *t = conn_settings();

	return t && (__s32)(now - c->seen) > (__s32)t->timeouts[STATUS_STATE(c->status) & 15];
}

static __always_inline void conn_partner_key(const struct conn4 *c, __u8 proto, struct conn4_key *key)
{
	key->saddr = c->daddr;
	key->daddr = c->saddr;
	key->sport = c->dport;
	key->dport = c->sport;
	key->proto = proto;
	__builtin_memset(key->pad, 0, sizeof(key->pad));
}

/* ActiveConn or InActConn: tcp_state_active in ip_vs_proto_tcp.c. */
static __always_inline int conn_active(__u32 state)
{
	switch (state) {
	case conn_established:
	case conn_syn_sent:
	case conn_syn_recv:
	case conn_synack:
	case conn_udp:
		return 1;
	}
	return 0;
}

/* Adds to the count that a state belongs to. */
static __always_inline void load_add(__u32 real, __u32 state, __s64 n)
{
	struct real_load *l = bpf_map_lookup_elem(&loads, &real);

	if (!l)
		return;
	if (conn_active(state))
		__sync_fetch_and_add(&l->active, n);
	else
		__sync_fetch_and_add(&l->inactive, n);
}

/* One half-open connection more (n is 1) or less (-1). */
static __always_inline void load_half_open(__u32 real, __s64 n)
{
	struct real_load *l = bpf_map_lookup_elem(&loads, &real);

	if (!l)
		return;
	__sync_fetch_and_add(&l->half_open, n);
	if (n > 0)
		__sync_fetch_and_add(&l->total, 1);
}

/*
 * Claims a request half for removal; 1 for the one caller that wins. What the
 * count belongs to is read before the claim: afterwards the entry may be
 * another connection's already.
 */
static __always_inline int conn_claim(struct conn4 *c)
{
	__u32 status = *(volatile __u32 *)&c->status;
	__u32 real = *(volatile __u32 *)&c->real;

	if (STATUS_STATE(status) == conn_dead)
		return 0;
	if (__sync_val_compare_and_swap(&c->status, status, STATUS_WITH(status, conn_dead)) != status)
		return 0;
	load_add(real, STATUS_STATE(status), -1);
	return 1;
}

/* Ends the connection that has an entry under key. 1 when it is gone by this call. */
__noinline int conn_end(struct conn4_key *key)
{
	struct conn4_key other = {};
	struct conn4 *c, *partner, *request;

	if (!key)
		return 0;
	c = bpf_map_lookup_elem(&established4, key);
	if (!c)
		return 0;
	conn_partner_key(c, key->proto, &other);
	partner = bpf_map_lookup_elem(&established4, &other);
	request = c->status & conn_flag_reply ? partner : c;
	if (request && !conn_claim(request))
		return 0;
	bpf_map_delete_elem(&established4, key);
	if (partner)
		bpf_map_delete_elem(&established4, &other);
	return 1;
}

/* Whether both halves have been idle for too long; key is c's. */
static __always_inline int conn_expired(const struct conn4_key *key, const struct conn4 *c, __u32 now)
{
	struct conn4_key other;
	struct conn4 *partner;

	if (!conn_idle(c, now))
		return 0;
	conn_partner_key(c, key->proto, &other);
	partner = bpf_map_lookup_elem(&established4, &other);
	return !partner || conn_idle(partner, now);
}

/*
 * The answer goes to where the client's last request came from. mac and port
 * are one word, so that a packet never sees half of a change.
 */
static __always_inline void conn_follow_client(const struct packet *p, struct conn4 *c)
{
	__u32 ifindex = p->ifindex, port = c->port, *id;
	struct port *from = bpf_map_lookup_elem(&ports, &port);
	__u64 here = *(const __u64 *)p->src_mac;
	struct conn4_key other;
	struct conn4 *partner;

	if (from && from->ifindex == ifindex && !__builtin_memcmp(c->mac, p->src_mac, 6))
		return;
	id = bpf_map_lookup_elem(&port_ids, &ifindex);
	if (!id)
		return;
	((__u16 *)&here)[3] = *id;
	*(volatile __u64 *)c->mac = here;
	conn_partner_key(c, p->key.proto, &other);
	partner = bpf_map_lookup_elem(&established4, &other);
	if (partner && partner->status & conn_flag_inline)
		*(volatile __u64 *)partner->mac = here;
}

/* A segment that may change the state. Both halves have it, the request half decides it. */
static __always_inline int conn_follow_tcp(const struct packet *p, struct conn4 *c)
{
	int reply = !!(c->status & conn_flag_reply);
	struct conn4_key other;
	struct conn4 *partner, *request;
	__u32 status, state, next, real;

	conn_partner_key(c, IPPROTO_TCP, &other);
	partner = bpf_map_lookup_elem(&established4, &other);
	request = reply ? partner : c;
	if (!request)
		return CONN_GONE;
	for (int i = 0; i < XLB_CAS_TRIES; i++) {
		status = *(volatile __u32 *)&request->status;
		real = *(volatile __u32 *)&request->real;
		state = STATUS_STATE(status);
		if (state == conn_dead || (!reply && tcp_opens(p->tcp_flags) && tcp_closing(state)))
			return CONN_GONE;
		next = tcp_transition(reply, p->tcp_flags, state);
		if (next == state)
			break;
		if (__sync_val_compare_and_swap(&request->status, status, STATUS_WITH(status, next)) != status)
			continue;
		if (conn_active(next) != conn_active(state)) {
			load_add(real, state, -1);
			load_add(real, next, 1);
		}
		break;
	}
	if (reply)
		c->status = STATUS_WITH(c->status, next);
	else if (partner)
		partner->status = STATUS_WITH(partner->status, next);
	return 0;
}

/* Without a daemon the data path keeps the next hop true by itself. */
static __always_inline void conn_follow_hop(struct xdp_md *ctx, const struct packet *p, const struct conn4 *c)
{
	struct tunables *t = conn_settings();

	if (t && (__u32)(p->now - (__u32)t->heartbeat) > heartbeat_limit && !(c->status & conn_flag_inline))
		hop_refresh(ctx, c->next_hop, p->now);
}

/* The first packet of a tick, or one that may change the state. */
__noinline int conn_event(struct xdp_md *ctx, struct packet *p, struct conn4 *c)
{
	int verdict = 0;

	if (!p || !c)
		return -reason_internal;
	if (STATUS_STATE(c->status) == conn_dead)
		return CONN_GONE;
	if (c->seen != p->now) {
		if (conn_expired(&p->key, c, p->now))
			goto gone;
		c->seen = p->now;
		if (!(c->status & conn_flag_reply))
			conn_follow_client(p, c);
		conn_follow_hop(ctx, p, c);
	}
	if (p->key.proto == IPPROTO_TCP &&
	    (p->tcp_flags & TCP_EVENT_FLAGS || STATUS_STATE(c->status) != conn_established))
		verdict = conn_follow_tcp(p, c);
	if (verdict != CONN_GONE)
		return verdict;
gone:
	conn_end(&p->key);
	return CONN_GONE;
}

/* A packet of an established connection. Nearly always there is nothing to do but to forward it. */
static __always_inline int conn_hit(struct xdp_md *ctx, struct packet *p, struct conn4 *c)
{
	__u32 state = STATUS_STATE(c->status);

	if (likely(c->seen == p->now && !(p->tcp_flags & TCP_EVENT_FLAGS) &&
		   (state == conn_established || state == conn_udp)))
		return 0;
	return conn_event(ctx, p, c);
}

#endif
