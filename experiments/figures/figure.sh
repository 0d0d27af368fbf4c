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
case $scale in
  smoke)
    density="--updates 200 --width 32 --draws 10 --rows 200"
    bias="--states 20 --rollouts 2 --horizon 100"
    steps=1000
    ;;
  small | given)
    density="--updates 20000 --draws 100 --rows 2000"
    bias="--states 200 --rollouts 5"
    steps=20000
    ;;
  *)
    density=""
    bias=""
    steps=100000
    ;;
esac
runs=$("$python" -c 'import json, sys; print(*[j["directory"] for j in json.load(open(sys.argv[1]))["jobs"] if j["kind"] == "run"])' \
  "$out/figure-$number.json")
if grep -q '"analysis":"q-bias"' "$out/figure-$number.json"; then
  for run in $runs; do
    "$bred" analyse q-bias "$out/sweep/$run" --output "$out/sweep/$run/q-bias.csv" --resume $bias $QUIET
  done
fi
if grep -q '"analysis":"density"' "$out/figure-$number.json"; then
  data=$(sed -n 's/^  path: //p' "$out/sweep/$runs/config.yaml")
  online=$out/figure-$number-online.hdf5
  [ -f "$online" ] || "$bred" dataset collect --env walker2d --policy "$out/sweep/$runs" --steps "$steps" --seed 0 \
    --output "$online" $QUIET
  [ -f "$out/figure-$number-density.csv" ] ||
    "$bred" analyse density "$data" --online "$online" --output "$out/figure-$number-density.csv" --resume $density $QUIET
  exec "$python" experiments/figures/figure_01.py --dataset "$data" --online "$online" \
    --density "$out/figure-$number-density.csv" --scale "$scale" --output "$out/figure-$number"
fi
"$python" experiments/figures/figure.py "$out/figure-$number.json" --sweep "$out/sweep" --scale "$scale" \
  --output "$out/figure-$number"
