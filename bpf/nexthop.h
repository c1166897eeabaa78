/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Next hops: how a frame leaves. User space keeps the records true; without a
 * daemon the data path asks the kernel's routing tables by itself.
 */
#ifndef XLB_NEXTHOP_H
#define XLB_NEXTHOP_H

#include "packet.h"

#define HOP_COPY 1ULL
#define HOP_RESOLVED 2ULL
#define HOP_CHANGE (1ULL << 32)

#ifndef AF_INET
#define AF_INET 2
#endif

/* Where the frame goes and by which way. */
struct egress {
	const __u8 *dst_mac;
	const __u8 *src_mac;
	__u32 ifindex;
	__u16 port;
	__u16 mtu;
};

/* Fails with reason_no_neighbour when the record is not resolved. */
static __always_inline int hop_by_id(__u32 id, struct egress *e)
{
	struct next_hop *n = bpf_map_lookup_elem(&next_hops, &id);
	struct hop *h;
	__u64 word;

	if (!n)
		return -reason_no_neighbour;
	word = *(volatile __u64 *)&n->word;
	if (!(word & HOP_RESOLVED))
		return -reason_no_neighbour;
	h = (word & HOP_COPY) ? &n->copy[1] : &n->copy[0];
	e->dst_mac = h->dst_mac;
	e->src_mac = h->src_mac;
	e->ifindex = h->ifindex;
	e->port = h->port;
	e->mtu = h->mtu;
	return 0;
}

/* Towards an on-link client: where its last request came from. */
static __always_inline int hop_inline(const struct conn4 *c, struct egress *e)
{
	__u32 id = c->port;
	struct port *p = bpf_map_lookup_elem(&ports, &id);

	if (!p || !p->ifindex)
		return -reason_no_device;
	e->dst_mac = c->mac;
	e->src_mac = p->mac;
	e->ifindex = p->ifindex;
	e->port = c->port;
	e->mtu = p->mtu;
	return 0;
}

static __always_inline int hop_of(const struct conn4 *c, struct egress *e)
{
	if (c->status & conn_flag_inline)
		return hop_inline(c, e);
	return hop_by_id(c->next_hop, e);
}

/* Asks the routing table. On return the gateway, if there is one, stands in ipv4_dst. */
static __always_inline long hop_route(struct xdp_md *ctx, struct bpf_fib_lookup *route, __be32 from, __be32 to)
{
	route->family = AF_INET;
	route->ifindex = ctx->ingress_ifindex;
	route->ipv4_src = from;
	route->ipv4_dst = to;
	return bpf_fib_lookup(ctx, route, sizeof(*route), 0);
}

/* Writes the copy that does not count, then makes it count. */
static __always_inline void hop_store(struct next_hop *n, const struct bpf_fib_lookup *route, __u16 port, __u16 mtu)
{
	__u64 word = *(volatile __u64 *)&n->word;
	struct hop *h = (word & HOP_COPY) ? &n->copy[0] : &n->copy[1];

	__builtin_memcpy(h->dst_mac, route->dmac, 6);
	__builtin_memcpy(h->src_mac, route->smac, 6);
	h->ifindex = route->ifindex;
	h->port = port;
	h->mtu = mtu;
	/* A locked operation: the copy is visible before the word. */
	__sync_val_compare_and_swap(&n->word, word, ((word + HOP_CHANGE) ^ HOP_COPY) | HOP_RESOLVED);
}

/*
 * Resolves a record from the kernel's own tables, at most once an interval:
 * for the time without a daemon. One CPU at a time does it.
 */
__noinline int hop_refresh(struct xdp_md *ctx, __u32 id, __u32 now)
{
	struct next_hop *n = bpf_map_lookup_elem(&next_hops, &id);
	struct bpf_fib_lookup route = {};
	__u32 checked, ifindex, *port_id, port;
	struct port *egress;

	if (!n || n->family != 4)
		return -reason_no_neighbour;
	checked = n->checked;
	if (now - checked < XLB_RESOLVE_INTERVAL && (n->word & HOP_RESOLVED))
		return 0;
	if (__sync_val_compare_and_swap(&n->checked, checked, now) != checked)
		return 0;
	if (hop_route(ctx, &route, 0, n->target[0]) != BPF_FIB_LKUP_RET_SUCCESS)
		return -reason_no_neighbour;
	ifindex = route.ifindex;
	port_id = bpf_map_lookup_elem(&port_ids, &ifindex);
	if (!port_id)
		return -reason_no_device;
	port = *port_id;
	egress = bpf_map_lookup_elem(&ports, &port);
	if (!egress)
		return -reason_no_device;
	hop_store(n, &route, port, egress->mtu);
	return 0;
}

#endif
