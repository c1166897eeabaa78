/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From bytes to struct packet. Nothing here looks at a table, except "ours?". */
#ifndef XLB_PARSE_H
#define XLB_PARSE_H

#include "packet.h"

#define IP_MORE_FRAGMENTS 0x2000
#define IP_FRAGMENT_OFFSET 0x1fff

/* A read position that checks its own bounds. */
struct cursor {
	void *pos;
	void *end;
};

/* Takes size bytes; a null pointer when the frame ends before. */
static __always_inline void *cursor_take(struct cursor *c, __u32 size)
{
	void *at = c->pos;

	if (at + size > c->end)
		return 0;
	c->pos = at + size;
	return at;
}

/* Where an IPv4 address stands in the bitmaps: multiplicative hashing, the upper 16 bits. */
static __always_inline __u32 ours_bit(__be32 addr)
{
	return ((__u32)addr * 0x9E3779B1U) >> 16;
}

/* Whether a bitmap has the address; it may say yes for another. */
static __always_inline int ours_has(__u32 which, __be32 addr)
{
	struct bitmap *map = bpf_map_lookup_elem(&ours, &which);
	__u32 bit = ours_bit(addr);

	if (!map)
		return 0;
	return (map->words[(bit >> 6) & (XLB_BITMAP_WORDS - 1)] >> (bit & 63)) & 1;
}

#define OURS_VIRTUAL 0
#define OURS_REAL 1

/* Whether a virtual server really has the address: services4 marks it under port 0, protocol 0. */
static __noinline int parse_virtual(__be32 addr)
{
	struct service4_key key = { .addr = addr };

	return !!bpf_map_lookup_elem(&services4, &key);
}

/* What to do with a packet that cannot be balanced: only what is certainly ours is ours to drop. */
static __always_inline int parse_reject(const struct frame *f, int reason)
{
	return parse_virtual(f->ip->daddr) ? -reason : -reason_not_ours;
}

static __always_inline int parse_tcp(struct cursor *c, struct frame *f, struct packet *p, __u32 payload)
{
	struct tcphdr *tcp = cursor_take(c, sizeof(*tcp));

	if (!tcp || payload < sizeof(*tcp) || tcp->doff < 5 || tcp->doff * 4U > payload)
		return parse_reject(f, reason_malformed);
	f->tcp = tcp;
	p->key.sport = tcp->source;
	p->key.dport = tcp->dest;
	p->tcp_flags = ((__u8 *)tcp)[13];
	return 0;
}

static __always_inline int parse_udp(struct cursor *c, struct frame *f, struct packet *p, __u32 payload)
{
	struct udphdr *udp = cursor_take(c, sizeof(*udp));
	__u32 length;

	if (!udp)
		return parse_reject(f, reason_malformed);
	length = bpf_ntohs(udp->len);
	if (length < sizeof(*udp) || length > payload)
		return parse_reject(f, reason_malformed);
	f->udp = udp;
	p->key.sport = udp->source;
	p->key.dport = udp->dest;
	return 0;
}

/* Whether the frame is long enough. Of a frame of several buffers only the first is between the pointers. */
static __always_inline int parse_complete(struct xdp_md *ctx, const struct cursor *c, const struct iphdr *ip,
					  __u32 length)
{
	return likely((void *)ip + length <= c->end) || length + sizeof(struct ethhdr) <= bpf_xdp_get_buff_len(ctx);
}

/* The IPv4 header, and "ours?" before anything is judged. Returns the length of the payload. */
static __always_inline int parse_ip(struct xdp_md *ctx, struct cursor *c, struct frame *f, struct packet *p)
{
	struct iphdr *ip = cursor_take(c, sizeof(*ip));
	__u32 header, length;

	if (!ip)
		return -reason_not_ip;
	if (!ours_has(OURS_VIRTUAL, ip->daddr) && !ours_has(OURS_REAL, ip->saddr))
		return -reason_not_ours;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return -reason_not_transport;
	f->ip = ip;
	header = ip->ihl * 4U;
	length = bpf_ntohs(ip->tot_len);
	if (ip->version != 4 || header < sizeof(*ip) || length < header || !parse_complete(ctx, c, ip, length) ||
	    !cursor_take(c, header - sizeof(*ip)))
		return parse_reject(f, reason_malformed);
	if (ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET))
		return parse_reject(f, reason_fragment);
	p->key.saddr = ip->saddr;
	p->key.daddr = ip->daddr;
	p->key.proto = ip->protocol;
	p->length = length;
	p->ttl = ip->ttl;
	return length - header;
}

/* Everything up to the ports. The frame may be longer than the packet (padding), never shorter. */
static __always_inline int parse(struct xdp_md *ctx, struct frame *f, struct packet *p)
{
	struct cursor c = { .pos = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };
	int payload;

	f->eth = cursor_take(&c, sizeof(*f->eth));
	if (!f->eth || f->eth->h_proto != bpf_htons(ETH_P_IP))
		return -reason_not_ip;
	payload = parse_ip(ctx, &c, f, p);
	if (payload < 0)
		return payload;
	__builtin_memcpy(p->src_mac, f->eth->h_source, ETH_ALEN);
	p->ifindex = ctx->ingress_ifindex;
	if (p->key.proto == IPPROTO_TCP)
		return parse_tcp(&c, f, p, payload);
	return parse_udp(&c, f, p, payload);
}

#endif
