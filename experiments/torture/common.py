"""What the campaigns share: tiny runs, faults in them, comparison, progress and results."""
import argparse
import csv
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROBOTS = ["hopper", "walker2d", "halfcheetah"]
STAGES = ["pretrain", "distill", "finetune"]
# Every stage, in many files and few updates: about a third of a second.
SETTINGS = """\
environment: {robot}
networks: {{hiddenLayers: 2, hiddenUnits: 8}}
offline: {{members: 2, gradientSteps: 6, epochSteps: 2, checkpointInterval: 1, cql: {{batchSize: 8}}}}
distillation: {{epochs: 2, epochSteps: 2, batchSize: 8, checkpointInterval: 1}}
online:
  environmentSteps: 60
  blockSteps: 20
  updatesPerStep: 0.2
  firstBlockMultiplier: 2
  checkpointInterval: 1
  policyInterval: 1
  agentInterval: 2
  sac: {{batchSize: 8}}
evaluation: {{episodes: 1, interval: 100}}
"""
TIMES = {"wall_seconds", "updates_per_second"}
PATIENCE = 900


class Loss(Exception):
    """Something was lost, or wrong without a word."""


def parser(text, count, output):
    result = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("--bred", default=".build/release/bred", help="the program")
    result.add_argument("--seed", type=int, default=1, help="which faults are chosen")
    result.add_argument("--count", type=int, default=count, help=f"how many ({count})")
    result.add_argument("--output", default=f".build/torture/{output}", help="results and evidence")
    result.add_argument("--survey", action="store_true", help="count losses instead of stopping at the first")
    return result


def begin(arguments):
    """Absolute paths and an empty output directory."""
    arguments.bred = os.path.abspath(arguments.bred)
    arguments.output = os.path.abspath(arguments.output)
    if not os.access(arguments.bred, os.X_OK):
        sys.exit(f"{arguments.bred}: not an executable; make build makes it")
    shutil.rmtree(arguments.output, ignore_errors=True)
    os.makedirs(arguments.output)
    return arguments


def shim(output):
    """The library that lets calls fail, compiled."""
    path = os.path.join(output, "faults.so")
    subprocess.run(["cc", "-std=c11", "-O1", "-Wall", "-shared", "-fPIC", "-o", path,
                    os.path.join(HERE, "faults.c"), "-ldl"], check=True)
    return path


def run(command, environment=None, patience=PATIENCE):
    """Exit status (negative for a signal), standard error."""
    try:
        done = subprocess.run(command, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=patience)
    except subprocess.TimeoutExpired:
        raise Loss(f"hangs for {patience} s: {' '.join(command)}") from None
    return done.returncode, done.stderr.decode(errors="replace")


class Pipeline:
    """All stages of one robot in one directory, and what they end with when nothing goes wrong."""

    def __init__(self, bred, robot, folder, library):
        self.bred, self.robot, self.library = bred, robot, library
        self.folder = os.path.join(folder, robot)
        os.makedirs(self.folder)
        self.settings = os.path.join(self.folder, "settings.yaml")
        self.dataset = os.path.join(self.folder, "data.hdf5")
        with open(self.settings, "w") as file:
            file.write(SETTINGS.format(robot=robot))
        status, errors = run([bred, "dataset", "collect", "--env", robot, "--random", "--steps", "400",
                              "--seed", "1", "--output", self.dataset, "--threads", "1", "--quiet"])
        if status:
            sys.exit(errors)
        self.log = os.path.join(self.folder, "calls")
        self.record = os.path.join(self.folder, "changes")
        self.whole = os.path.join(self.folder, "whole")
        status, errors = self.start(self.whole, BRED_TORTURE_LOG=self.log, BRED_TORTURE_RECORD=self.record)
        if status:
            sys.exit(errors)
        self.results = results(self.whole)
        self.calls = read_calls(self.log, self.whole)

    def command(self, directory):
        return [self.bred, "run", self.settings, "--dataset", self.dataset, "--output", f"{directory}/run",
                "--threads", "1", "--seed", "7", "--resume"]

    def start(self, directory, fault=None, **more):
        """The run in `directory/run`, with calls below `directory` numbered."""
        os.makedirs(directory, exist_ok=True)
        environment = {"LD_PRELOAD": self.library, "BRED_TORTURE_ROOT": directory, **more}
        if fault:
            environment["BRED_TORTURE_FAULT"] = fault
        return run(self.command(directory), environment)

    def resume(self, directory):
        """Goes on undisturbed; the run must end with the bytes of one that never was disturbed.

        Returns what it says.
        """
        status, errors = run(self.command(directory))
        if status:
            raise Loss(f"--resume ends with status {status}: {errors.strip()}")
        compare(results(directory), self.results)
        left = [name for name in files(directory) if ".partial-" in name or ".tmp-" in name]
        if left:
            raise Loss(f"left behind: {left}")
        return errors


