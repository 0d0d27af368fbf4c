#!/bin/sh
# Makes hopper-demo.hdf5: the replay buffer of a soft actor-critic agent's first 22,000 steps, as D4RL's
# medium-replay sets are made. Takes a minute or two; the same processor family gives the same bytes.
#   experiments/datasets/make-hopper-demo.sh BRED OUTPUT.hdf5
set -e
bred=${1:-.build/release/bred}
"$bred" sac --env hopper --seed 1 --output "$(mktemp -d)/sac" --replay-dataset "${2:?where to}" \
  --set networks.hiddenUnits=128 --set sac.batchSize=128 --set sac.environmentSteps=22000 \
  --set evaluation.interval=2 --set evaluation.episodes=3
