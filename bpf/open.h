/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From the first packet to the established table. Half-open connections live
 * in a table of their own that a flood may turn over; a connection moves to
 * the established one when both ends have shown that they are there.
 */
#ifndef XLB_OPEN_H
#define XLB_OPEN_H

#include "conn.h"
#include "nat.h"
#include "sched.h"
#include "stats.h"

#ifndef EEXIST
#define EEXIST 17
#endif

/* How many real servers are tried when the answer's tuple is taken. */
#define OPEN_TRIES 4

/* Both halves, ready to be inserted. */
struct pair {
	struct conn4_key request_key;
	struct conn4_key reply_key;
	struct conn4 request;
	struct conn4 reply;
};

/* The reply half follows from the request half. It goes back to where the request came from. */
static __always_inline void pair_complete(struct pair *x)
{
	const struct conn4_key *k = &x->request_key;

	nat_deltas(k, &x->request);
	conn_partner_key(&x->request, k->proto, &x->reply_key);
	x->reply = x->request;
	x->reply.saddr = k->daddr;
	x->reply.daddr = k->saddr;
	x->reply.sport = k->dport;
	x->reply.dport = k->sport;
	x->reply.next_hop = 0;
	x->reply.status |= conn_flag_reply | conn_flag_inline;
	nat_deltas(&x->reply_key, &x->reply);
}

/* The reply half first: where it cannot be had, nothing has happened yet. */
static __always_inline long pair_insert(void *table, struct pair *x)
{
	long err = bpf_map_update_elem(table, &x->reply_key, &x->reply, BPF_NOEXIST);

	if (err)
		return err;
	err = bpf_map_update_elem(table, &x->request_key, &x->request, BPF_NOEXIST);
	if (err)
		bpf_map_delete_elem(table, &x->reply_key);
	return err;
}

/* A half-open entry that is being removed, or has been idle for too long, counts as absent. */
static __always_inline int half_usable(const struct conn4 *h, __u32 now)
{
	return h && STATUS_STATE(h->status) != conn_dead && !conn_idle(h, now);
}

static __always_inline int half_has_partner(const struct conn4 *h, __u8 proto)
{
	struct conn4_key other;

	conn_partner_key(h, proto, &other);
	return !!bpf_map_lookup_elem(&half_open4, &other);
}

/* Claims a request half for removal, as conn_claim does; 1 for the one caller that wins. */
static __always_inline int half_claim(struct conn4 *request)
{
	__u32 status = *(volatile __u32 *)&request->status;
	__u32 real = *(volatile __u32 *)&request->real;

	if (STATUS_STATE(status) == conn_dead)
		return 0;
	if (__sync_val_compare_and_swap(&request->status, status, STATUS_WITH(status, conn_dead)) != status)
		return 0;
	load_half_open(real, -1);
	return 1;
}

/* Removes a half-open connection by the key of either half. 1 when it is gone by this call. */
__noinline int half_end(struct conn4_key *key)
{
	struct conn4_key other = {};
	struct conn4 *h, *partner, *request;

	if (!key)
		return 0;
	h = bpf_map_lookup_elem(&half_open4, key);
	if (!h)
		return 0;
	conn_partner_key(h, key->proto, &other);
	partner = bpf_map_lookup_elem(&half_open4, &other);
	request = h->status & conn_flag_reply ? partner : h;
	if (request && !half_claim(request))
		return 0;
	bpf_map_delete_elem(&half_open4, key);
	if (partner)
		bpf_map_delete_elem(&half_open4, &other);
	return 1;
}

/* Answers to a client behind a router go by the route's gateway, which user space keeps resolved. */
static __always_inline void open_reply_route(struct xdp_md *ctx, struct pair *x)
{
	struct bpf_fib_lookup route = {};
	struct gateway4_key gateway = {};
	__u32 *id;
	long err = hop_route(ctx, &route, x->reply.saddr, x->reply.daddr);

	if (err != BPF_FIB_LKUP_RET_SUCCESS && err != BPF_FIB_LKUP_RET_NO_NEIGH)
		return;
	if (route.ipv4_dst == x->reply.daddr)
		return;
	gateway.addr = route.ipv4_dst;
	gateway.ifindex = route.ifindex;
	id = bpf_map_lookup_elem(&gateways4, &gateway);
	if (!id)
		return;
	x->reply.next_hop = *id;
	x->reply.status &= ~conn_flag_inline;
}

