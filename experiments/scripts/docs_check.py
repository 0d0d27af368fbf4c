#!/usr/bin/env python3
"""Runs the tutorials as they stand: docs_check.py BRED [PAGE...]

Of each page below docs/tutorials the shell blocks run in their order, from the repository, with `bred` on the path.
A YAML block that begins with `# PATH` is written to that path. Everything lands below runs/tutorial, which is
removed first.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "runs/tutorial"


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


def main():
    bred, *names = sys.argv[1:]
    folder = pathlib.Path(bred).resolve().parent
    environment = dict(os.environ, PATH=f"{folder}{os.pathsep}{os.environ['PATH']}")
    pages = [pathlib.Path(name).resolve() for name in names] or sorted((ROOT / "docs/tutorials").glob("*.md"))
    for page in pages:
        shutil.rmtree(OUTPUT, ignore_errors=True)
        check(page, environment)


if __name__ == "__main__":
    main()
