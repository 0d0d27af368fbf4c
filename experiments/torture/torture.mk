# Faults on purpose: what is injected, how often, and what was lost stands in docs/reliability.md.
#   make torture           every campaign at its full length, beside the two hours of the soak; ends with an error after a loss
#   make torture-short     the same in about five minutes; part of make test-long
#   make torture-kills     runs killed at their file-system calls and resumed
#   make torture-errors    full disks, quotas, broken disks and short writes at those calls
#   make torture-power     power losses: what was not synced is missing in part
#   make torture-bits      every bit of a checkpoint and of an agent's files flipped
#   make torture-poison    not-a-number and infinity wherever they can come in, for every algorithm
#   make torture-sweeps    two workers on one sweep, one of them killed
#   make torture-downloads servers that break off, stall, lie, or change the file
#   make torture-parsers   damaged safetensors, YAML and Minari metadata under AddressSanitizer
#   make torture-memory    the tests under AddressSanitizer and, of the C code, UndefinedBehaviorSanitizer
#   make torture-threads   the tests under ThreadSanitizer
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
THREADS := --sanitize=thread --scratch-path .build-threads -Xswiftc -O
RACES := TSAN_OPTIONS=halt_on_error=1:suppressions=$(CURDIR)/experiments/scripts/races-of-others.txt

# All tests but those that start the command, which is another program, not built for this.
TORTURE_SKIP := --skip '^CommandTests'

.PHONY: torture torture-short torture-campaigns torture-kills torture-errors torture-power torture-bits torture-poison \
  torture-sweeps torture-downloads torture-parsers torture-memory torture-threads torture-soak torture-soak-long \
  torture-soak-short torture-tests torture-runs

# The soak takes two hours whatever else goes on: both halves begin at once, a job each, and take the processor time that
# the campaigns leave, which share two jobs of their own. After a loss the others go on.
torture: torture-tests torture-runs
	$(MAKE) --keep-going -j3 torture-soak-long torture-soak-short torture-campaigns
	@echo "torture: seed $(TORTURE_SEED), nothing lost"

# Parsers first and memory last: they share a build, and only one program at a time may use it.
torture-campaigns:
	$(MAKE) -j2 $(addprefix torture-,parsers kills errors power bits poison sweeps downloads threads memory)

torture-kills: build
	python3 $(TORTURE)/kills.py $(TORTURE_WORDS) --count $(call TORTURE_OF,1000)

torture-errors: build
	python3 $(TORTURE)/errors.py $(TORTURE_WORDS) --count $(call TORTURE_OF,1000)

torture-power: build
	python3 $(TORTURE)/power.py $(TORTURE_WORDS) --count $(call TORTURE_OF,300)

torture-sweeps: build
	python3 $(TORTURE)/sweeps.py $(TORTURE_WORDS) --count $(call TORTURE_OF,50)

torture-tests: build
	$(SWIFT) build $(FLAGS) --product BREDPackageTests

torture-bits: torture-tests
	$(SWIFT) test $(FLAGS) --skip-build --filter BitFlipTests

torture-poison: torture-tests
	BRED_LONG_TESTS=1 $(SWIFT) test $(FLAGS) --skip-build --filter 'PoisonTests|StageResumeTests/divergence'

torture-downloads: build
	python3 $(TORTURE)/downloads.py $(TORTURE_WORDS) --count $(call TORTURE_OF,200)

torture-parsers: sanitized-tests
	BRED_FUZZ_COUNT=$(call TORTURE_OF,340000) BRED_FUZZ_SEED=$(TORTURE_SEED) $(LEAKS) \
	  $(SWIFT) test $(SANITIZE) --skip-build --filter '(SafetensorsFileTests|DamagedYAMLTests|MinariDamageTests)/fuzz'

torture-memory: sanitized-tests
	$(LEAKS) $(SWIFT) test $(SANITIZE) --skip-build $(TORTURE_SKIP)

torture-short: build
	python3 $(TORTURE)/kills.py $(TORTURE_WORDS) --count 50
	python3 $(TORTURE)/errors.py $(TORTURE_WORDS) --count 60
	python3 $(TORTURE)/power.py $(TORTURE_WORDS) --count 40
	python3 $(TORTURE)/sweeps.py $(TORTURE_WORDS) --count 3
	python3 $(TORTURE)/downloads.py $(TORTURE_WORDS) --count 30

torture-threads: setup
	$(SWIFT) build $(THREADS) --product BREDPackageTests
	$(RACES) $(SWIFT) test $(THREADS) --skip-build $(TORTURE_SKIP)

torture-runs: build
	$(SWIFT) build $(FLAGS) --product ShortRuns

torture-soak: torture-runs
	$(MAKE) -j2 torture-soak-long torture-soak-short

torture-soak-long: build
	nice python3 $(TORTURE)/soak.py --bred $(BRED) --seconds $(TORTURE_SECONDS)

torture-soak-short: torture-runs
	nice python3 $(TORTURE)/soak.py --short .build/release/ShortRuns --seconds $(TORTURE_SECONDS) --output .build/torture/soak-short
