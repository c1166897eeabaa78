/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps. For each: who writes it, who reads it, how long it lives. All are
 * pinned by the loader and outlive the daemon; sizes marked "loader" are set
 * when the maps are made.
 */
#ifndef XLB_MAPS_H
#define XLB_MAPS_H

#include "types.h"

#include <bpf/bpf_helpers.h>

/* What the maps are. Written once by the loader, read before adoption. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct identity);
} meta SEC(".maps");

/* Slot 0 is the active program. Written by the loader or the VRRP process. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} programs SEC(".maps");

/* By instance. Written by the VRRP process; read on new connections. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct gate);
} gates SEC(".maps");

/* Run-time settings. Written by the owner of the virtual servers. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tunables);
} settings SEC(".maps");

/* "Ours?": hashed addresses of virtual servers, and of NAT real servers. Written by the owner. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct bitmap);
} ours SEC(".maps");

/* Virtual servers by address, port and protocol. Written by the owner; read on a miss. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4096); /* loader */
	__type(key, struct service4_key);
	__type(value, __u32); /* index into services */
} services4 SEC(".maps");

/* Virtual servers by id. config by the owner, slots by the owner and the data path. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4096); /* loader */
	__type(key, __u32);
	__type(value, struct service);
} services SEC(".maps");

/* What schedulers index. Written by the owner, ranges that no commit word names. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 262144); /* loader */
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

/* Real servers by id. Written by the owner; read on a miss. Id 0 is never used. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16384); /* loader */
	__type(key, __u32);
	__type(value, struct real);
} reals SEC(".maps");

/* Connections per real server. Written by the data path and by xlb_expire. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16384); /* loader: as reals */
	__type(key, __u32);
	__type(value, struct real_load);
} loads SEC(".maps");

/* Next hops by id. Written by user space; without a daemon refreshed by the data path. Id 0 is never used. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16384); /* loader */
	__type(key, __u32);
	__type(value, struct next_hop);
} next_hops SEC(".maps");

/* Gateways towards clients, to next hop ids. Written by user space; read at promotion. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct gateway4_key);
	__type(value, __u32);
} gateways4 SEC(".maps");

/* Attached interfaces by port number, from 1. Written by the loader, followed by the daemon. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct port);
} ports SEC(".maps");

/* Interface index to port number. As ports. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} port_ids SEC(".maps");

/* Where redirects go, by port number. As ports. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} devices SEC(".maps");

/* Established connections, one entry a direction; nothing is evicted. Written by the data path and xlb_expire. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1048576); /* loader */
	__type(key, struct conn4_key);
	__type(value, struct conn4);
} established4 SEC(".maps");

/* TCP before its handshake is complete, UDP before an answer. A flood turns over this one alone. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 262144); /* loader */
	__type(key, struct conn4_key);
	__type(value, struct conn4);
} half_open4 SEC(".maps");

/* Per CPU, by service, by real server, by reason. Written by the data path. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4096); /* loader: as services */
	__type(key, __u32);
	__type(value, struct counters);
} service_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 16384); /* loader: as reals */
	__type(key, __u32);
	__type(value, struct counters);
} real_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct reasons);
} reason_counters SEC(".maps");

#endif
