# Small changes of meaning, each of which some test must notice.
#   make mutants   all of experiments/mutants/mutants.toml; goes on where it was stopped
#
# Variables: MUTANTS (options of mutants.py, such as "--room Replay" or "--count 20 --seed 1").

MUTANTS ?=

.PHONY: mutants
mutants: setup
	python3 experiments/mutants/mutants.py $(MUTANTS)
