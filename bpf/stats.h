/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Per-CPU counters: no atomics, no shared lines. */
#ifndef XLB_STATS_H
#define XLB_STATS_H

#include "packet.h"

static __always_inline void counters_packet(struct counters *c, const struct packet *p, int reply)
{
	if (!c)
		return;
	if (reply) {
		c->out_packets++;
		c->out_bytes += p->length;
	} else {
		c->in_packets++;
		c->in_bytes += p->length;
	}
}

/* A packet of a connection, for its virtual and its real server. */
static __always_inline void stats_packet(const struct conn4 *c, const struct packet *p)
{
	int reply = !!(c->status & conn_flag_reply);
	__u32 service = c->service, real = c->real;

	counters_packet(bpf_map_lookup_elem(&service_counters, &service), p, reply);
	counters_packet(bpf_map_lookup_elem(&real_counters, &real), p, reply);
}

/* A new connection. */
static __always_inline void stats_connection(__u32 service, __u32 real)
{
	struct counters *s = bpf_map_lookup_elem(&service_counters, &service);
	struct counters *r = bpf_map_lookup_elem(&real_counters, &real);

	if (s)
		s->connections++;
	if (r)
		r->connections++;
}

/* Every packet, once, on the single way out. */
static __always_inline void stats_reason(__u32 reason)
{
	__u32 zero = 0;
	struct reasons *r = bpf_map_lookup_elem(&reason_counters, &zero);

	if (r)
		r->packets[reason & 31]++;
}

#endif
