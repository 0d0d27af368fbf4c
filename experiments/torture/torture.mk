# Faults on purpose: what is injected, how often, and what was lost stands in docs/reliability.md.
#   make torture           every campaign at its full length (hours); ends at the first loss and keeps the evidence
#   make torture-short     the same in about five minutes; part of make test-long
#   make torture-kills     runs killed at their file-system calls and resumed
#   make torture-errors    full disks, quotas, broken disks and short writes at those calls
#   make torture-power     power losses: what was not synced is missing in part
#   make torture-bits      every bit of a checkpoint and of an agent's files flipped
#   make torture-poison    not-a-number and infinity wherever they can come in, for every algorithm
#   make torture-sweeps    two workers on one sweep, one of them killed
#   make torture-downloads servers that break off, stall, lie, or change the file
#   make torture-parsers   damaged safetensors, YAML and Minari metadata under AddressSanitizer
#   make torture-threads   tests under ThreadSanitizer
#   make torture-undefined tests under UndefinedBehaviorSanitizer
#   make torture-soak      a long run and many short ones, side by side: memory and open files
#
# Variables: TORTURE_SEED (which faults, 1), TORTURE_COUNT (how many of a campaign; its own number), TORTURE_SECONDS
# (of each half of the soak, 7200). Results lie below .build/torture.

TORTURE := experiments/torture
TORTURE_SEED ?= 1
TORTURE_COUNT ?=
TORTURE_SECONDS ?= 7200
TORTURE_WORDS = --bred $(BRED) --seed $(TORTURE_SEED)
TORTURE_OF = $(if $(TORTURE_COUNT),$(TORTURE_COUNT),$(1))
# Swift traps by itself; this is for the kernels in C. A finding ends the tests with an illegal instruction.
UNDEFINED := --scratch-path .build-undefined -Xcc -fsanitize=undefined -Xcc -fsanitize-trap=undefined
THREADS := --sanitize=thread --scratch-path .build-threads -Xswiftc -O

# All tests but those that start the command, which is another program, not built for this.
TORTURE_SKIP := --skip '^CommandTests'

.PHONY: torture torture-short torture-kills torture-errors torture-power torture-bits torture-poison torture-sweeps \
  torture-downloads torture-parsers torture-threads torture-undefined torture-soak torture-soak-long \
  torture-soak-short torture-tests

torture: torture-kills torture-errors torture-power torture-bits torture-poison torture-sweeps torture-downloads \
  torture-parsers torture-threads torture-undefined torture-soak

torture-kills: build
	python3 $(TORTURE)/kills.py $(TORTURE_WORDS) --count $(call TORTURE_OF,1000)

torture-errors: build
	python3 $(TORTURE)/errors.py $(TORTURE_WORDS) --count $(call TORTURE_OF,1000)

torture-power: build
	python3 $(TORTURE)/power.py $(TORTURE_WORDS) --count $(call TORTURE_OF,300)

torture-sweeps: build
	python3 $(TORTURE)/sweeps.py $(TORTURE_WORDS) --count $(call TORTURE_OF,50)

torture-tests: setup
	$(SWIFT) build $(FLAGS) --product bred
	$(SWIFT) build $(FLAGS) --product BREDPackageTests

torture-bits: torture-tests
	$(SWIFT) test $(FLAGS) --skip-build --filter BitFlipTests

torture-poison: torture-tests
	$(SWIFT) test $(FLAGS) --skip-build --filter 'PoisonTests|StageResumeTests/divergence'

torture-downloads: build
	python3 $(TORTURE)/downloads.py $(TORTURE_WORDS) --count $(call TORTURE_OF,200)

torture-parsers: setup
	$(SWIFT) build $(SANITIZE) --product BREDPackageTests
	BRED_FUZZ_COUNT=$(call TORTURE_OF,400000) BRED_FUZZ_SEED=$(TORTURE_SEED) \
	LSAN_OPTIONS=suppressions=$(CURDIR)/experiments/scripts/leaks-of-others.txt \
	  $(SWIFT) test $(SANITIZE) --skip-build --filter '(SafetensorsFileTests|DamagedYAMLTests|MinariDamageTests)/fuzz'

torture-short: build
	python3 $(TORTURE)/kills.py $(TORTURE_WORDS) --count 50
	python3 $(TORTURE)/errors.py $(TORTURE_WORDS) --count 60
	python3 $(TORTURE)/power.py $(TORTURE_WORDS) --count 40
	python3 $(TORTURE)/sweeps.py $(TORTURE_WORDS) --count 3
	python3 $(TORTURE)/downloads.py $(TORTURE_WORDS) --count 30

# Each half takes one processor, so both run at once.
torture-soak: torture-tests
	$(MAKE) -j2 torture-soak-long torture-soak-short

torture-soak-long:
	python3 $(TORTURE)/soak.py --bred $(BRED) --seconds $(TORTURE_SECONDS)

torture-soak-short:
	BRED_SOAK_SECONDS=$(TORTURE_SECONDS) $(SWIFT) test $(FLAGS) --skip-build --filter SoakTests

torture-threads: setup
	$(SWIFT) build $(THREADS) --product BREDPackageTests
	TSAN_OPTIONS=halt_on_error=1:suppressions=$(CURDIR)/experiments/scripts/races-of-others.txt \
	  $(SWIFT) test $(THREADS) --skip-build $(TORTURE_SKIP)

torture-undefined: setup
	$(SWIFT) build $(FLAGS) $(UNDEFINED) --product BREDPackageTests
	$(SWIFT) test $(FLAGS) $(UNDEFINED) --skip-build $(TORTURE_SKIP)
