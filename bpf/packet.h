/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The only place that knows which hook the program runs in: where a frame's
 * bytes are, and how it leaves. Everything else sees struct frame and reasons.
 */
#ifndef XLB_PACKET_H
#define XLB_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "config.h"
#include "maps.h"
#include "types.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Flags of a TCP segment, as in byte 13 of its header (RFC 9293 3.1). */
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* Headers inside the frame; valid until the head of the packet moves. */
struct frame {
	struct ethhdr *eth;
	struct iphdr *ip;
	struct tcphdr *tcp; /* null for UDP */
	struct udphdr *udp; /* null for TCP */
};

/* What the parser has learnt, detached from the frame so that functions of their own can have it. */
struct packet {
	struct conn4_key key;
	__u32 now; /* tick */
	__u32 ifindex;
	__u16 length;   /* of the IP packet */
	__u8 tcp_flags; /* 0 for UDP */
	__u8 ttl;
	__u8 src_mac[6]; /* eight bytes that end in zeros: compared as one word */
	__u16 mac_pad;
};

/* Sends the frame to where its next hop is. Returns the reason that says which way. */
static __always_inline int packet_send(const struct packet *p, __u32 ifindex, __u16 port)
{
	if (ifindex == p->ifindex)
		return reason_tx;
	if (bpf_redirect_map(&devices, port, XDP_ABORTED) != XDP_REDIRECT)
		return -reason_no_device;
	return reason_redirect;
}

/* The current tick. */
static __always_inline __u32 packet_now(void)
{
	return bpf_jiffies64() >> tick_shift;
}

#endif
