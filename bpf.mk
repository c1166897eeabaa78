# SPDX-License-Identifier: Apache-2.0
#
# How the data path is built. Included by the Makefile, which sets GO and GIT.
#
#   sets      BPF_CLANG, BPF_STRIP, BPF_CFLAGS: the compiler, the stripper and the flags. They are exported, and the
#             //go:generate lines (bpf/doc.go) name them, so that this file alone says how C becomes an object.
#             BPF_FORMAT, BPF_SOURCES: the formatter, and every C file of the tree (also used by `lint` and `fmt`).
#             GENERATED: git pathspecs of all files that `generate` writes.
#   targets   generate, check-generated
#   needs     clang-19, llvm-strip-19 and libbpf's headers: `.ci/install generate`. Building xlb needs none of them,
#             because what is generated is committed.
#   promises  the same bytes from the same sources, whatever the directory: nothing of the builder's tree gets into an
#             object. Another major version of clang gives other bytes, hence the number in the name.

export BPF_CLANG  ?= clang-19
export BPF_STRIP  ?= llvm-strip-19
BPF_FORMAT        ?= clang-format-19

# -mcpu=v3 (Linux 5.1): 32-bit ALU and jumps, without which the verifier walks twice as many states.
# Debian keeps <asm/types.h> in the directory of the architecture, which clang does not search for -target bpf;
# -idirafter is last, so that nothing in it can hide another header. Elsewhere the directory does not exist.
export BPF_CFLAGS ?= -O2 -g -Wall -Wextra -Werror -mcpu=v3 -idirafter /usr/include/$(BPF_HOST)-linux-gnu
BPF_HOST := $(shell uname -m)

BPF_SOURCES = $(sort $(wildcard bpf/*.c bpf/*.h) $(shell find test -name '*.c' -o -name '*.h' 2>/dev/null))

GENERATED = '*_bpfe[lb].go' '*_bpfe[lb].o' '*_string.go' 'docs/commands.md'

define need_clang
@command -v $(BPF_CLANG) $(BPF_STRIP) >/dev/null || \
	{ echo >&2 "make $@ needs $(BPF_CLANG) and $(BPF_STRIP): run .ci/install generate"; exit 1; }
endef

.PHONY: generate check-generated

generate: ## Rebuild what is generated: BPF objects and their Go, String methods, the command reference
	$(need_clang)
	$(GO) generate ./...

# Four ways for a generated file to be wrong: there is none, nothing generates it any more (then it is older than the
# stamp), it is not committed, or it differs from the committed one.
check-generated: ## Rebuild what is generated and fail unless that is what is committed
	$(need_clang)
	@set -e; fail() { echo >&2 "make $@: $$*"; exit 1; }; \
	stamp=$$(mktemp); trap 'rm -f "$$stamp"' EXIT; \
	$(GO) generate ./... || fail "the generators failed, see above"; \
	files=$$($(GIT) ls-files -- $(GENERATED)); [ -n "$$files" ] || fail "no generated file is committed"; \
	for f in $$files; do [ "$$f" -nt "$$stamp" ] || fail "$$f: nothing generates it any more; remove it"; done; \
	new=$$($(GIT) ls-files --others -- $(GENERATED)); [ -z "$$new" ] || fail "generated, but not committed:" $$new; \
	$(GIT) --no-pager diff --exit-code --stat -p -- $(GENERATED) || fail "not current; commit what has just been generated"