/*
 * Moves a connection to the established table; key is the request half's. A
 * table without room refuses it, and the peers will try again.
 */
__noinline int open_promote(struct xdp_md *ctx, struct conn4_key *key, __u32 now)
{
	struct pair x = {};
	struct conn4 *h;
	long err;

	if (!key)
		return -reason_internal;
	h = bpf_map_lookup_elem(&half_open4, key);
	if (!h || STATUS_STATE(h->status) == conn_dead)
		return 0;
	x.request_key = *key;
	x.request = *h;
	x.request.seen = now;
	x.request.status = key->proto == IPPROTO_TCP ? conn_established : conn_udp;
	pair_complete(&x);
	open_reply_route(ctx, &x);
	err = pair_insert(&established4, &x);
	if (err) {
		if (bpf_map_lookup_elem(&established4, key))
			return 0; /* another CPU was faster */
		return err == -EEXIST ? -reason_collision : -reason_table_full;
	}
	load_add(x.request.real, STATUS_STATE(x.request.status), 1);
	half_end(key);
	return 0;
}

/* A packet from the server. Its first one shows that it is there. */
static __always_inline int half_reply(struct xdp_md *ctx, struct packet *p, struct conn4 *h)
{
	struct conn4_key request_key = {};
	struct conn4 *request;

	conn_partner_key(h, p->key.proto, &request_key);
	if (p->key.proto == IPPROTO_UDP)
		return open_promote(ctx, &request_key, p->now);
	if (p->tcp_flags & TCP_RST)
		return half_end(&p->key) & 0;
	if (!(p->tcp_flags & TCP_SYN))
		return 0;
	request = bpf_map_lookup_elem(&half_open4, &request_key);
	if (request)
		__sync_fetch_and_or(&request->status, conn_flag_answered);
	return 0;
}

/* The table evicts entries, not pairs: a reply half that is gone is made again. */
__noinline int half_repair(struct conn4_key *key)
{
	struct pair x = {};
	struct conn4 *h;

	if (!key)
		return 0;
	h = bpf_map_lookup_elem(&half_open4, key);
	if (!h || half_has_partner(h, key->proto))
		return 0;
	x.request_key = *key;
	x.request = *h;
	pair_complete(&x);
	return bpf_map_update_elem(&half_open4, &x.reply_key, &x.reply, BPF_NOEXIST);
}

/* A packet from the client. An ACK after the server's SYN/ACK completes the handshake. */
static __always_inline int half_request(struct xdp_md *ctx, struct packet *p, struct conn4 *h)
{
	if (p->tcp_flags & TCP_RST)
		return half_end(&p->key) & 0;
	if (p->key.proto == IPPROTO_UDP || tcp_opens(p->tcp_flags))
		half_repair(&p->key);
	if ((p->tcp_flags & (TCP_ACK | TCP_SYN)) == TCP_ACK && h->status & conn_flag_answered)
		return open_promote(ctx, &p->key, p->now);
	return 0;
}

/* The answer's tuple may be another connection's. 0 when the way is free. */
static __always_inline int open_clear(struct pair *x, __u32 now)
{
	struct conn4 *c = bpf_map_lookup_elem(&established4, &x->reply_key);
	struct conn4 *h;

	if (c) {
		if (!conn_expired(&x->reply_key, c, now))
			return -reason_collision;
		conn_end(&x->reply_key);
	}
	h = bpf_map_lookup_elem(&half_open4, &x->reply_key);
	if (half_usable(h, now) && half_has_partner(h, x->reply_key.proto))
		return -reason_collision;
	if (h)
		half_end(&x->reply_key);
	return 0;
}