def checkpoints(directory):
    """Progress of each stage's newest checkpoint."""
    found = {}
    for stage in STAGES:
        folder = os.path.join(directory, "run", stage, "checkpoints")
        if os.path.isdir(folder):
            steps = [step(name) for name in os.listdir(folder) if name.startswith("step-")]
            if steps:
                found[stage] = max(steps)
    return found


def step(path):
    return int(os.path.basename(path)[len("step-"):-len(".safetensors")])


def resumed(errors):
    """With what progress each stage went on, by what the program says."""
    return {stage: int(count) for stage, count in re.findall(r"^resuming (\w+) in .* after (\d+) ", errors, re.M)}


def read_calls(path, root):
    """(number, class, path below the root) of each call."""
    calls = []
    with open(path) as file:
        for line in file:
            number, kind, name = line.rstrip("\n").split(" ", 2)
            calls.append((int(number), kind, os.path.relpath(name, root)))
    return calls


def files(folder):
    found = []
    for place, _, names in os.walk(folder):
        found += [os.path.relpath(os.path.join(place, name), folder) for name in names]
    return sorted(found)


def untimed(path):
    """A table without the columns that tell the time."""
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    kept = [i for i, name in enumerate(rows[0]) if name not in TIMES]
    return json.dumps([[row[i] for i in kept] for row in rows])


def event_lengths(path):
    """Lengths of the events in TensorBoard's file; their times differ."""
    with open(path, "rb") as file:
        data = file.read()
    lengths, position = [], 0
    while position + 16 <= len(data):
        lengths.append(int.from_bytes(data[position:position + 8], "little"))
        position += 16 + lengths[-1]
    return lengths if position == len(data) else "broken"


def results(folder):
    """What must come out the same: weights, tables, events and summaries, times aside."""
    found = {}
    for name in files(folder):
        path = os.path.join(folder, name)
        base = os.path.basename(name)
        if base == "progress.csv":
            text = untimed(path)
        elif base == "summary.json":
            with open(path) as file:
                values = json.load(file)
            text = json.dumps({k: v for k, v in values.items() if not k.endswith("Seconds")}, sort_keys=True)
        elif base.startswith("events.out.tfevents."):
            # The name has the time of the beginning in it.
            name, text = os.path.join(os.path.dirname(name), "events"), json.dumps(event_lengths(path))
        elif "/checkpoints/" in f"/{name}":
            continue
        elif base.endswith(".safetensors") or base in ("agent.json", "config.yaml"):
            with open(path, "rb") as file:
                text = hashlib.sha256(file.read()).hexdigest()
        else:
            continue
        found[name] = text
    return found


def compare(found, expected):
    missing = sorted(set(expected) - set(found))
    extra = sorted(set(found) - set(expected))
    different = sorted(name for name in expected if name in found and found[name] != expected[name])
    if missing or extra or different:
        raise Loss(f"other results: missing {missing}, too many {extra}, different {different}")


def spread(points, count, seed):
    """`count` of the points, one drawn from each of as many equal stretches; all where they are no more."""
    points = list(points)
    if count >= len(points):
        return points
    chosen, draw = [], random.Random(seed)
    for index in range(count):
        first, last = index * len(points) // count, (index + 1) * len(points) // count
        chosen.append(points[draw.randrange(first, last)])
    return chosen


class Campaign:
    """Counts what is tried and what comes of it; stops at the first loss and keeps its directory."""

    def __init__(self, name, arguments, total):
        self.name, self.arguments, self.total = name, arguments, total
        self.done, self.counts, self.start, self.said, self.lost = 0, {}, time.time(), 0, []
        self.directory = os.path.join(arguments.output, "trial")

    def trial(self, title, body):
        shutil.rmtree(self.directory, ignore_errors=True)
        try:
            outcome = body(self.directory)
        except Loss as loss:
            print(f"\n{self.name}: LOST at {title}\n{loss}\nevidence: {self.directory}", file=sys.stderr)
            self.lost.append(f"{title}: {loss}")
            if not self.arguments.survey:
                self.write()
                sys.exit(1)
            outcome = "lost"
        self.counts[outcome] = self.counts.get(outcome, 0) + 1
        self.done += 1
        if time.time() - self.said > 10:
            self.said = time.time()
            print(f"{self.name}: {self.done}/{self.total}, {time.time() - self.start:.0f} s", file=sys.stderr)

    def write(self):
        text = {"campaign": self.name, "seed": self.arguments.seed, "count": self.done,
                "outcomes": dict(sorted(self.counts.items())), "lost": self.lost,
                "seconds": round(time.time() - self.start)}
        with open(os.path.join(self.arguments.output, "result.json"), "w") as file:
            json.dump(text, file, indent=2)
            file.write("\n")

    def end(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        self.write()
        outcomes = ", ".join(f"{count} {name}" for name, count in sorted(self.counts.items()))
        print(f"{self.name}: seed {self.arguments.seed}, {self.done} tried, {len(self.lost) or 'nothing'} lost "
              f"({outcomes}), {time.time() - self.start:.0f} s")
        if self.lost:
            sys.exit(1)
