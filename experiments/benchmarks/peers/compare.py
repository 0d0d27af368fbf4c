"""Times our updates and those of the peers in turns, and writes a table.

In every round each benchmark is timed with ours, PyTorch and JAX one after the other, so that
whatever else the machine does meets all three. A peer's process stays alive between rounds (its
compilation is not counted) and sleeps while others are measured. Ratios are taken within a round;
the table shows their medians and spread.
"""

import argparse
import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import common
import offline

HERE = os.path.dirname(os.path.abspath(__file__))
BENCHMARKS = [*common.BENCHMARKS, *offline.BENCHMARKS]
# Goals against the faster peer, where there is one.
GOALS = {"cql-update-2x256": 4.0, "bred-update-n5": 6.0, "sac-update": 5.0}


# Ways to write the same update. Which is fastest depends on the machine and the framework's version,
# so it is found out before the rounds.
_TORCH = [
    ["--compile", "whole", "--layout", "separate"], ["--compile", "whole", "--layout", "bmm"],
    ["--compile", "losses", "--layout", "bmm"], ["--compile", "none", "--layout", "bmm"]]
VARIANTS = {
    "peer_torch.py": _TORCH, "offline_torch.py": _TORCH,
    "peer_jax.py": [
        ["--layout", layout, "--first-layer", first]
        for layout in ("separate", "batched") for first in ("dense", "split")],
    "offline_jax.py": [["--layout", "separate"], ["--layout", "batched"]],
}


def peer_environment():
    """Ours without what a user set for another OpenBLAS: it would slow a current NumPy or PyTorch."""
    return {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}


def fastest(name, python, script, benchmark, parsed):
    """Options of the fastest variant; one that does not run is reported and left out.

    The shortest of its blocks decides: other users of the machine make times longer, never shorter. On
    one thread processor time does, which they hardly change.
    """
    measure = "processorMilliseconds" if parsed.threads == 1 else "minimumMilliseconds"
    times = {}
    for options in VARIANTS[script]:
        command = [python, os.path.join(HERE, script), "--benchmark", benchmark,
                   "--seconds", str(parsed.tuning_seconds), "--threads", str(parsed.threads),
                   "--json"] + options
        answer = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, env=peer_environment())
        label = " ".join(options)
        if answer.returncode != 0:
            print(f"{benchmark} {name} {label}: does not run", file=sys.stderr, flush=True)
            continue
        times[tuple(options)] = json.loads(answer.stdout)[measure]
        print(f"{benchmark} {name} {label}: {times[tuple(options)]:.2f} ms", file=sys.stderr,
              flush=True)
    if not times:
        sys.exit(f"compare.py: no variant of {script} runs")
    return list(min(times, key=times.get))


def choose(parsed):
    """Options of each peer for each benchmark: from the file of an earlier run, or found out now."""
    chosen = {}
    if parsed.variants and os.path.exists(parsed.variants):
        with open(parsed.variants) as file:
            chosen = json.load(file)
    for benchmark in parsed.benchmarks:
        for name, python, script in peers(parsed, benchmark):
            if benchmark not in chosen.setdefault(script, {}):
                chosen[script][benchmark] = fastest(
                    name, python, script, benchmark, parsed)
                if parsed.variants:
                    write(parsed.variants, json.dumps(chosen, indent=2, sort_keys=True) + "\n")
    return chosen


def peers(parsed, benchmark):
    kind = "peer" if benchmark in common.BENCHMARKS else "offline"
    return (("PyTorch", parsed.torch_python, f"{kind}_torch.py"),
            ("JAX", parsed.jax_python, f"{kind}_jax.py"))


