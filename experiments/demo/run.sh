#!/bin/sh
# The pipeline in a few minutes: a small dataset, two small agents, one policy, online fine-tuning.
#   experiments/demo/run.sh BRED [OUTPUT]
# Interrupt it when you like: the same command goes on where it stopped.
set -e
cd "$(dirname "$0")/../.."
bred=${1:-.build/release/bred}
out=${2:-runs/demo}
data=experiments/datasets/halfcheetah-demo.hdf5

echo "demo: $data -> $out"
"$bred" run experiments/demo/demo.yaml --dataset "$data" --output "$out" --resume
"$bred" plot "fine-tuning=$out/finetune" --output "$out/learning-curve.svg" \
  --title "HalfCheetah: balanced replay after distillation"

score() {
  printf '  %-28s' "$1"
  "$bred" evaluate --env halfcheetah --policy "$2" --episodes 20 --seed 100
}
echo
echo "Twenty episodes each, mean actions:"
member=0
while [ -f "$out/pretrain/weights/member-$member/actor.safetensors" ]; do
  score "offline agent $member" "$out/pretrain/weights/member-$member/actor.safetensors"
  member=$((member + 1))
done
score "distilled" "$out/distill/weights/distilled.safetensors"
score "fine-tuned" "$out/finetune/weights/policy.safetensors"
echo
echo "Where to look:"
echo "  $out/learning-curve.svg            the score during fine-tuning"
echo "  $out/finetune/progress.csv         every number, one row per 1000 steps"
echo "  $out/finetune/weights              the final policy and critics"
echo "  $bred report $out --output $out/report.html        all of it on one page"
echo "  $bred render --policy before=$out/distill --compare after=$out/finetune --output $out/demo.mp4"
echo "  tensorboard --logdir $out          the same curves, if you have TensorBoard"
