/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One function per scheduler: from a virtual server to the id of a real server. */
#ifndef XLB_SCHED_H
#define XLB_SCHED_H

#include "packet.h"

/* The fields of struct service's slots word; Go has them in package maps. */
#define SLOTS_BASE(word) ((__u32)((word) & 0xffffff))
#define SLOTS_LENGTH(word) ((__u32)(((word) >> 24) & 0xfffff))
#define SLOTS_CURSOR(word) ((__u32)((word) >> 44))
#define SLOTS_CURSOR_SHIFT 44

/* The scheduler and the instance from struct service's config word. */
#define CONFIG_SCHEDULER(word) ((__u32)((word) & 0xff))
#define CONFIG_INSTANCE(word) ((__u32)(((word) >> 16) & 0xff))

/* The real server that a slot names. */
static __always_inline int slot_real(__u32 index)
{
	struct slot *s = bpf_map_lookup_elem(&slots, &index);

	return s && s->real ? (int)s->real : -reason_no_server;
}

/*
 * Round robin: the slot under the cursor, and the cursor one on, in one
 * compare-and-swap of the word that also says which slots count. So a choice
 * never mixes two ranges, and two CPUs never take the same turn. Who loses the
 * race again and again takes the slot without moving the cursor.
 */
static __always_inline int sched_rr(struct service *s)
{
	__u64 word, next;
	__u32 length = 0, cursor = 0;

	for (int i = 0; i < XLB_CAS_TRIES; i++) {
		word = *(volatile __u64 *)&s->slots;
		length = SLOTS_LENGTH(word);
		cursor = SLOTS_CURSOR(word);
		if (!length)
			return -reason_no_server;
		next = cursor + 1 >= length ? 0 : cursor + 1;
		next = (word & ((1ULL << SLOTS_CURSOR_SHIFT) - 1)) | next << SLOTS_CURSOR_SHIFT;
		if (__sync_val_compare_and_swap(&s->slots, word, next) == word)
			break;
	}
	return slot_real(SLOTS_BASE(word) + cursor);
}

/* Chooses a real server for a new connection. Its id, or a negative reason. */
static __always_inline int schedule(struct service *s)
{
	switch (CONFIG_SCHEDULER(s->config)) {
	case scheduler_rr:
		return sched_rr(s);
	}
	return -reason_no_server;
}

#endif
