#!/usr/bin/env python3
"""One long run, or many short ones in one process, watched: neither memory nor open files may grow.

    python3 experiments/torture/soak.py --seconds 7200
    python3 experiments/torture/soak.py --seconds 7200 --short .build/release/ShortRuns

A run with a full replay buffer, checkpoints, evaluations and kept policies goes on until the time is up; it is
interrupted and resumed once a `--piece`. Started again with `--go-on`, it continues where it was, and samples add
up. Of the samples after the buffer has filled, the slope of the memory must be below `--slope` MiB an hour, and
the number of open files must be the same.

Short runs are another program's (Tests/ShortRuns), which uses the library and looks at itself between two runs. The first
third does not count. Beside the slope, what the heap has in use must not grow by `--leak` bytes from run to run: the
smallest block that a run could leave behind has more.
"""
import csv
import json
import os
import signal
import statistics
import subprocess
import sys
import time

from common import begin, parser

SETTINGS = """\
environment: hopper
networks: {hiddenLayers: 2, hiddenUnits: 32}
online:
  environmentSteps: 1000000000
  bufferCapacity: 5000
  blockSteps: 200
  updatesPerStep: 0.2
  firstBlockMultiplier: 1
  checkpointInterval: 5
  sac: {batchSize: 32}
evaluation: {episodes: 1, interval: 2}
"""


def sample(process):
    with open(f"/proc/{process}/statm") as file:
        pages = int(file.read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(os.listdir(f"/proc/{process}/fd"))


def slope(points):
    """Of the line of least squares."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def watch(arguments, settings, table, seconds):
    """Runs for so long; adds (seconds of this process, MiB, files) to the table."""
    command = [arguments.bred, "sac", "--config", settings, "--output", f"{arguments.output}/run", "--threads", "1",
               "--quiet", "--resume"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    start = time.time()
    with open(table, "a", newline="") as file:
        writer = csv.writer(file)
        while time.time() - start < seconds and process.poll() is None:
            time.sleep(arguments.interval)
            if process.poll() is None:
                writer.writerow([process.pid, round(time.time() - start, 1), *sample(process.pid)])
                file.flush()
    process.send_signal(signal.SIGINT)
    errors = process.communicate()[1].decode()
    if process.returncode != 130:
        sys.exit(f"soak: the run ends with status {process.returncode}: {errors}")


def keep(result, arguments):
    with open(f"{arguments.output}/result.json", "w") as file:
        json.dump(result, file, indent=2)
        file.write("\n")


def short_runs(arguments, table):
    folder = f"{arguments.output}/work"
    os.makedirs(folder)
    with open(table, "w") as file:
        command = [arguments.short, str(arguments.seconds), str(arguments.interval), folder]
        status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file).returncode
    if status:
        sys.exit(f"soak: LOST: {arguments.short} ends with status {status}")
    with open(table, newline="") as file:
        rows = [[float(value) for value in row] for row in csv.reader(file)]
    judged = rows[len(rows) // 3:]
    # Some kilobytes settle in the first hundreds of runs, whatever else.
    if len(judged) < 10 or judged[-1][1] - judged[0][1] < 1000:
        sys.exit(f"soak: too short for a judgement: {rows[-1][1]:.0f} runs, two thirds of which must be 1,000")
    if not all(row[3] > 0 for row in judged):
        sys.exit(f"soak: {arguments.short} cannot see its heap")
    growth = 3600 * slope([(row[0], row[2]) for row in judged])
    leak = slope([(row[1], row[3]) for row in judged])
    tenths = [round(rows[(len(rows) - 1) * i // 10][2], 1) for i in range(11)]
    files = sorted({int(row[4]) for row in judged})
    keep({"campaign": "soak-short", "seconds": round(rows[-1][0]), "runs": int(rows[-1][1]), "MiBAtEachTenth": tenths,
          "slopeMiBPerHour": round(growth, 2), "heapBytesPerRun": round(leak, 3), "files": files}, arguments)
    print(f"soak: {rows[-1][1]:.0f} runs in {rows[-1][0]:.0f} s, MiB at each tenth {tenths}, slope {growth:.2f} MiB an hour, "
          f"heap {leak:.3f} bytes a run, open files {files}")
    if growth > arguments.slope or leak > arguments.leak or len(files) > 1:
        sys.exit("soak: LOST: it grows")


def judge(arguments, table):
    pieces = {}
    with open(table, newline="") as file:
        for process, seconds, memory, files in csv.reader(file):
            if float(seconds) > arguments.warm:
                pieces.setdefault(process, []).append((float(seconds), float(memory), int(files)))
    pieces = {name: rows for name, rows in pieces.items() if len(rows) > 10}
    if not pieces:
        sys.exit("soak: too short for a judgement")
    # Pieces of one length count alike.
    worst = max(3600 * slope([(s, m) for s, m, _ in rows]) for rows in pieces.values())
    # A checkpoint that is being written is one more for a moment; what most samples say must not change.
    files = sorted({statistics.mode(f for _, _, f in half)
                    for rows in pieces.values() for half in (rows[:len(rows) // 2], rows[len(rows) // 2:])})
    total = sum(rows[-1][0] for rows in pieces.values())
    peak = max(m for rows in pieces.values() for _, m, _ in rows)
    result = {"campaign": "soak", "seconds": round(total), "pieces": len(pieces), "peakMiB": round(peak, 1),
              "slopeMiBPerHour": round(worst, 2), "files": files}
    keep(result, arguments)
    print(f"soak: {total:.0f} s in {len(pieces)} processes, at most {peak:.1f} MiB, "
          f"slope at most {worst:.2f} MiB an hour, open files {files}")
    if worst > arguments.slope or len(files) > 1:
        sys.exit("soak: LOST: it grows")


def main():
    arguments = parser(__doc__, 1, "soak")
    arguments.add_argument("--seconds", type=float, default=7200)
    arguments.add_argument("--piece", type=float, default=3600, help="seconds between interruptions (3600)")
    arguments.add_argument("--interval", type=float, default=2, help="seconds between samples (2)")
    arguments.add_argument("--warm", type=float, default=20, help="seconds of each process that do not count (20)")
    arguments.add_argument("--slope", type=float, default=4, help="MiB an hour that are allowed (4)")
    arguments.add_argument("--short", metavar="PROGRAM", help="short runs in one process, by this program")
    arguments.add_argument("--leak", type=float, default=8, help="bytes of heap that a short run may add (8)")
    arguments.add_argument("--go-on", action="store_true", help="continue what is there")
    arguments = arguments.parse_args()
    if arguments.short and arguments.go_on:
        sys.exit("soak: short runs have nothing to continue: --go-on does not go with --short")
    if arguments.go_on:
        arguments.bred, arguments.output = os.path.abspath(arguments.bred), os.path.abspath(arguments.output)
    else:
        begin(arguments)
    settings, table = f"{arguments.output}/settings.yaml", f"{arguments.output}/samples.csv"
    if arguments.short:
        return short_runs(arguments, table)
    with open(settings, "w") as file:
        file.write(SETTINGS)
    left = arguments.seconds
    while left > 0:
        watch(arguments, settings, table, min(left, arguments.piece))
        left -= arguments.piece
    judge(arguments, table)


if __name__ == "__main__":
    main()
