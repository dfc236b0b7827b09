# The doors of Halcyon; `make help` lists them. They need git, make, a C++ compiler and the Rust toolchain, fetch or name
# whatever else is missing, and say beforehand what takes long. CARGO_TARGET_DIR and HALCYON_CACHE (scripts/setup) are
# respected: export them, so that every door and a bare `cargo` agree.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build
MAKEFLAGS += --no-builtin-rules
.NOTPARALLEL:
.PHONY: help setup build demo test sim mutants soak nemesis fuzz bench check fix fmt walls deny clippy docs

# Knobs, one per door that has any.
FILTER ?=# make test FILTER=heal         only the tests whose name holds this
BENCH ?=# make bench BENCH=ceiling      only this bench
QUICK ?=# make bench QUICK=1            a look at whether they run: short rounds, figures that mean little
SEEDS ?= 500# make sim SEEDS=n OPS=n       so many simulated worlds of so many requests each
OPS ?= 1000
SEED ?=# make sim SEED=n OPS=n        this one, as a failure prints it
MINUTES ?= 10# make soak MINUTES=n; make nemesis MINUTES=n
SECONDS ?= 60# make fuzz SECONDS=n
ARGS ?=# make demo ARGS="--rtt-ms 80"  handed to `halcyon demo`

cargo := cargo
# Asked of cargo each time: a relative CARGO_TARGET_DIR would point elsewhere from a test's working directory.
bin = $$($(cargo) metadata --locked --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/halcyon
quick = $(if $(QUICK),-- --quick)
first_time = @[ -x "$(bin)" ] || echo

help: ## lists the doors
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## libclang and RocksDB, once per machine (ten minutes on two cores the first time)
	@scripts/setup

build: setup ## the release `halcyon`, in the target directory
	$(first_time) "build: the first release build compiles some 250 crates: a few minutes on two cores"
	@$(cargo) build --locked --release -p halcyon-cli --bin halcyon

demo: build ## three regions on this machine, the shop replayed with one of them cut off, and the result
	@"$(bin)" demo $(ARGS)

# `make test` is every test and a bounded share of each proof below; each of those is a door of its own that can go on for
# as long as one likes. All of them start the release binary, the one that `make demo` runs and that ships; it reaches them by
# name, as CARGO_BIN_EXE_* does not cross from one package to another. docs/testing.md says what is proved by what.
# The profile is as fast as a release, with every assertion on.
simulator = $(cargo) run --locked --quiet --profile proof -p halcyon-sim --features simulator --bin halcyon-sim --
proof = HALCYON_BIN="$(bin)" $(cargo) run --locked --quiet --profile proof -p halcyon-tests --bin

test: build ## every test, and a bounded share of each of the proofs below
	@echo "test: compiling the tests (a few minutes on two cores the first time), then thousands of cases and real processes"
	$(if $(HALCYON_RETAIL_DIR),,@echo "skip: the tests on real order lines: HALCYON_RETAIL_DIR names no folder with them")
	$(if $(HALCYON_SCENARIOS),,@echo "skip: scenarios from elsewhere: HALCYON_SCENARIOS names no file of them")
	@failed=""; \
	HALCYON_BIN="$(bin)" $(cargo) test --locked --workspace --no-fail-fast -- $(FILTER) || failed="$$failed tests"; \
	$(if $(FILTER),,$(shares)) \
	[ -z "$$failed" ] || { echo "test: failed:$$failed" >&2; exit 1; }

# One after the other, and all of them even if one fails.
define shares
echo "test: now the simulator, its planted bugs, power cuts, the nemesis and the fuzzer: about ten minutes"; \
	$(simulator) run --seeds 500 --ops 1000 || failed="$$failed sim"; \
	$(simulator) mutants || failed="$$failed mutants"; \
	$(proof) soak -- --kills 30 --power-cuts 30 --sync-failures 24 --garbled 24 || failed="$$failed soak"; \
	$(proof) nemesis -- --minutes 2 || failed="$$failed nemesis"; \
	$(proof) fuzz -- --seconds 30 || failed="$$failed fuzz";
endef

sim: setup ## simulated worlds under faults: make sim SEEDS=n OPS=n, or one of them again: make sim SEED=n OPS=n
	@$(simulator) run --ops $(OPS) $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

mutants: setup ## bugs planted one by one, and after how many simulated worlds each is caught
	@$(simulator) mutants

soak: build ## real nodes killed and power-failed for so long: make soak MINUTES=n
	@$(proof) soak -- --minutes $(MINUTES)

nemesis: build ## three real nodes under a recorded load while links, clocks and processes fail: make nemesis MINUTES=n
	@$(proof) nemesis -- --minutes $(MINUTES)

fuzz: setup ## malformed input for every decoder: make fuzz SECONDS=n
	@$(proof) fuzz -- --seconds $(SECONDS)

bench: build ## the benches, as ratios to what the same run measures; writes docs/benchmarks.md
	@echo "bench: some twenty minutes for all of them, besides compiling; leave the machine alone meanwhile"
	@export HALCYON_BIN="$(bin)"; $(cargo) bench --locked -p halcyon-benches $(if $(BENCH),--bench $(BENCH)) $(quick)
	$(if $(BENCH),,@$(cargo) run --locked --quiet --release -p halcyon-benches --bin summary $(quick))

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
	@$(cargo) clippy --locked -p halcyon-sim --features simulator --all-targets -- -D warnings

docs: setup
	@RUSTDOCFLAGS="-D warnings" $(cargo) doc --locked --workspace --no-deps
