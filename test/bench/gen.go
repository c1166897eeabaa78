// SPDX-License-Identifier: Apache-2.0

package main

//go:generate go tool bpf2go -cc $BPF_CLANG -strip $BPF_STRIP -cflags $BPF_CFLAGS -no-global-types -target bpfel,bpfeb -type scenario Driver driver.c
