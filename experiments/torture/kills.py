#!/usr/bin/env python3
"""Kills runs at their file-system calls and lets them go on: the end must be that of an undisturbed run.

    python3 experiments/torture/kills.py --seed 1 --count 1000

Every call below the output directory of a run through all stages (offline, distillation, online), for three
robots, is a point: killed before it, after it, and, where it writes, after half of its bytes. Every third time
the run that goes on is killed once more. `--count` of the points are drawn, evenly over robots and time.
"""
import random

from common import Campaign, Loss, Pipeline, ROBOTS, begin, parser, shim, spread

CHANGES = {"create", "write", "rename", "sync", "link", "unlink", "truncate", "mkdir", "close"}


def points(pipeline):
    """After one call is before the next one, so that only the last one has an after."""
    changes = [call for call in pipeline.calls if call[1] in CHANGES]
    for number, kind, path in changes:
        yield pipeline, number, "before", f"{kind} {path}"
        if kind == "write":
            yield pipeline, number, "half", f"{kind} {path}"
    number, kind, path = changes[-1]
    yield pipeline, number, "after", f"{kind} {path}"


def main():
    arguments = begin(parser(__doc__, 1000, "kills").parse_args())
    library = shim(arguments.output)
    pipelines = [Pipeline(arguments.bred, robot, arguments.output, library) for robot in ROBOTS]
    every = [point for pipeline in pipelines for point in points(pipeline)]
    chosen = spread(every, arguments.count, arguments.seed)
    print(f"kills: {len(chosen)} of {len(every)} points of {len(pipelines)} runs")
    campaign = Campaign("kills", arguments, len(chosen))
    draw = random.Random(arguments.seed + 1)
    for index, (pipeline, number, moment, what) in enumerate(chosen):
        again = draw.randrange(1, len(pipeline.calls) + 1) if index % 3 == 2 else 0

        def body(directory):
            status, errors = pipeline.start(directory, f"kill {number} {moment}")
            if status != -9:
                raise Loss(f"was not killed but ended with status {status}: {errors}")
            if again:
                status, errors = pipeline.start(directory, f"kill {again} before")
                if status not in (-9, 0):
                    raise Loss(f"the second run ends with status {status}: {errors}")
            pipeline.resume(directory)
            return "killed twice" if again and status == -9 else f"killed {moment}"

        title = f"{pipeline.robot}, call {number} ({what}), {moment}" + (f", then {again}" if again else "")
        campaign.trial(title, body)
    campaign.end()


if __name__ == "__main__":
    main()
