# SPDX-License-Identifier: Apache-2.0
#
# What to type: `make help` lists the targets. Building needs Go and nothing else; every target that needs more installs
# it (.ci/install) or says what is missing.

GO      ?= go
PREFIX  ?= /usr/local
DESTDIR ?=

# Where things go below DESTDIR. A distribution sets PREFIX=/usr.
BINDIR        ?= $(PREFIX)/bin
UNITDIR       ?= $(PREFIX)/lib/systemd/system
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
SYSCONFDIR    ?= /etc

# A clone that belongs to someone else (a container, a CI host, sudo) is still this clone.
GIT     := git -c safe.directory='$(CURDIR)'
VERSION ?= $(or $(shell $(GIT) describe --tags --always --dirty 2>/dev/null),unknown)

PROGRAMS := xlbd xlbctl
LDFLAGS  := -X github.com/xlb-project/xlb/cmd/internal/version.version=$(VERSION)

# Static programs, and no C compiler for the tests either; CGO_ENABLED=1 with -race, if you want that.
export CGO_ENABLED ?= 0
# The version comes from LDFLAGS; Go's own look at git fails in a clone that belongs to someone else.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

TEST_FLAGS ?= -count=1 -timeout 12m
BENCH      ?= $(GO) run ./test/bench $(BENCH_FLAGS)
SOAK       ?= XLB_SOAK=1 XLB_TEST_NO_SKIP=1 $(GO) test -count=1 -timeout 120m ./test/... ./lb/... ./maps/... ./loader/...
FUZZTIME   ?= 10s

# golangci-lint has a module file of its own: its two hundred dependencies are none of the product's.
GOLANGCI    = $(GO) tool -modfile=.ci/lint.mod golangci-lint
SCRIPTS     = $(shell grep -lE '^\#!.*sh\b' -rI .ci packaging test 2>/dev/null)
GO_SOURCES  = $(shell find . -name '*.go' -not -path '*/testdata/*')

define need_root
@[ "$$(id -u)" = 0 ] || { echo >&2 "make $@ needs root (network namespaces, BPF): sudo env \"PATH=\$$PATH\" make $@"; \
	echo >&2 "Without root there is: make test-unit"; exit 1; }
endef

.DEFAULT_GOAL := all
.PHONY: all build test test-unit demo bench soak fuzz lint fmt install uninstall clean help

all: build ## Build both programs (the default)

build: ## Build bin/xlbd and bin/xlbctl
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ $(PROGRAMS:%=./cmd/%)

include bpf.mk

test: ## Install what the tests need and run every test (root; up to 12 minutes on 2 cores)
	$(need_root)
	@.ci/install test
	XLB_TEST_NO_SKIP=1 $(GO) test $(TEST_FLAGS) ./...

test-unit: ## Run the tests that need neither root nor a package
	@.ci/install go
	$(GO) test -short $(TEST_FLAGS) ./...

demo: build ## Balance real connections in a lab of network namespaces and show what happened (root; a minute)
	$(need_root)
	@.ci/install go
	$(GO) run ./test/demo

bench: ## Measure ns per packet for hit, miss and pass, next to the floor (root; BENCH_FLAGS)
	$(need_root)
	@.ci/install go
	$(BENCH)

soak: ## Run the tests with full counts (root; up to two hours)
	$(need_root)
	@.ci/install test
	$(SOAK)

fuzz: ## Run every fuzz target for FUZZTIME (10s) each
	@.ci/install go
	@GO='$(GO)' .ci/fuzz $(FUZZTIME)

lint: ## Run golangci-lint (else staticcheck), vet, gofmt, clang-format and shellcheck
	$(GO) vet ./...
	@if $(GOLANGCI) version --short; then set -x; $(GOLANGCI) run; else \
		echo >&2 "make $@: golangci-lint cannot be had here (see above); staticcheck instead, which finds less"; \
		set -x; $(GO) tool staticcheck ./...; fi
	@bad=$$(gofmt -l $(GO_SOURCES)) && \
		if [ -n "$$bad" ]; then echo >&2 "make $@: not formatted, run make fmt:" $$bad; exit 1; fi
	@command -v $(BPF_FORMAT) >/dev/null || { echo >&2 "make $@: no $(BPF_FORMAT): run .ci/install lint"; exit 1; }
	$(BPF_FORMAT) --dry-run -Werror $(BPF_SOURCES)
	@if command -v shellcheck >/dev/null; then set -x; shellcheck $(SCRIPTS); else \
		echo >&2 "make $@: no shellcheck, scripts not checked: run .ci/install lint"; fi

fmt: ## Format Go and C in place
	gofmt -w $(GO_SOURCES)
	$(BPF_FORMAT) -i $(BPF_SOURCES)

# An existing configuration is the operator's: never overwritten, never removed.
install: build ## Install programs, unit, completion and an example configuration (PREFIX, DESTDIR)
	install -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(UNITDIR)' '$(DESTDIR)$(COMPLETIONDIR)' '$(DESTDIR)$(SYSCONFDIR)/xlb'
	install -m 0755 $(PROGRAMS:%=bin/%) '$(DESTDIR)$(BINDIR)'
	sed 's|@BINDIR@|$(BINDIR)|g; s|@SYSCONFDIR@|$(SYSCONFDIR)|g' packaging/xlbd.service.in >'$(DESTDIR)$(UNITDIR)/xlbd.service'
	bin/xlbctl completion bash >'$(DESTDIR)$(COMPLETIONDIR)/xlbctl'
	[ -e '$(DESTDIR)$(SYSCONFDIR)/xlb/xlb.yaml' ] || \
		install -m 0640 packaging/xlb.yaml '$(DESTDIR)$(SYSCONFDIR)/xlb/xlb.yaml'

uninstall: ## Remove what install put there, except the configuration
	rm -f $(PROGRAMS:%='$(DESTDIR)$(BINDIR)/%') '$(DESTDIR)$(UNITDIR)/xlbd.service' '$(DESTDIR)$(COMPLETIONDIR)/xlbctl'
	@echo 'Left alone: $(DESTDIR)$(SYSCONFDIR)/xlb. To take xlb off the interfaces: xlbctl detach --all, before this.'

clean: ## Remove what build made
	rm -rf bin

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
