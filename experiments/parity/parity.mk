# Other people's programs beside ours, in a throw-away environment of their own.
#   make parity          losses and gradients, then learning curves, then the tables of docs/results/parity.md
#   make parity-numbers  losses and gradients alone: a minute
#   make parity TASK=hopper-medium-v2   our scores on D4RL's own file, fetched where it is missing, beside the published ones
#   make clean-parity    remove the environment
#
# Variables: PARITY_ENVIRONMENT (where it is made), PARITY_JOBS (processes at a time), PARITY_ONLY (which
# curves, see curves.py; with TASK, algorithms), PARITY_UPDATES (fewer than 30,000; with TASK, than published),
# PARITY_TORCH (PyTorch's name for pip), CORL (folder of CORL's programs, if there), DATASET (a file in place of the
# fetched one). MuJoCo 2.3.7 has wheels for Python up to 3.11: PYTHON=python3.11 where yours is newer.

PARITY := experiments/parity
PARITY_ENVIRONMENT ?= .build-parity
PARITY_JOBS ?= 1
PARITY_PYTHON = $(PARITY_ENVIRONMENT)/bin/python

.PHONY: parity parity-numbers clean-parity

ifdef TASK
parity: build
	python3 $(PARITY)/published.py $(TASK) --bred $(BRED) --jobs $(PARITY_JOBS) \
	  $(if $(PARITY_ONLY),--algorithms $(PARITY_ONLY)) $(if $(PARITY_UPDATES),--updates $(PARITY_UPDATES)) \
	  $(if $(DATASET),--dataset $(DATASET))
else
parity: build parity-numbers
	$(PARITY_PYTHON) $(PARITY)/curves.py run --bred $(BRED) --jobs $(PARITY_JOBS) \
	  $(if $(PARITY_ONLY),--only $(PARITY_ONLY)) $(if $(PARITY_UPDATES),--updates $(PARITY_UPDATES)) \
	  $(if $(CORL),--corl $(CORL))
	$(PARITY_PYTHON) $(PARITY)/curves.py report
endif

parity-numbers:
	$(PARITY)/setup.sh $(PARITY_ENVIRONMENT)
	$(PARITY_PYTHON) $(PARITY)/initial_numbers.py $(if $(CORL),--corl $(CORL))

clean-parity:
	rm -rf $(PARITY_ENVIRONMENT)
