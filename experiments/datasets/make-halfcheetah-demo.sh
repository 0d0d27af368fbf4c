#!/bin/sh
# Makes halfcheetah-demo.hdf5: the replay buffer of a soft actor-critic agent's first 15,000 steps, as
# D4RL's medium-replay sets are made. Takes a minute or two; the same processor family gives the same bytes.
#   experiments/datasets/make-halfcheetah-demo.sh BRED OUTPUT.hdf5
set -e
bred=${1:-.build/release/bred}
"$bred" sac --env halfcheetah --seed 1 --output "$(mktemp -d)/sac" --replay-dataset "${2:?where to}" \
  --set online.environmentSteps=15000 --set evaluation.interval=5
