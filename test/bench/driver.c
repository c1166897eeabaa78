//go:build ignore
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Drives a program under BPF_PROG_TEST_RUN. The kernel does not restore the
 * packet between repeats, so a program that rewrites would be measured on its
 * own output: bench_driver writes the headers anew from a template, picks the
 * flow, and tail-calls the program under test by a constant index. What the
 * driver costs is measured in front of bench_tx and subtracted.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual BSD/GPL";

/* Ethernet, IPv4 and TCP without options. */
#define HEADERS 54

enum pick { pick_sequence, pick_random };

/* What to send. Flow n changes the client's address and port, on the side that the client is. */
struct scenario {
	__u8 headers[56];
	__u32 pick;
	__u32 flows;                 /* how many */
	__u32 first;                 /* the first one */
	__u32 client_is_destination; /* 1: packets from the server */
	__u32 fixed;                 /* 1: the template as it is */
	__u32 next;                  /* position of pick_sequence */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scenario);
} bench_config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} under_test SEC(".maps");

struct minimal_key {
	__be32 saddr, daddr;
	__be16 sport, dport;
	__u32 proto;
};

struct minimal_value {
	__be32 daddr;
	__be16 dport;
	__u16 l3_delta, l4_delta;
	__u8 mac[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2097152);
	__type(key, struct minimal_key);
	__type(value, struct minimal_value);
} minimal_lru SEC(".maps");

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

static __always_inline __u16 apply(__u16 check, __u32 delta)
{
	__u32 sum = (__u16)~check + delta;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* The client's address and port of flow n, with the template's checksums kept right. */
static __always_inline void frame_flow(struct frame *f, __u32 n, int destination)
{
	__be32 address = bpf_htonl(0x0a800000 + (n >> 15));
	__be16 port = bpf_htons(1024 + (n & 0x7fff));
	__be32 old = destination ? f->ip.daddr : f->ip.saddr;
	__be16 old_port = destination ? f->tcp.dest : f->tcp.source;
	__u32 delta = (__u16)~old + (__u16) ~(old >> 16) + (__u16)address + (__u16)(address >> 16);

	f->ip.check = apply(f->ip.check, delta);
	f->tcp.check = apply(f->tcp.check, delta + (__u16)~old_port + port);
	if (destination) {
		f->ip.daddr = address;
		f->tcp.dest = port;
	} else {
		f->ip.saddr = address;
		f->tcp.source = port;
	}
}

static __always_inline __u32 pick_flow(struct scenario *c)
{
	__u32 n;

	if (c->flows <= 1)
		return c->first;
	if (c->pick == pick_random)
		return c->first + (__u32)(((__u64)bpf_get_prandom_u32() * c->flows) >> 32);
	n = c->next++;
	if (c->next >= c->flows)
		c->next = 0;
	return c->first + n;
}

SEC("xdp.frags")
int bench_driver(struct xdp_md *ctx)
{
	struct frame *f = (void *)(long)ctx->data;
	__u32 zero = 0;
	struct scenario *c = bpf_map_lookup_elem(&bench_config, &zero);

	if (!c || (void *)(f + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	__builtin_memcpy(f, c->headers, HEADERS);
	if (!c->fixed)
		frame_flow(f, pick_flow(c), c->client_is_destination);
	bpf_tail_call_static(ctx, &under_test, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int bench_tx(struct xdp_md *ctx)
{
	return ctx ? XDP_TX : XDP_ABORTED;
}

SEC("xdp.frags")
int bench_pass(struct xdp_md *ctx)
{
	return ctx ? XDP_PASS : XDP_ABORTED;
}

static __always_inline void minimal_insert(struct frame *f, struct minimal_key *key)
{
	struct minimal_value v = { .daddr = f->ip.daddr ^ bpf_htonl(0x01000000), .dport = f->tcp.dest };
	__u32 delta = (__u16)~f->ip.daddr + (__u16) ~(f->ip.daddr >> 16) + (__u16)v.daddr + (__u16)(v.daddr >> 16);

	delta = (delta & 0xffff) + (delta >> 16);
	v.l3_delta = v.l4_delta = (delta & 0xffff) + (delta >> 16);
	__builtin_memcpy(v.mac, f->eth.h_source, 6);
	bpf_map_update_elem(&minimal_lru, key, &v, BPF_ANY);
}

/* The yardstick: parse, one LRU lookup, rewrite, TX. No states, no counters, no next hops. */
SEC("xdp.frags")
int bench_minimal_nat(struct xdp_md *ctx)
{
	struct frame *f = (void *)(long)ctx->data;
	struct minimal_key key = {};
	struct minimal_value *v;

	if ((void *)(f + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	if (f->eth.h_proto != bpf_htons(ETH_P_IP) || f->ip.protocol != IPPROTO_TCP || f->ip.ihl != 5)
		return XDP_PASS;
	key.saddr = f->ip.saddr;
	key.daddr = f->ip.daddr;
	key.sport = f->tcp.source;
	key.dport = f->tcp.dest;
	key.proto = f->ip.protocol;
	v = bpf_map_lookup_elem(&minimal_lru, &key);
	if (!v) {
		minimal_insert(f, &key);
		return XDP_DROP;
	}
	f->ip.daddr = v->daddr;
	f->tcp.dest = v->dport;
	f->ip.check = apply(f->ip.check, v->l3_delta);
	f->tcp.check = apply(f->tcp.check, v->l4_delta);
	__builtin_memcpy(f->eth.h_source, f->eth.h_dest, 6);
	__builtin_memcpy(f->eth.h_dest, v->mac, 6);
	return XDP_TX;
}
