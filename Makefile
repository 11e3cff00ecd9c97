# Sluice. Everything here also works on a clean clone of a fresh Debian machine
# with Go: what a target needs besides, it installs (as root) or names.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# Go is often installed where a login shell, but not make, would find it.
ifeq ($(shell command -v go 2>/dev/null),)
export PATH := $(PATH):/usr/local/go/bin
endif

# Arguments of `make run`, e.g. make run ARGS='--apps none --log-level debug'.
ARGS ?=
# How long `make fuzz` runs each target.
FUZZTIME ?= 30s
# How many damaged messages of each version `make fuzz-long` tries.
FUZZN ?= 10000000
# What of it `make bench` measures; empty is all.
SCENARIO ?=
# How long `make soak` lasts.
SOAK ?= 10m
# The packages that `make test`, `make check` and `make fuzz` look at.
PKGS ?= ./...
export FUZZTIME PKGS

# Go itself stamps the version from the newest tag and the commit. Git refuses
# to answer in a clone that another user owns; such a build says "(devel)".
BUILDVCS := $(shell git status --porcelain >/dev/null 2>&1 && echo true || echo false)

.PHONY: help
help: ## show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z][a-z-]*:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## build bin/sluiced (controller), bin/sluice (command line) and bin/ofbench (load generator)
	@mkdir -p bin
	go build -trimpath -buildvcs=$(BUILDVCS) -o bin/ ./cmd/...

.PHONY: run
run: build ## run the controller here, as any user, with a learning switch; ARGS='...' adds flags
	exec bin/sluiced $(ARGS)

.PHONY: demo
demo: ## four Open vSwitch bridges, OpenFlow 1.0 to 1.3, under one controller (root)
	demo/run

.PHONY: test
test: ## run all tests, those on real Open vSwitch too (root); PKGS=./ofp/... chooses
	tools/install test || [ "$$(id -u)" -ne 0 ]
	tools/test

.PHONY: check
check: ## formatting, vet, linters, generated files, go.mod, scripts
	tools/install check || [ "$$(id -u)" -ne 0 ]
	tools/check

.PHONY: bench
bench: build ## measure sluiced against a floor and a peer in the same run, SCENARIO=state one thing of it (see docs/performance.md)
	tools/install bench
	BENCH_SCENARIOS="$${BENCH_SCENARIOS:-$(SCENARIO)}" test/bench/run

.PHONY: soak
soak: ## SOAK (10m) of storms, reconnects, bulk pushes and hostile bytes: nothing may grow; draws docs/soak.svg
	SOAK=$(SOAK) SOAK_SVG=$(CURDIR)/docs/soak.svg go test ./test/soak -run TestSoak -count=1 -v -timeout 0

.PHONY: bench-codec
bench-codec: ## measure the codec against its floor, other Go codecs and ovs-ofctl (see docs/performance.md)
	test/peers/run

.PHONY: generate
generate: ## remake the Go code from proto/, and docs/openflow.md from the tables
	tools/generate.sh

.PHONY: fuzz
fuzz: ## fuzz every target for FUZZTIME (30s) each; PKGS=./ofp/... chooses
	tools/fuzz

.PHONY: fuzz-long
fuzz-long: ## FUZZN (10 million) damaged messages of each version through the decoder
	go run ./test/mutate -n $(FUZZN)

.PHONY: clean
clean: ## remove what was built here
	rm -rf bin coverage.out