class Peer:
    """A program that waits for a line and answers with one measurement."""

    def __init__(self, name, python, script, benchmark, parsed, options):
        self.name = name
        command = [python, os.path.join(HERE, script), "--benchmark", benchmark,
                   "--seconds", str(parsed.seconds), "--threads", str(parsed.threads),
                   "--serve"] + options
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=peer_environment())

    def wait_until_ready(self):
        self._read()

    def measure(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"compare.py: {self.name} ended with status {self.process.wait()}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Ours:
    name = "BRED"

    def __init__(self, benchmark, parsed):
        self.command = [parsed.bred, "benchmark", benchmark, "--json", "--repetitions",
                        str(parsed.repetitions), "--threads", str(parsed.threads)]
        self.benchmark = benchmark
        self.machine = {}

    def measure(self):
        output = subprocess.run(self.command, check=True, stdout=subprocess.PIPE, text=True).stdout
        answer = json.loads(output)
        self.machine = answer["machine"]
        return next(r for r in answer["results"] if r["name"] == self.benchmark)


def processor_name():
    try:
        with open("/proc/cpuinfo") as lines:
            return next(x.split(":", 1)[1].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def run(parsed, chosen):
    rows, machine, versions, notes = [], {}, {}, {}
    for benchmark in parsed.benchmarks:
        contestants = []
        if not parsed.peers_only:
            contestants.append(Ours(benchmark, parsed))
        for name, python, script in peers(parsed, benchmark):
            peer = Peer(name, python, script, benchmark, parsed, chosen[script][benchmark])
            # One after the other: compiling at the same time would only be slower.
            peer.wait_until_ready()
            contestants.append(peer)
        for round_number in range(1, parsed.rounds + 1):
            # A different one goes first every time.
            turn = round_number % len(contestants)
            for contestant in contestants[turn:] + contestants[:turn]:
                time.sleep(parsed.pause)
                answer = contestant.measure()
                versions[contestant.name] = answer.get("version", "")
                notes[benchmark, contestant.name] = answer.get("notes", "")
                rows.append({
                    "benchmark": benchmark, "round": round_number, "program": contestant.name,
                    "milliseconds": answer["milliseconds"],
                    "minimumMilliseconds": answer.get("minimumMilliseconds", ""),
                    "maximumMilliseconds": answer.get("maximumMilliseconds", ""),
                    "processorMilliseconds": answer.get("processorMilliseconds", ""),
                    "floorMilliseconds": answer.get("floorMilliseconds") or "",
                    "load": os.getloadavg()[0], "threads": parsed.threads,
                })
                print(f"{benchmark} round {round_number}: {contestant.name} "
                      f"{answer['milliseconds']:.2f} ms", file=sys.stderr, flush=True)
        for contestant in contestants:
            if isinstance(contestant, Peer):
                contestant.close()
            else:
                machine = contestant.machine
    return rows, machine, versions, notes


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def table(rows, machine, versions, notes, parsed):
    programs = [p for p in ("BRED", "PyTorch", "JAX") if any(r["program"] == p for r in rows)]
    with_ours = "BRED" in programs
    lines = [
        "# One gradient step, ours and peers", "",
        "Made by `make bench-peers`: milliseconds of one update, median over rounds (fastest to",
        "slowest round). The faster peer's time over ours is taken round by round, by the clock and in "
        "processor time." if with_ours else "Peers only.", "",
        f"- processor: {machine.get('cpu') or processor_name()}, "
        f"{'one thread' if parsed.threads == 1 else f'{parsed.threads} threads'} each",
        f"- our BLAS kernel: {machine.get('blasKernel', 'unknown')}" if with_ours else "",
        "- peers: " + ", ".join(f"{k} {v}" for k, v in versions.items() if v),
        f"- {parsed.rounds} rounds, {parsed.seconds:g} s for a peer in each; load average during "
        f"the run {min(r['load'] for r in rows):.1f} to {max(r['load'] for r in rows):.1f}",
        "", "| benchmark | " + " | ".join(programs) + (" | faster peer / ours | processor time | goal |"
                                                         if with_ours else " |"),
        "|" + " --- |" * (len(programs) + (4 if with_ours else 1)),
    ]
    for benchmark in parsed.benchmarks:
        times, processor = (
            {p: [r[key] for r in rows if r["benchmark"] == benchmark and r["program"] == p]
             for p in programs} for key in ("milliseconds", "processorMilliseconds"))
        cells = [spread(times[p]) for p in programs]
        if with_ours:
            faster = min(programs[1:], key=lambda p: statistics.median(times[p]))
            ratios, ours = (
                spread([a / b for a, b in zip(x[faster], x["BRED"])]) for x in (times, processor))
            goal = f"≥ {GOALS[benchmark]:g}" if benchmark in GOALS else "–"
            cells += [f"{ratios}, {faster}", ours, goal]
        lines.append(f"| `{benchmark}` | " + " | ".join(cells) + " |")
    lines += ["", "How the peers were written, the fastest of the variants tried on this machine:", ""]
    lines += [f"- `{b}`, {p}: {text}" for (b, p), text in notes.items() if text]
    # An absent line of the list above is empty; a table needs its blank line in front.
    kept = [x for i, x in enumerate(lines) if x or (i and lines[i - 1])]
    return "\n".join(kept) + "\n"


def write(path, text):
    folder = os.path.dirname(path) or "."
    os.makedirs(folder, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def write_csv(path, rows):
    lines = [list(rows[0])] + [list(r.values()) for r in rows]
    with tempfile.TemporaryFile("w+", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)
        file.seek(0)
        write(path, file.read())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bred", default=".build/release/bred", help="our executable")
    parser.add_argument("--threads", type=int, default=2, help="of each program")
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--jax-python", default=sys.executable)
    parser.add_argument("--benchmarks", nargs="+", choices=BENCHMARKS, default=BENCHMARKS)
    parser.add_argument("--rounds", type=int, default=7, help="at least 5 for a table to keep")
    parser.add_argument("--seconds", type=float, default=3, help="for a peer in each round")
    parser.add_argument("--repetitions", type=int, default=5, help="of ours in each round")
    parser.add_argument("--pause", type=float, default=0.2, help="seconds between programs")
    parser.add_argument("--peers-only", action="store_true")
    parser.add_argument("--output", default=os.path.join(HERE, "..", "results"))
    parser.add_argument(
        "--tuning-seconds", type=float, default=2,
        help="for each variant of a peer before the rounds")
    parser.add_argument(
        "--variants", help="JSON with the fastest variants: read if it is there, else written")
    parser.add_argument("--tune-only", action="store_true", help="write --variants and stop")
    parsed = parser.parse_args()
    chosen = choose(parsed)
    if parsed.tune_only:
        return
    rows, machine, versions, notes = run(parsed, chosen)
    write_csv(os.path.join(parsed.output, "peers.csv"), rows)
    text = table(rows, machine, versions, notes, parsed)
    write(os.path.join(parsed.output, "peers.md"), text)
    print(text)


if __name__ == "__main__":
    main()
