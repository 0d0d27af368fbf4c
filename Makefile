# Rules:
#   make setup      install the system libraries (Debian or Ubuntu); nothing where they are present
#   make build      build the command line (optimised): .build/release/bred
#   make test       build and run the tests, optimised (numerics are 20 to 50 times slower otherwise)
#   make test-long  the slow tests too, every figure at its smallest scale, faults on purpose, and memory under AddressSanitizer
#   make slurm-test a sweep on a real Slurm, with a task preempted, one killed and one failing (root, slurm-wlm, munge)
#   make lint       formatting and house rules; changes nothing
#   make format     rewrite the sources in the house format
#   make settings   write docs/settings.md from the declarations in the code
#   make library    put experiments/tasks and experiments/methods into the executable; docs/methods.md
#   make demo       dataset -> pretrain -> distil -> fine-tune -> table and picture, in minutes
#   make bench      measure updates, environments and loading, with the floor of each
#   make mutants    try small changes of meaning, each of which some test must notice (about an hour)
#   make docs       the DocC documentation of every public room; dead links are errors
#   make docs-check run the tutorials below docs/tutorials, command by command, and build the program of docs/library.md (minutes)
#   make clean      remove what was built and the demonstration's output
#
# Variables: SWIFT (compiler driver), BRED_SHARED (folder with genuine data that some tests use).

SWIFT ?= swift
FLAGS := -c release -Xswiftc -enable-testing
# Swift traps by itself where its behaviour would be undefined; the C code does so here.
SANITIZE := --sanitize=address --scratch-path .build-sanitize -Xswiftc -O \
  -Xcc -fsanitize=undefined -Xcc -fsanitize-trap=undefined
LEAKS := LSAN_OPTIONS=suppressions=$(CURDIR)/experiments/scripts/leaks-of-others.txt
BRED := .build/release/bred
# Everything that `import BRED` brings in.
ROOMS := BRED DenseMath RLCore Autodiff Algorithms Agents Replay Environments Datasets Configuration Runs \
  Rendering Stages Sweeps Analysis Reports Exchange Benchmarks
PACKAGES := libmujoco-dev libopenblas-dev libhdf5-dev pkg-config
ASROOT := $(shell test "$$(id -u)" = 0 || echo sudo)

.PHONY: help setup build test test-long sanitized-tests slurm-test lint format settings library demo bench docs docs-check clean

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

setup:
	@command -v $(SWIFT) >/dev/null || { \
	  echo "setup: Swift 6 is missing; see https://www.swift.org/install/linux/" >&2; exit 1; }
	@missing=""; for package in $(PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' \
	    || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then \
	  command -v apt-get >/dev/null || { \
	    echo "setup: install the equivalents of:$$missing" >&2; exit 1; }; \
	  echo "setup: installing$$missing"; \
	  $(ASROOT) apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive $(ASROOT) apt-get install -y -qq --no-install-recommends $$missing; \
	fi

build: setup
	$(SWIFT) build $(FLAGS) --product bred

# The two products by name: `--build-tests` would also build the plugins of the dependencies, among them
# a protocol compiler in C++.
test: setup
	$(SWIFT) build $(FLAGS) --product bred
	$(SWIFT) build $(FLAGS) --product BREDPackageTests
	$(SWIFT) test $(FLAGS) --skip-build

test-long: setup
	$(SWIFT) build $(FLAGS) --product bred
	$(SWIFT) build $(FLAGS) --product BREDPackageTests
	BRED_LONG_TESTS=1 $(SWIFT) test $(FLAGS) --skip-build
	$(MAKE) docs-check
	$(MAKE) figures SCALE=smoke QUIET=--quiet
	$(MAKE) torture-short
	$(MAKE) sanitized-tests
	$(LEAKS) $(SWIFT) test $(SANITIZE) --skip-build --filter 'HDF5Tests|DatasetsTests|AutodiffTests|AgentsTests|ReplayTests'

sanitized-tests: setup
	$(SWIFT) build $(SANITIZE) --product BREDPackageTests

slurm-test: build
	experiments/scripts/slurm-test.sh $(BRED)

lint:
	experiments/scripts/lint.sh

format:
	$(SWIFT) format -i -r --configuration .swift-format Package.swift $$(experiments/scripts/lint.sh --list)

settings: build
	$(BRED) settings >docs/settings.md

library:
	experiments/scripts/library.sh
	$(MAKE) build
	$(BRED) method document >docs/methods.md

demo: build
	experiments/demo/run.sh $(BRED)

bench: build
	$(BRED) benchmark

# Fails on links that lead nowhere. DocC also wants every parameter documented as soon as one is; we do not.
docs: setup
	@mkdir -p .build
	$(SWIFT) package --allow-writing-to-directory .build/docs generate-documentation \
	  $(addprefix --target ,$(ROOMS)) --enable-experimental-combined-documentation \
	  --output-path .build/docs >.build/docs.log 2>&1 || { cat .build/docs.log; exit 1; }
	@! grep -A 1 -E "^(warning|error): .* doesn't exist" .build/docs.log
	@echo "docs: .build/docs, every public room; see it with: python3 -m http.server -d .build/docs"

docs-check: build
	python3 experiments/scripts/docs_check.py $(BRED)

clean:
	rm -rf .build .build-* runs

# Rules of the experiments, such as bench-peers.
-include $(wildcard experiments/*/*.mk)
