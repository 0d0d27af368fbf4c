# Peers: the same updates in PyTorch and JAX, interleaved with ours.
#   make bench-peers   check the peers, time all three, write experiments/benchmarks/results/peers.*
#   make bench-stages  whole stages against what the update benchmarks promise
#   make check-peers   both peers compute the same losses, gradients and steps
#   make clean-peers   remove the throw-away environment both live in
#
# Variables: PEERS_ENVIRONMENT (where it is made), PEERS_ROUNDS (at least 5), PEERS_THREADS (of each
# program), PEERS_TORCH (PyTorch's name for pip). The fastest variant of each peer is found once and kept in the environment.

PEERS := experiments/benchmarks/peers
PEERS_ENVIRONMENT ?= .build-peers
PEERS_ROUNDS ?= 7
PEERS_THREADS ?= 2

.PHONY: bench-peers bench-stages check-peers clean-peers

bench-stages: build
	python3 experiments/benchmarks/stages.py --bred $(BRED)

bench-peers: build check-peers
	$(PEERS_ENVIRONMENT)/bin/python $(PEERS)/compare.py --bred $(BRED) --rounds $(PEERS_ROUNDS) \
	  --threads $(PEERS_THREADS) --variants $(PEERS_ENVIRONMENT)/variants-$(PEERS_THREADS).json --output experiments/benchmarks/results

check-peers:
	$(PEERS)/setup.sh $(PEERS_ENVIRONMENT)
	$(PEERS_ENVIRONMENT)/bin/python $(PEERS)/check.py

clean-peers:
	rm -rf $(PEERS_ENVIRONMENT)
