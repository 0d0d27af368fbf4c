#!/usr/bin/env python3
"""Whole stages against what the update benchmarks promise.

    python3 experiments/benchmarks/stages.py --bred .build/release/bred

Collects a small dataset of random actions, then, in each round and in turns, measures an update with
`bred benchmark` and runs the stage that consists of such updates: pretraining one CQL agent
(cql-update-2x256) and fine-tuning five (bred-update-n5), on HalfCheetah. Reads activitySeconds from
summary.json. Prints, as medians over rounds, the stage's updates per second while it updates divided
by the benchmark's, and where the rest of its time went. Fresh networks on both sides; the rows that
CQL skips as it learns make the stage's updates faster, so the stage is short.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

ACTIVITIES = ["updates", "sampling", "collection", "evaluation", "records", "checkpoints", "other"]


def call(command):
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if answer.returncode != 0:
        sys.exit(f"stages.py: failed: {' '.join(command)}")
    return answer.stdout


def benchmark(bred, name, threads):
    output = call([bred, "benchmark", name, "--json", "--repetitions", "3"] + threads)
    return json.loads(output)["results"][0]["perSecond"]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bred", default=".build/release/bred")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--pretrain-updates", type=int, default=300)
    parser.add_argument("--online-updates", type=int, default=1000, help="in blocks of 250 steps")
    parsed = parser.parse_args()
    threads = ["--threads", str(parsed.threads)] if parsed.threads else []
    shares = {"pretrain": [], "finetune": []}
    times = {"pretrain": [], "finetune": []}
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data.hdf5")
        call([parsed.bred, "dataset", "collect", "--env", "halfcheetah", "--random", "--steps",
              "20000", "--output", data, "--quiet"])
        common = ["--env", "halfcheetah", "--dataset", data, "--quiet",
                  "--set", "evaluation.episodes=1"] + threads
        agents = os.path.join(folder, "agents")
        call([parsed.bred, "pretrain", "--output", agents, "--set", "offline.members=5",
              "--set", "offline.gradientSteps=1"] + common)

        def stage(name, benchmark_name, updates, command):
            output = os.path.join(folder, f"{name}-{len(times[name])}")
            before = benchmark(parsed.bred, benchmark_name, threads)
            call(command + ["--output", output] + common)
            after = benchmark(parsed.bred, benchmark_name, threads)
            with open(os.path.join(output, "summary.json")) as file:
                seconds = json.load(file)["activitySeconds"]
            rate = updates / seconds["updates"]
            shares[name].append(rate / ((before + after) / 2))
            times[name].append(seconds)
            print(f"{name}: {rate:.1f} updates/s in the stage, {before:.1f} and {after:.1f} in the "
                  "benchmark before and after", file=sys.stderr, flush=True)

        for _ in range(parsed.rounds):
            steps = parsed.pretrain_updates
            stage("pretrain", "cql-update-2x256", steps, [
                parsed.bred, "pretrain", "--set", "offline.members=1",
                "--set", f"offline.gradientSteps={steps}"])
            steps = parsed.online_updates
            stage("finetune", "bred-update-n5", steps, [
                parsed.bred, "finetune", "--ensemble", os.path.join(agents, "weights"),
                "--set", "distillation.epochs=1",
                "--set", "distillation.epochSteps=100",
                "--set", f"online.environmentSteps={steps}",
                "--set", "online.blockSteps=250", "--set", "online.firstBlockMultiplier=1"])
    print("| stage | its updates against the benchmark's, median (range) | "
          + " | ".join(f"{a}, s" for a in ACTIVITIES) + " |")
    print("|" + " --- |" * (2 + len(ACTIVITIES)))
    for name in shares:
        cells = [f"{statistics.median(t[a] for t in times[name]):.3f}" for a in ACTIVITIES]
        print(f"| {name} | {statistics.median(shares[name]):.3f} ({min(shares[name]):.3f}…"
              f"{max(shares[name]):.3f}) | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
