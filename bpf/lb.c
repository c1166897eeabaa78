//go:build ignore
/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <linux/bpf.h>

#include "types.h"
#include "maps.h"
#include "config.h"

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

SEC("xdp.frags") int xlb_dispatch(struct xdp_md *ctx)
{
	bpf_tail_call_static(ctx, &programs, 0);
	return XDP_PASS;
}

SEC("xdp.frags") int xlb_ingress(struct xdp_md *ctx)
{
	__u32 zero = tick_shift + heartbeat_limit;
	return bpf_map_lookup_elem(&meta, &zero)&& bpf_map_lookup_elem(&meta, &gates)&& bpf_map_lookup_elem(&meta, &settings) && ctx ? XDP_PASS : XDP_DROP;
}

SEC("syscall") int xlb_expire(struct expire_args *args)
{
	return args->removed;
}
