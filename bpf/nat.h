/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* NAT (Masq): addresses and ports replaced, checksums by the deltas that were computed when the connection began. */
#ifndef XLB_NAT_H
#define XLB_NAT_H

#include "csum.h"
#include "packet.h"

/* The deltas of a rewrite from key to the new tuple in c. */
static __always_inline void nat_deltas(const struct conn4_key *key, struct conn4 *c)
{
	__u64 addresses = csum_replace4(key->saddr, c->saddr) + csum_replace4(key->daddr, c->daddr);

	c->l3_delta = csum_fold(addresses + csum_ttl());
	c->l4_delta = csum_fold(addresses + csum_replace2(key->sport, c->sport) + csum_replace2(key->dport, c->dport));
}

static __always_inline void nat_tcp(struct tcphdr *tcp, const struct conn4 *c)
{
	tcp->source = c->sport;
	tcp->dest = c->dport;
	tcp->check = csum_apply(tcp->check, c->l4_delta);
}

/* A checksum of 0 says that there is none; one that comes out as 0 is sent as its other form (RFC 768). */
static __always_inline void nat_udp(struct udphdr *udp, const struct conn4 *c)
{
	__u16 check;

	udp->source = c->sport;
	udp->dest = c->dport;
	if (!udp->check)
		return;
	check = csum_apply(udp->check, c->l4_delta);
	udp->check = check ? check : 0xffff;
}

/* Takes the decrement back: the stack, which forwards the packet, does it again. */
static __always_inline void nat_restore_ttl(struct frame *f)
{
	f->ip->ttl++;
	f->ip->check = csum_apply(f->ip->check, bpf_htons(0x0100));
}

/* Rewrites the packet. The caller has seen that its TTL is above 1. */
static __always_inline void nat_rewrite(struct frame *f, const struct conn4 *c)
{
	f->ip->saddr = c->saddr;
	f->ip->daddr = c->daddr;
	f->ip->ttl--;
	f->ip->check = csum_apply(f->ip->check, c->l3_delta);
	if (f->tcp)
		nat_tcp(f->tcp, c);
	else if (f->udp)
		nat_udp(f->udp, c);
}

#endif
