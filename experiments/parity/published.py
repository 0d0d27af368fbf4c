"""Our score beside the published one, on an official file of D4RL, under the published protocol.

Each algorithm trains as long as published (a million updates; EDAC and SAC-N three), with four seeds; the score
is the last evaluation's, ten episodes of mean actions. Published scores are in published.csv, settings in settings.py.
A run that was stopped goes on.

    python experiments/parity/published.py hopper-medium-v2 --bred .build/release/bred
    python experiments/parity/published.py hopper-medium-v2 --algorithms td3-bc,iql --jobs 2
    python experiments/parity/published.py hopper-medium-v2 --dataset hopper.hdf5 --updates 1000 --seeds 1

Needs no peer, only Python's own library.
"""

import argparse
import csv
import json
import pathlib
import statistics
import subprocess
import sys

from jobs import finish, run_all
from settings import published, published_updates

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def read_published(task):
    """{algorithm: [(source, score, deviation)]}; ends with an error for a task that nobody published."""
    found, tasks = {}, []
    with open(HERE / "published.csv") as file:
        for row in csv.DictReader(file):
            tasks.append(row["task"])
            if row["task"] == task:
                found.setdefault(row["algorithm"], []).append((row["source"], row["score"], row["deviation"]))
    if not found:
        sys.exit(f"published.py: no published score for '{task}'; there are {', '.join(dict.fromkeys(tasks))}")
    return found


def dataset_of(options):
    """The official file, fetched where it is not in D4RL's cache."""
    if options.dataset:
        return options.dataset
    fetched = subprocess.run([options.bred, "dataset", "fetch", options.task, "--json"], stdout=subprocess.PIPE, text=True)
    if fetched.returncode:
        sys.exit(f"published.py: {options.task} is not to be had; --dataset FILE names a copy of it")
    return json.loads(fetched.stdout)["path"]


def train(options, dataset, algorithm, seed):
    """Score of the last evaluation."""
    name, keys = published(algorithm, options.task)
    updates = options.updates or published_updates(algorithm)
    keys |= {"offline.members": 1, "offline.gradientSteps": updates, "offline.epochSteps": min(5000, updates),
             "evaluation.episodes": 10}
    # With the file's name: another file is another run.
    run = f"{options.task}-{algorithm}-{seed}-{updates}-{pathlib.Path(dataset).stem}"
    output = pathlib.Path(options.output) / run
    output.parent.mkdir(parents=True, exist_ok=True)
    command = [options.bred, "train", name, "--task", options.task, "--dataset", dataset, "--seed", str(seed),
               "--threads", "1", "--quiet", "--resume", "--output", output]
    for key, value in keys.items():
        command += ["--set", f"{key}={value}"]
    code = finish(command)
    if code:
        raise subprocess.CalledProcessError(code, command)
    score = json.loads((output / "summary.json").read_text())["finalScore"]
    print(f"{options.task}, {algorithm}, seed {seed}, {updates:,} updates: {score:.1f}", file=sys.stderr, flush=True)
    return score


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", help="D4RL's name, such as hopper-medium-v2")
    parser.add_argument("--bred", default=str(ROOT / ".build" / "release" / "bred"))
    parser.add_argument("--dataset", help="the file, where it is not fetched")
    parser.add_argument("--algorithms", help="comma-separated; all that are published by default")
    parser.add_argument("--seeds", type=int, default=4, help="how many, from 0 (4)")
    parser.add_argument("--updates", type=int, help="fewer than published")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time, of one thread each (1)")
    parser.add_argument("--output", default=str(ROOT / "runs" / "parity" / "published"))
    options = parser.parse_args()
    if options.seeds < 1 or options.jobs < 1 or (options.updates is not None and options.updates < 1):
        parser.error("--seeds, --jobs and --updates are at least 1")
    scores = read_published(options.task)
    algorithms = options.algorithms.split(",") if options.algorithms else list(scores)
    for algorithm in algorithms:
        if algorithm not in scores:
            parser.error(f"no published score of '{algorithm}' for {options.task}; there are {', '.join(scores)}")
    dataset = dataset_of(options)
    jobs = [(algorithm, seed) for algorithm in algorithms for seed in range(options.seeds)]
    try:
        ours = dict(zip(jobs, run_all(lambda job: train(options, dataset, *job), jobs, options.jobs)))
    except KeyboardInterrupt:
        sys.exit(130)
    except subprocess.CalledProcessError as failure:
        sys.exit(f"published.py: ended with {failure.returncode}: {' '.join(map(str, failure.cmd))}")
    print(f"| {options.task} | updates | ours (seeds: {options.seeds}) | published |\n|---|---|---|---|")
    for algorithm in algorithms:
        values = [ours[algorithm, seed] for seed in range(options.seeds)]
        spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
        updates = options.updates or published_updates(algorithm)
        elsewhere = "; ".join(f"{source} {score} ± {deviation}" for source, score, deviation in scores[algorithm])
        print(f"| {algorithm} | {updates:,} | {statistics.fmean(values):.1f}{spread} | {elsewhere} |")


if __name__ == "__main__":
    main()
