#!/usr/bin/env python3
"""Two workers on one sweep, one of them killed at some moment: every job is done once, with the same bytes.

    python3 experiments/torture/sweeps.py --seed 1 --count 50

Every other time the killed worker takes its jobs along, as with a lost machine; otherwise they are left behind.
It is started again at once. Afterwards all jobs are done, one claim on each says so, and weights and tables are
those of a sweep that nobody disturbed.
"""
import glob
import json
import os
import random
import signal
import subprocess
import sys
import time

from common import Campaign, Loss, begin, compare, parser, results, run

SWEEP = """\
tasks: [hopper-medium-v2]
methods: [bred, cql-ft]
seeds: [0, 1]
datasets: {{hopper-medium-v2: {dataset}}}
set:
  networks: {{hiddenLayers: 2, hiddenUnits: 8}}
  offline: {{members: 2, gradientSteps: 60, epochSteps: 20, cql: {{batchSize: 16}}}}
  distillation: {{epochs: 2, epochSteps: 10, batchSize: 16}}
  online: {{environmentSteps: 400, blockSteps: 100, firstBlockMultiplier: 2, sac: {{batchSize: 16}}}}
  evaluation: {{episodes: 1}}
"""


def outcome(directory):
    """Results of runs and shared stages; links are followed once, where the stage itself lies."""
    return results(directory)


def worker(arguments, sweep, directory):
    return subprocess.Popen(
        [arguments.bred, "sweep", "run", sweep, "--output", directory, "--jobs", "1", "--threads", "1"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)


def check_claims(directory, jobs):
    folders = sorted(glob.glob(f"{directory}/claims/*"))
    if len(folders) != jobs:
        raise Loss(f"{len(folders)} jobs were claimed, there are {jobs}")
    for folder in folders:
        states = []
        for path in glob.glob(f"{folder}/*.json"):
            with open(path) as file:
                text = file.read()
            # Whoever is killed in the midst of claiming leaves an empty file.
            states.append(json.loads(text)["state"] if text else "working")
        if states.count("done") > 1:
            raise Loss(f"{folder}: done {states.count('done')} times")
        if states.count("failed"):
            raise Loss(f"{folder}: {states}")


def one(arguments, sweep, expected, jobs, moment, takes_jobs, directory):
    workers = [worker(arguments, sweep, directory), worker(arguments, sweep, directory)]
    time.sleep(moment)
    victim = workers[0]
    was_running = victim.poll() is None
    if was_running:
        if takes_jobs:
            os.killpg(victim.pid, signal.SIGKILL)
        else:
            victim.kill()
        victim.communicate()
        workers[0] = worker(arguments, sweep, directory)
    for process in workers:
        try:
            errors = process.communicate(timeout=180)[1].decode(errors="replace")
        except subprocess.TimeoutExpired:
            raise Loss("a worker hangs") from None
        # A worker may end while the other one still works on the last job.
        if process.returncode != 0:
            raise Loss(f"a worker ends with status {process.returncode}: {errors}")
    status, errors = run([arguments.bred, "sweep", "run", sweep, "--output", directory, "--threads", "1"])
    if status or "begins:" in errors:
        raise Loss(f"something was left to do: {errors}")
    compare(outcome(directory), expected)
    check_claims(directory, jobs)
    return ("killed with its jobs" if takes_jobs else "killed alone") if was_running else "was done before"


def main():
    arguments = begin(parser(__doc__, 50, "sweeps").parse_args())
    sweep, dataset = f"{arguments.output}/sweep.yaml", f"{arguments.output}/data.hdf5"
    with open(sweep, "w") as file:
        file.write(SWEEP.format(dataset=dataset))
    status, errors = run([arguments.bred, "dataset", "collect", "--env", "hopper", "--random", "--steps", "400",
                          "--seed", "1", "--output", dataset, "--threads", "1", "--quiet"])
    if status:
        sys.exit(errors)
    whole, start = f"{arguments.output}/whole", time.time()
    first, second = worker(arguments, sweep, whole), worker(arguments, sweep, whole)
    said = [process.communicate()[1].decode() for process in (first, second)]
    if first.returncode or second.returncode:
        sys.exit("\n".join(said))
    length = time.time() - start
    expected, jobs = outcome(whole), len(glob.glob(f"{whole}/claims/*"))
    print(f"sweeps: {jobs} jobs, {length:.1f} s undisturbed")
    campaign, draw = Campaign("sweeps", arguments, arguments.count), random.Random(arguments.seed)
    for index in range(arguments.count):
        moment = draw.random() * length
        campaign.trial(
            f"after {moment:.2f} s",
            lambda directory: one(arguments, sweep, expected, jobs, moment, index % 2 == 0, directory))
    campaign.end()


if __name__ == "__main__":
    main()
