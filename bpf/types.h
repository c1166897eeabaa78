/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Types that the data path and user space share. Go gets every one of them
 * from here through bpf2go -type; padding is explicit and sizes are asserted,
 * because a value must not mean two things to two programs.
 *
 * Rules of concurrency. A packet may read any of these while user space
 * writes. Therefore nothing wider than eight aligned bytes is rewritten in
 * place: wider records are written before anything points at them, or are
 * kept twice with a word that says which copy counts (struct next_hop).
 */
#ifndef XLB_TYPES_H
#define XLB_TYPES_H

#include <linux/types.h>

#define XLB_ASSERT_SIZE(type, size) \
	_Static_assert(sizeof(struct type) == (size), "struct " #type " has changed its size")

/* Why a packet got its verdict. Every packet is counted under exactly one. */
enum reason {
	reason_none = 0,
	/* Passed to the stack untouched: not ours to judge. */
	reason_not_ours,      /* no virtual server and no real server has the address */
	reason_no_service,    /* the address is known, port and protocol are not */
	reason_not_ip,        /* neither IPv4 nor (later) IPv6 */
	reason_not_transport, /* neither TCP nor UDP */
	reason_gate_closed,   /* the instance is not MASTER here */
	/* Rewritten, then passed: the stack resolves the neighbour and forwards. */
	reason_pass_resolve,
	/* Forwarded. */
	reason_tx,       /* out of the interface that it came in by */
	reason_redirect, /* out of another attached interface */
	/* Dropped. */
	reason_malformed,     /* header or length that no valid packet has */
	reason_fragment,      /* a fragment of a packet to a virtual server */
	reason_ttl_exceeded,  /* TTL would reach 0 */
	reason_too_big,       /* larger than the MTU of the next hop */
	reason_no_server,     /* the virtual server has no usable real server */
	reason_no_connection, /* not a SYN, and no connection to go with it */
	reason_no_neighbour,  /* the next hop is not resolved (yet) */
	reason_no_device,     /* the egress interface is not attached */
	reason_table_full,    /* no room for a new connection */
	reason_collision,     /* the answer's tuple belongs to another connection */
	reason_race,          /* another CPU opens or ends the same connection; the sender will repeat it */
	reason_migrating,     /* tables are being exchanged; the sender will repeat it */
	reason_internal,      /* cannot happen; a defect if it counts */
	reason_max,
};

/* The states of LVS (include/net/ip_vs.h, IP_VS_TCP_S_*), and one for UDP. */
enum conn_state {
	conn_none = 0,
	conn_established,
	conn_syn_sent,
	conn_syn_recv,
	conn_fin_wait,
	conn_time_wait,
	conn_close,
	conn_close_wait,
	conn_last_ack,
	conn_listen,
	conn_synack,
	conn_udp,
	conn_state_max,
	/* Claimed by whoever removes it; counts as absent. */
	conn_dead = 255,
};

/* Bits of conn_status above the state. */
enum conn_flag {
	conn_flag_reply = 1 << 8,     /* this half carries packets from the server */
	conn_flag_inline = 1 << 9,    /* the next hop is mac and port, not next_hop */
	conn_flag_answered = 1 << 10, /* half-open: the server has answered */
};

enum forward_method {
	forward_nat = 0, /* Masq */
	forward_dr,      /* Route */
	forward_tun,     /* Tunnel */
};

enum scheduler {
	scheduler_rr = 0,
	scheduler_wrr,
	scheduler_lc,
	scheduler_wlc,
	scheduler_sh,
	scheduler_dh,
};

/* What the connection tables are keyed by: the packet as seen on the wire. */
struct conn4_key {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__u8 proto;
	__u8 pad[3];
};
XLB_ASSERT_SIZE(conn4_key, 16);

/*
 * One direction of a connection: the finished rewrite. The partner's key is
 * the new tuple, reversed. Both halves carry the state; the half without
 * conn_flag_reply has the say (its status is changed by compare-and-swap).
 */
struct conn4 {
	__be32 saddr; /* the addresses and ports the packet leaves with */
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__u16 l3_delta; /* for the IP header's checksum, TTL included (RFC 1624) */
	__u16 l4_delta; /* for the TCP or UDP checksum */
	__u32 service;  /* index into services and service_counters */
	__u32 real;     /* index into reals and real_counters */
	__u32 seen;     /* tick of this half's last packet; see struct tunables */
	__u32 status;   /* enum conn_state | enum conn_flag */
	__u32 next_hop; /* index into next_hops, unless conn_flag_inline */
	__u8 method;    /* enum forward_method */
	__u8 pad[3];
	/* One eight-byte word, replaced whole. */
	__u8 mac[6]; /* request half: the client's MAC as last seen; inline: destination */
	__u16 port;  /* index into ports: where the client was last seen; inline: egress */
};
XLB_ASSERT_SIZE(conn4, 48);

/* What a virtual server is found by. */
struct service4_key {
	__be32 addr;
	__be16 port;
	__u8 proto;
	__u8 pad;
};
XLB_ASSERT_SIZE(service4_key, 8);

/*
 * A virtual server. slots is the commit word of its slot range, changed by
 * compare-and-swap from both sides: base in bits 0-23, length in 24-43 and the
 * cursor of rr and wrr in 44-63. config is the second word: scheduler in bits
 * 0-7, instance in 16-31.
 */
struct service {
	__u64 slots;
	__u64 config;
	__u64 owner; /* user space's: who created it; see Go package maps */
	__u64 pad;
};
XLB_ASSERT_SIZE(service, 32);

/* One place in a slot range: the real server that it chooses. */
struct slot {
	__u32 real;
	__u32 pad;
};
XLB_ASSERT_SIZE(slot, 8);

/*
 * A real server of one virtual server. Written before a slot points at it;
 * afterwards only next_hop, weight and order change. Kept until no connection
 * refers to it.
 */
struct real {
	__be32 addr[4]; /* IPv4 in the first */
	__be16 port;
	__u8 family; /* 4 or 6; 0: this record is free */
	__u8 method; /* enum forward_method */
	__u32 service;
	__u32 next_hop; /* index into next_hops; 0: not known */
	__u32 weight;
	__u32 order;   /* place in the virtual server's list, as ipvsadm lists it */
	__u32 retired; /* 1: removed, waiting for its connections to end */
	__u32 pad[2];
};
XLB_ASSERT_SIZE(real, 48);

/* Connections of a real server. Changed by atomic addition, by whoever opens or closes. */
struct real_load {
	__s64 active;
	__s64 inactive;
	__s64 half_open; /* approximate while the half-open table evicts; the sweep corrects it */
	__u64 total;     /* connections ever opened */
};
XLB_ASSERT_SIZE(real_load, 32);

/* How a frame leaves, resolved. */
struct hop {
	__u8 dst_mac[6];
	__u8 src_mac[6];
	__u16 port; /* index into ports */
	__u16 vlan; /* 0: untagged */
	__u32 ifindex;
	__u16 mtu; /* largest IP packet */
	__u16 pad;
};
XLB_ASSERT_SIZE(hop, 24);

/*
 * A next hop by id. Two copies; bit 0 of word says which counts, bit 1
 * whether it is resolved, bits 32-63 count the changes. The other copy is
 * written first, then the word is stored.
 */
struct next_hop {
	__u64 word;
	struct hop copy[2];
	__u32 family;     /* 4 or 6; 0: this record is free */
	__u32 checked;    /* tick of the last look by the data path, without a daemon */
	__be32 target[4]; /* the address to route to: a real server or a gateway */
	__u32 pad[12];
};
XLB_ASSERT_SIZE(next_hop, 128);

/* An attached interface. mac and mtu share one eight-byte word. */
struct port {
	__u8 mac[6];
	__u16 mtu;
	__u32 ifindex; /* 0: free */
	__u32 flags;
};
XLB_ASSERT_SIZE(port, 16);

struct gateway4_key {
	__be32 addr;
	__u32 ifindex;
};
XLB_ASSERT_SIZE(gateway4_key, 8);

struct counters {
	__u64 connections;
	__u64 in_packets;  /* from clients */
	__u64 in_bytes;    /* IP packet lengths, as IPVS counts */
	__u64 out_packets; /* from servers; NAT only */
	__u64 out_bytes;
};
XLB_ASSERT_SIZE(counters, 40);

/* One bit per hash of an address. */
#define XLB_BITMAP_WORDS 1024
struct bitmap {
	__u64 words[XLB_BITMAP_WORDS];
};

struct reasons {
	__u64 packets[32];
};
_Static_assert(reason_max <= 32, "struct reasons is too small");

/*
 * What user space may change while packets flow. A tick is
 * jiffies >> tick_shift (a load-time constant), about an eighth of a second.
 */
struct tunables {
	__u64 heartbeat;    /* tick of the daemon's last sign of life */
	__u64 migrating;    /* 1: tables are being exchanged */
	__u32 timeouts[16]; /* ticks by enum conn_state */
};
XLB_ASSERT_SIZE(tunables, 80);

/* Whether an instance's virtual servers accept new connections. Instance 0 is "no instance". */
struct gate {
	__u64 open;
};
XLB_ASSERT_SIZE(gate, 8);

/* What the pinned maps are; read before they are adopted. */
struct identity {
	__u64 layout; /* hash of the BTF of every shared type and of the map sizes */
	__u64 netns;  /* inode of the network namespace that they serve */
	__u32 tick_shift;
	__u32 hz;
	__u8 version[32]; /* of the program that made them; text */
	__u64 pad;
};
XLB_ASSERT_SIZE(identity, 64);

/* What xlb_expire is asked, and what it answers. */
struct expire_args {
	struct conn4_key key;
	__u32 half_open; /* 1: look in the half-open table */
	__u32 force;     /* 1: remove it whether or not its time has passed */
	__u32 now;       /* out: the tick */
	__u32 removed;   /* out: 1 when the connection is gone by this call */
};
XLB_ASSERT_SIZE(expire_args, 32);

#endif
