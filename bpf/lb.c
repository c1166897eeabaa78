//go:build ignore
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The programs. xlb_dispatch stays on the interface and calls whatever is in
 * the slot; xlb_ingress is the load balancer; xlb_expire is run by user space.
 * This file alone turns reasons into verdicts, and counts each on the single
 * way out.
 */
#include "packet.h"
#include "parse.h"
#include "conn.h"
#include "open.h"
#include "stats.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* Types that Go reads and that no map mentions, kept in the object's BTF. */
struct shared_types {
	enum reason reason;
	enum conn_state conn_state;
	enum conn_flag conn_flag;
	enum forward_method forward_method;
	enum scheduler scheduler;
	struct hop hop;
	struct expire_args expire_args;
};
const struct shared_types *unused_types __attribute__((unused));

SEC("xdp.frags")
int xlb_dispatch(struct xdp_md *ctx)
{
	bpf_tail_call_static(ctx, &programs, 0);
	return XDP_PASS;
}

/* A frame without a resolved next hop: the stack can do it for a request, for nothing else. */
static __always_inline int unresolved(struct frame *f, const struct conn4 *c)
{
	if (c->status & conn_flag_reply)
		return -reason_no_neighbour;
	nat_rewrite(f, c);
	nat_restore_ttl(f);
	return -reason_pass_resolve;
}

static __always_inline int forward(struct frame *f, const struct packet *p, const struct conn4 *c)
{
	struct egress e;
	int err;

	if (f->ip->ttl <= 1)
		return -reason_ttl_exceeded;
	stats_packet(c, p);
	err = hop_of(c, &e);
	if (unlikely(err == -reason_no_neighbour))
		return unresolved(f, c);
	if (unlikely(err))
		return err;
	if (unlikely(p->length > e.mtu))
		return -reason_too_big;
	nat_rewrite(f, c);
	__builtin_memcpy(f->eth->h_dest, e.dst_mac, ETH_ALEN);
	__builtin_memcpy(f->eth->h_source, e.src_mac, ETH_ALEN);
	return packet_send(p, e.ifindex, e.port);
}

/* Positive: forwarded. Negative: passed or dropped. */
static __always_inline int balance(struct xdp_md *ctx)
{
	struct packet p = {};
	struct conn4 opened;
	struct frame f = {};
	struct conn4 *c;
	int err = parse(ctx, &f, &p);

	if (err < 0)
		return err;
	p.now = packet_now();
	c = bpf_map_lookup_elem(&established4, &p.key);
	if (likely(c)) {
		err = conn_hit(ctx, &p, c);
		if (likely(!err))
			return forward(&f, &p, c);
		if (err != CONN_GONE)
			return err;
	}
	err = open_miss(ctx, &p, &opened);
	if (err < 0)
		return err;
	return forward(&f, &p, &opened);
}

/* What becomes of the packet, by reason. */
static __always_inline int verdict(int reason)
{
	switch (reason) {
	case reason_tx:
		return XDP_TX;
	case reason_redirect:
		return XDP_REDIRECT;
	case reason_not_ours:
	case reason_no_service:
	case reason_not_ip:
	case reason_not_transport:
	case reason_gate_closed:
	case reason_pass_resolve:
		return XDP_PASS;
	}
	return XDP_DROP;
}

SEC("xdp.frags")
int xlb_ingress(struct xdp_md *ctx)
{
	int reason = balance(ctx);

	if (reason < 0)
		reason = -reason;
	stats_reason(reason);
	return verdict(reason);
}

/*
 * An entry that was claimed and is still there a tick later: whoever claimed it
 * meant the connection that had the element before. It has been uncounted.
 */
static __always_inline int expire_dead(struct expire_args *args, struct conn4_key *key, const struct conn4 *c)
{
	struct conn4_key other;

	conn_partner_key(c, key->proto, &other);
	bpf_map_delete_elem(&established4, key);
	bpf_map_delete_elem(&established4, &other);
	args->removed = 1;
	return 0;
}

/* Ends one connection for user space, where the counts are changed under the same rules. A zero key asks the time. */
SEC("syscall")
int xlb_expire(struct expire_args *args)
{
	struct conn4_key key = args->key;
	__u32 now = packet_now();
	struct conn4 *c;

	args->now = now;
	args->removed = 0;
	if (args->half_open) {
		c = bpf_map_lookup_elem(&half_open4, &key);
		if (c && (args->force || conn_idle(c, now)))
			args->removed = half_end(&key);
		return 0;
	}
	c = bpf_map_lookup_elem(&established4, &key);
	if (c && STATUS_STATE(c->status) == conn_dead && c->seen != now)
		return expire_dead(args, &key, c);
	if (c && (args->force || conn_expired(&key, c, now)))
		args->removed = conn_end(&key);
	return 0;
}
