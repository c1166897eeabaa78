/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Incremental Internet checksums: HC' = ~(~HC + ~m + m'), equation 3 of RFC 1624. */
#ifndef XLB_CSUM_H
#define XLB_CSUM_H

#include <linux/types.h>

#include <bpf/bpf_endian.h>

/* Folds a sum of 16-bit words back into 16 bits. */
static __always_inline __u16 csum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* What replacing a 32-bit field adds: ~m + m'. Sums of these may be folded at the end. */
static __always_inline __u64 csum_replace4(__be32 from, __be32 to)
{
	return (__u64)(__u32)~from + to;
}

static __always_inline __u64 csum_replace2(__be16 from, __be16 to)
{
	return (__u64)(__u16)~from + to;
}

/* What decrementing the TTL adds: its word loses 0x0100. */
static __always_inline __u64 csum_ttl(void)
{
	return (__u16)~bpf_htons(0x0100);
}

/* The new checksum from the old one and a folded delta. */
static __always_inline __u16 csum_apply(__u16 check, __u16 delta)
{
	__u32 sum = (__u32)(__u16)~check + delta;

	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

#endif