/* One attempt with one real server. */
__noinline int open_with(struct packet *p, struct pair *x, __u32 real)
{
	struct real *r = bpf_map_lookup_elem(&reals, &real);
	int err;

	if (!p || !x)
		return -reason_internal;
	if (!r || !r->family)
		return -reason_no_server;
	x->request.daddr = r->addr[0];
	x->request.dport = r->port;
	x->request.real = real;
	x->request.next_hop = r->next_hop;
	x->request.method = r->method;
	pair_complete(x);
	err = open_clear(x, p->now);
	if (err)
		return err;
	err = pair_insert(&half_open4, x);
	if (err)
		return err == -EEXIST ? -reason_race : -reason_table_full;
	load_half_open(real, 1);
	stats_connection(x->request.service, real);
	return 0;
}

/* The virtual server that the packet is for: its id, or why there is none that takes it. */
static __always_inline int open_service(const struct packet *p)
{
	struct service4_key key = { .addr = p->key.daddr, .port = p->key.dport, .proto = p->key.proto };
	__u32 *id = bpf_map_lookup_elem(&services4, &key);
	struct tunables *t = conn_settings();
	__u32 index, instance;
	struct service *s;
	struct gate *g;

	if (!id)
		return t && t->migrating && ours_has(OURS_REAL, p->key.saddr) ? -reason_migrating : -reason_no_service;
	index = *id;
	s = bpf_map_lookup_elem(&services, &index);
	if (!s)
		return -reason_no_service;
	instance = CONFIG_INSTANCE(s->config);
	g = bpf_map_lookup_elem(&gates, &instance);
	if (!g || !g->open)
		return -reason_gate_closed;
	if (p->ttl <= 1)
		return -reason_ttl_exceeded;
	if (p->key.proto == IPPROTO_TCP && !tcp_opens(p->tcp_flags))
		return t && t->migrating ? -reason_migrating : -reason_no_connection;
	if (p->key.proto == IPPROTO_UDP && t && t->migrating)
		return -reason_migrating;
	return index;
}

/* A new connection: chooses a real server, and another where the answer's tuple is taken. */
__noinline int open_new(struct packet *p, struct conn4 *out)
{
	__u32 service_id, ifindex, *port;
	struct pair x = {};
	struct service *s;
	int err;

	if (!p || !out)
		return -reason_internal;
	err = open_service(p);
	if (err < 0)
		return err;
	service_id = err;
	s = bpf_map_lookup_elem(&services, &service_id);
	ifindex = p->ifindex;
	port = bpf_map_lookup_elem(&port_ids, &ifindex);
	if (!s || !port)
		return -reason_no_device;
	x.request_key = p->key;
	x.request.saddr = p->key.saddr;
	x.request.sport = p->key.sport;
	x.request.service = service_id;
	x.request.seen = p->now;
	x.request.status = p->key.proto == IPPROTO_TCP ? conn_syn_recv : conn_udp;
	x.request.port = *port;
	__builtin_memcpy(x.request.mac, p->src_mac, 6);
	for (int i = 0; i < OPEN_TRIES; i++) {
		err = schedule(s);
		if (err < 0)
			return err;
		err = open_with(p, &x, err);
		if (err != -reason_collision)
			break;
	}
	*out = x.request;
	return err;
}

/* A packet without an established connection. Fills out with the rewrite, or says why there is none. */
__noinline int open_miss(struct xdp_md *ctx, struct packet *p, struct conn4 *out)
{
	struct conn4 *h;
	int err;

	if (!p || !out)
		return -reason_internal;
	h = bpf_map_lookup_elem(&half_open4, &p->key);
	if (!half_usable(h, p->now)) {
		if (h)
			half_end(&p->key);
		err = open_new(p, out);
		if (err >= 0)
			conn_follow_hop(ctx, p, out);
		return err;
	}
	h->seen = p->now;
	*out = *h;
	if (h->status & conn_flag_reply)
		return half_reply(ctx, p, h);
	conn_follow_hop(ctx, p, out);
	return half_request(ctx, p, h);
}

#endif
