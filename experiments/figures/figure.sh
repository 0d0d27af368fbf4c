#!/bin/sh
# One figure of the paper, from data to picture.
#   experiments/figures/figure.sh NN SCALE BRED PYTHON
# Interrupt it when you like: the same command goes on. Runs of several figures are shared.
set -e
cd "$(dirname "$0")/../.."
number=$1
scale=$2
bred=$3
python=$4
file=experiments/figures/figure-$number.yaml
over=experiments/figures/scales/$scale.yaml
out=runs/figures/$scale
for needed in "$file" "$over"; do
  [ -f "$needed" ] || { echo "figure: there is no $needed" >&2; exit 2; }
done
mkdir -p "$out"
if [ "$scale" = paper ]; then
  for task in $("$bred" sweep plan "$file" --scale "$over" --no-costs --json |
    "$python" -c 'import json, sys; print(*sorted({j["task"] for j in json.load(sys.stdin)["jobs"] if j.get("task")}))'); do
    "$bred" dataset fetch "$task" --quiet || echo "figure: $task could not be fetched" >&2
  done
  "$bred" sweep plan "$file" --scale "$over"
  echo "figure: at this scale, submit it: $bred sweep slurm $file --scale $over --output $out/sweep" >&2
  echo "figure: here it begins in 20 s; Ctrl-C to stop" >&2
  sleep 20
else
  experiments/figures/data.sh "$scale" "$bred"
fi
"$bred" sweep run "$file" --scale "$over" --output "$out/sweep" $QUIET
"$bred" sweep plan "$file" --scale "$over" --no-costs --json >"$out/figure-$number.json"
"$python" experiments/figures/figure.py "$out/figure-$number.json" --sweep "$out/sweep" --scale "$scale" \
  --output "$out/figure-$number"
