/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Load-time constants, set by the loader before the program is verified. */
#ifndef XLB_CONFIG_H
#define XLB_CONFIG_H

#include <linux/types.h>

/*
 * A tick is jiffies >> tick_shift: coarse enough that a busy connection's
 * time is stored a few times a second, fine enough for a timeout of seconds.
 */
volatile const __u32 tick_shift = 7;

/* Ticks after which the daemon counts as gone and the data path resolves next hops itself. */
volatile const __u32 heartbeat_limit = 80;

/* Ticks between two looks of the data path at the same next hop. */
#define XLB_RESOLVE_INTERVAL 8

/* How often a lost race for a commit word is run again. */
#define XLB_CAS_TRIES 8

#endif
