# Datasets: does Minari's own package read what we write, and we what it writes?
#   make check-minari   convert there and back and compare, in a throw-away environment
#   make clean-minari   remove that environment
#
# Variables: MINARI_ENVIRONMENT (where it is made).

MINARI_ENVIRONMENT ?= .build/minari

.PHONY: check-minari clean-minari

check-minari: build
	test -x $(MINARI_ENVIRONMENT)/bin/python || python3 -m venv $(MINARI_ENVIRONMENT)
	$(MINARI_ENVIRONMENT)/bin/pip install -q 'minari[hdf5,create]>=0.5' 'gymnasium[mujoco]' h5py
	$(MINARI_ENVIRONMENT)/bin/python experiments/datasets/check_minari.py --bred $(BRED)

clean-minari:
	rm -rf $(MINARI_ENVIRONMENT)
