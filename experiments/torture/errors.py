#!/usr/bin/env python3
"""Lets file-system calls of runs fail: a clear message, exit 1, and everything written before stays good.

    python3 experiments/torture/errors.py --seed 1 --count 600

ENOSPC, EDQUOT and EIO, once or at every call from there on, and writes that take half of their bytes, at the
calls of a run through all stages and of one that goes on from its checkpoints. `--count` of the points are drawn.
Afterwards the same command without faults must go on from the last checkpoint and end with the bytes of an
undisturbed run. A call whose failure changes nothing (a look, the removal of an old file) may pass unnoticed.
"""
import os
import shutil

from common import (Campaign, Loss, Pipeline, begin, checkpoints, compare, parser, read_calls, results, resumed, shim,
                    spread, step)

ROOM = {"create", "write", "rename", "sync", "link", "mkdir"}
MUST_SAY = ROOM | {"truncate"}
WORDS = {"ENOSPC": "No space left on device", "EDQUOT": "Disk quota exceeded", "EIO": "Input/output error"}


class Start:
    """A run from its beginning, or one that goes on from what lies in `prepared`."""

    def __init__(self, title, calls, prepared=None):
        self.title, self.calls, self.prepared = title, calls, prepared

    def points(self):
        for number, kind, path in self.calls:
            for error in ("ENOSPC", "EDQUOT", "EIO"):
                if error == "EIO" or kind in ROOM:
                    yield from ((self, number, kind, path, error, how) for how in ("once", "always"))
            if kind == "write":
                yield from ((self, number, kind, path, "short", how) for how in ("once", "always"))

    def completed(self, number):
        """Progress of each stage's newest checkpoint that was whole, name and all, before this call."""
        found = checkpoints(self.prepared) if self.prepared else {}
        renamed = None
        for call, kind, path in self.calls:
            if call >= number:
                break
            if kind == "rename" and "/checkpoints/step-" in path:
                renamed = path
            elif kind == "sync" and renamed and path == os.path.dirname(renamed):
                found[path.split("/")[1]] = step(renamed)
        return found


def going_on(pipeline, folder):
    """A run killed in the midst of its last stage, and the calls with which it goes on."""
    saves = [c for c in pipeline.calls if c[1] == "rename" and "finetune/checkpoints/step-" in c[2]]
    pipeline.start(folder, f"kill {saves[len(saves) // 2][0] + 4} before")
    copy, log = f"{folder}-again", f"{folder}-calls"
    shutil.copytree(folder, copy)
    pipeline.start(copy, BRED_TORTURE_LOG=log)
    return Start("going on", read_calls(log, copy), folder)


def check_message(errors, words, directory):
    lines = [line for line in errors.splitlines() if line.startswith("error: ")]
    if len(lines) != 1:
        raise Loss(f"{len(lines)} lines of errors instead of one: {errors}")
    for wanted in (words, directory):
        if wanted not in lines[0]:
            raise Loss(f"the message does not name '{wanted}': {lines[0]}")


def one(pipeline, start, number, kind, error, how, directory):
    before = start.completed(number)
    if start.prepared:
        shutil.copytree(start.prepared, directory)
    status, errors = pipeline.start(directory, f"{error} {number} {how}")
    if status not in (0, 1):
        raise Loss(f"ends with status {status}: {errors}")
    if status == 0:
        if error != "short" and kind in MUST_SAY:
            raise Loss(f"{error} at {kind} passes unnoticed")
        compare(results(directory), pipeline.results)
        if start.prepared and "finetune" not in resumed(errors):
            raise Loss(f"the stage began again, without a word: {errors}")
        return f"{error} without effect"
    if error == "short":
        raise Loss(f"short writes are no errors, but it fails: {errors}")
    check_message(errors, WORDS[error], directory)
    now = checkpoints(directory)
    if any(now.get(stage, -1) < progress for stage, progress in before.items()):
        raise Loss(f"checkpoints before the fault: {before}, after it: {now}")
    finished = [stage for stage in now if os.path.exists(f"{directory}/run/{stage}/summary.json")]
    errors = pipeline.resume(directory)
    if "cannot be read" in errors:
        raise Loss(f"a checkpoint is broken: {errors}")
    later = resumed(errors)
    for stage, progress in now.items():
        if stage not in finished and later.get(stage) != progress:
            raise Loss(f"{stage} had a checkpoint at {progress} and went on from {later.get(stage)}: {errors}")
    return f"{error} reported"


def main():
    arguments = begin(parser(__doc__, 600, "errors").parse_args())
    pipeline = Pipeline(arguments.bred, "hopper", arguments.output, shim(arguments.output))
    starts = [Start("from the start", pipeline.calls), going_on(pipeline, os.path.join(arguments.output, "half"))]
    every = [point for start in starts for point in start.points()]
    chosen = spread(every, arguments.count, arguments.seed)
    print(f"errors: {len(chosen)} of {len(every)} points at {' and '.join(str(len(s.calls)) for s in starts)} calls")
    campaign = Campaign("errors", arguments, len(chosen))
    for start, number, kind, path, error, how in chosen:
        campaign.trial(
            f"{start.title}, call {number} ({kind} {path}), {error} {how}",
            lambda directory: one(pipeline, start, number, kind, error, how, directory))
    campaign.end()


if __name__ == "__main__":
    main()
