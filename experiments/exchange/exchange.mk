# Policies to and from other programs.
#   make check-exchange   exported files against onnxruntime, PyTorch and h5py, imported actors against those
#                         of Stable-Baselines3 and d3rlpy, and of CORL where CORL names its checkout
#
# Variables: EXCHANGE_ENVIRONMENT (where the throw-away environment is made), CORL, PEERS_TORCH (PyTorch's name for pip).

EXCHANGE_ENVIRONMENT ?= .build-exchange
CORL ?=

.PHONY: check-exchange

check-exchange: build
	experiments/exchange/setup.sh $(EXCHANGE_ENVIRONMENT)
	$(EXCHANGE_ENVIRONMENT)/bin/python experiments/exchange/check.py --bred $(BRED) $(if $(CORL),--corl $(CORL))
