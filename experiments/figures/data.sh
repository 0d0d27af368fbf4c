#!/bin/sh
# Stand-ins for D4RL's v0 data, by this package's recipe or by given policies.
#   experiments/figures/data.sh SCALE BRED
# smoke: a few hundred rows; small: an agent of 100,000 (hopper) or 300,000 (walker2d) steps, sets of 100,000 rows;
# given: rows by D4RL's own policies.
set -e
cd "$(dirname "$0")/../.."
scale=$1
bred=$2
make_sets() {
  robot=$1
  shift
  # The mark is written last: an interrupted recipe goes on.
  [ -f "runs/figures/$scale/data/$robot/done" ] && return
  "$bred" dataset recipe --env "$robot" --output "runs/figures/$scale/data/$robot" --seed 0 --resume "$@"
  touch "runs/figures/$scale/data/$robot/done"
}
case $scale in
  smoke)
    for robot in halfcheetah hopper walker2d; do
      make_sets "$robot" --quiet --set recipe.environmentSteps=2000 --set recipe.policyInterval=2 \
        --set recipe.rows=1500 --set recipe.candidateEpisodes=2 --set networks.hiddenUnits=16 \
        --set online.blockSteps=200 --set online.updatesPerStep=0.1 --set online.sac.batchSize=32 \
        --set evaluation.episodes=1
    done
    ;;
  small)
    make_sets hopper --set recipe.environmentSteps=100000 --set recipe.rows=100000
    make_sets walker2d --set recipe.environmentSteps=300000 --set recipe.rows=100000
    ;;
  given)
    # Neither is made here: docs/results/claims.md says where they come from.
    for needed in policies/walker2d.safetensors policies/halfcheetah.safetensors agents/walker2d-medium \
      agents/halfcheetah-medium; do
      [ -e "runs/figures/given/$needed" ] ||
        { echo "data.sh: runs/figures/given/$needed is missing; see docs/results/claims.md" >&2; exit 2; }
    done
    collect() {
      file=runs/figures/given/data/$1-medium-$2k.hdf5
      [ -f "$file" ] || "$bred" dataset collect --env "$1" --policy "runs/figures/given/policies/$1.safetensors" \
        --steps "${2}000" --seed 0 --output "$file"
    }
    collect walker2d 500
    collect halfcheetah 200
    ;;
  *)
    echo "data.sh: no data to make for scale '$scale'" >&2
    exit 2
    ;;
esac
