# The paper's figures.
#   make figure-04 SCALE=small   data, sweep, picture: runs/figures/SCALE/figure-04.{png,pdf,csv}
#   make figures SCALE=smoke     all of them
#
# Variables: SCALE (smoke, small, given or paper), FIGURES_PYTHON (one with matplotlib and scikit-learn).

SCALE ?= small
FIGURES_ENVIRONMENT ?= .build/figures
FIGURES_PYTHON ?= $(FIGURES_ENVIRONMENT)/bin/python
export QUIET
FIGURES := $(patsubst experiments/figures/figure-%.yaml,%,$(wildcard experiments/figures/figure-*.yaml))

.PHONY: figures figures-python

figures-python:
	@test -x $(FIGURES_PYTHON) || { python3 -m venv $(FIGURES_ENVIRONMENT) && \
	  $(FIGURES_PYTHON) -m pip install -q matplotlib scikit-learn h5py; }

figure-%: build figures-python
	experiments/figures/figure.sh $* $(SCALE) $(BRED) $(FIGURES_PYTHON)

figures: build figures-python
	for number in $(FIGURES); do experiments/figures/figure.sh $$number $(SCALE) $(BRED) $(FIGURES_PYTHON) || exit 1; done
