# The doors of Halcyon; `make help` lists them. They need git, make, a C++ compiler and the Rust toolchain, fetch or name
# whatever else is missing, and say beforehand what takes long. CARGO_TARGET_DIR and HALCYON_CACHE (scripts/setup) are
# respected: export them, so that every door and a bare `cargo` agree.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
MAKEFLAGS += --no-builtin-rules
.NOTPARALLEL:
.PHONY: help setup build demo test bench check fix fmt walls deny clippy docs

# Knobs, one per door that has any.
FILTER ?=# make test FILTER=heal         only the tests whose name holds this
BENCH ?=# make bench BENCH=ceiling      only this bench
ARGS ?=# make demo ARGS="--rtt-ms 80"  handed to `halcyon demo`

cargo := cargo
# Asked of cargo each time: a relative CARGO_TARGET_DIR would point elsewhere from a test's working directory.
bin = $$($(cargo) metadata --locked --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/halcyon
first_time = @[ -x "$(bin)" ] || echo

help: ## lists the doors
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' Makefile

setup: ## libclang and RocksDB, once per machine (ten minutes on two cores the first time)
	@scripts/setup

build: setup ## the release `halcyon`, in the target directory
	$(first_time) "build: the first release build compiles some 250 crates: a few minutes on two cores"
	@$(cargo) build --locked --release -p halcyon-cli --bin halcyon

demo: build ## three regions on this machine, the shop replayed with one of them cut off, and the result
	@"$(bin)" demo $(ARGS)

# The end-to-end tests start the release binary, the one that `make demo` runs and that ships; it reaches the tests by
# name, as CARGO_BIN_EXE_* does not cross from one package to another.
test: build ## the whole test suite
	@echo "test: compiling the tests (a few minutes on two cores the first time), then thousands of cases and real processes"
	$(if $(HALCYON_RETAIL_DIR),,@echo "skip: the tests on real order lines: HALCYON_RETAIL_DIR names no folder with them")
	$(if $(HALCYON_SCENARIOS),,@echo "skip: scenarios from elsewhere: HALCYON_SCENARIOS names no file of them")
	@export HALCYON_BIN="$(bin)"; $(cargo) test --locked --workspace --no-fail-fast -- $(FILTER)

bench: build ## the benches; ratios to the ceiling that the same run measures
	@echo "bench: a few minutes; leave the machine alone meanwhile"
	@export HALCYON_BIN="$(bin)"; $(cargo) bench --locked -p halcyon-benches $(if $(BENCH),--bench $(BENCH))

check: fmt walls deny clippy docs test ## reads everything, changes nothing: format, walls, licences, lints, docs, tests

fix: setup ## rewrites what a machine can: lints, then format
	@$(cargo) clippy --locked --workspace --all-targets --fix --allow-dirty --allow-staged
	@$(cargo) fmt --all

# -- the parts of `check` ----------------------------------------------------------------------------------------------
fmt:
	@$(cargo) fmt --all --check

walls:
	@scripts/walls

deny:
	@scripts/deny

clippy: setup
	@$(cargo) clippy --locked --workspace --all-targets -- -D warnings

docs: setup
	@RUSTDOCFLAGS="-D warnings" $(cargo) doc --locked --workspace --no-deps
