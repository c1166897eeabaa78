// SPDX-License-Identifier: Apache-2.0

// Package bpf is the data path: C that runs in the kernel for every packet,
// and the Go that bpf2go generates from it.
//
// The objects are committed, so that building xlb needs no C compiler; bpf.mk
// rebuilds them, and CI fails when that changes a byte. Nothing but the
// packages maps, loader and lb/xdp imports this one: the types here are in
// network byte order where the wire is, and only maps knows where that is.
package bpf

// The three steps of "make generate": see bpf.mk for the compiler's flags.
//
//go:generate go tool bpf2go -cc $BPF_CLANG -strip $BPF_STRIP -cflags $BPF_CFLAGS -no-global-types -target bpfel,bpfeb -type reason -type conn_state -type conn_flag -type forward_method -type scheduler -type conn4_key -type conn4 -type service4_key -type service -type slot -type real -type real_load -type hop -type next_hop -type port -type gateway4_key -type counters -type bitmap -type reasons -type tunables -type gate -type identity -type expire_args Lb lb.c
