#!/usr/bin/env python3
"""Runs the tutorials as they stand: docs_check.py BRED [PAGE...]

Of each page below docs/tutorials the shell blocks run in their order, from the repository, with `bred` on the path.
A YAML block that begins with `# PATH` is written to that path. Everything lands below runs/tutorial, which is
removed first. At the end the program of one's own is built and run: manifest of docs/library.md, algorithm of
docs/algorithms/writing-a-learner.md and the two lines that use it.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "runs/tutorial"
# What surrounds the two lines that the guide shows; tiny, for they are to run and not to learn.
PROGRAM = """\
import BRED

let lab = try Lab(
  environment: "hopper", dataset: CommandLine.arguments[1], output: CommandLine.arguments[2],
  settings: ["networks.hiddenUnits=16", "evaluation.episodes=1"])
%s
print(try lab.evaluate(agents, episodes: 1).returns)
"""


def blocks(page):
    return re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(), re.S | re.M)


def check(page, environment):
    for language, text in blocks(page):
        if language == "yaml" and (name := re.match(r"# (runs/tutorial/\S+)\n", text)):
            path = ROOT / name[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        if language != "sh":
            continue
        print(f"docs-check: {page.relative_to(ROOT)}: {text.strip().splitlines()[0]}", flush=True)
        done = subprocess.run(["sh", "-eu"], input=text, text=True, cwd=ROOT, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            sys.exit(f"{done.stdout}\n{page}: this block ends with {done.returncode}:\n{text}")


def program(bred):
    """A package beside this one, which depends on it."""
    print("docs-check: a program of one's own", flush=True)
    library, guide = (blocks(ROOT / "docs" / page) for page in ("library.md", "algorithms/writing-a-learner.md"))
    manifest = next(text for _, text in library if text.startswith("// swift-tools-version"))
    algorithm = next(text for _, text in guide if "final class ExpectileQLearning" in text)
    usage = next(text for _, text in guide if text.startswith("AlgorithmRegistry.add"))
    package = OUTPUT / "mine"
    sources = package / "Sources/mine"
    sources.mkdir(parents=True)
    (OUTPUT / "BRED").symlink_to(ROOT)
    (package / "Package.swift").write_text(manifest)
    (sources / "ExpectileQLearning.swift").write_text(algorithm)
    (sources / "main.swift").write_text(PROGRAM % usage.replace("100_000", "10"))
    data = OUTPUT / "own/hopper.hdf5"
    for command in (
        [bred, "dataset", "collect", "--env", "hopper", "--random", "--steps", "600", "--output", data, "--quiet"],
        [os.environ.get("SWIFT", "swift"), "build", "-c", "release", "--package-path", package,
         "--scratch-path", ROOT / ".build-mine"],
        [ROOT / ".build-mine/release/mine", data, OUTPUT / "own/run"],
    ):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit(f"{done.stdout}\ndocs-check: {' '.join(map(str, command))}: ends with {done.returncode}")


def main():
    bred, *names = sys.argv[1:]
    folder = pathlib.Path(bred).resolve().parent
    environment = dict(os.environ, PATH=f"{folder}{os.pathsep}{os.environ['PATH']}")
    pages = [pathlib.Path(name).resolve() for name in names] or sorted((ROOT / "docs/tutorials").glob("*.md"))
    for page in pages:
        shutil.rmtree(OUTPUT, ignore_errors=True)
        check(page, environment)
    if not names:
        shutil.rmtree(OUTPUT, ignore_errors=True)
        program(bred)


if __name__ == "__main__":
    main()
