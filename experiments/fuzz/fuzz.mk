# Readers against damaged files, for as long as one likes.
#   make fuzz   HDF5, datasets, their reports and safetensors, all at the same time
#
# Variables: FUZZ_SECONDS (how long, 60), FUZZ_SEED (which damage, 1).

FUZZ_SECONDS ?= 60
FUZZ_SEED ?= 1

.PHONY: fuzz
fuzz: setup
	$(SWIFT) build $(FLAGS) --product BREDPackageTests
	BRED_FUZZ_SECONDS=$(FUZZ_SECONDS) BRED_FUZZ_SEED=$(FUZZ_SEED) \
	  $(SWIFT) test $(FLAGS) --skip-build --filter '/fuzz'
