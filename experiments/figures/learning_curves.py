#!/usr/bin/env python3
"""Learning curves of finished or running run directories, as one CSV and one PNG.

    python3 experiments/figures/learning_curves.py --output docs/results/NAME \
        "BRED=runs/balanced" "online only=runs/online-only"

Reads progress.csv of each directory. Writes NAME.csv in long format (run, environment_steps,
eval_return_mean, eval_return_std, eval_normalized_score, online_fraction) and NAME.png: mean
return of the evaluation episodes against environment steps, the band one standard deviation over
episodes of one evaluation (not over seeds). Needs matplotlib (Debian: python3-matplotlib).
"""
import argparse
import csv
import os
import sys
import tempfile

COLUMNS = [
    "environment_steps", "eval_return_mean", "eval_return_std", "eval_normalized_score",
    "online_fraction",
]


def read(directory):
    """Rows of a run's table that carry an evaluation."""
    path = os.path.join(directory, "progress.csv")
    try:
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        sys.exit(f"{path}: {error.strerror}")
    missing = [name for name in COLUMNS if rows and name not in rows[0]]
    if missing:
        sys.exit(f"{path}: no column {', '.join(missing)}")
    return [{name: row[name] for name in COLUMNS} for row in rows if row["eval_return_mean"]]


def replace(path, write):
    """Writes beside the target, then renames."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path) or ".", suffix=os.path.splitext(path)[1])
    os.close(handle)
    try:
        write(temporary)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="LABEL=DIRECTORY")
    parser.add_argument("--output", required=True, help="path without extension")
    parser.add_argument("--title", default="")
    arguments = parser.parse_args()
    try:
        import matplotlib
        import matplotlib.pyplot as plot
    except ImportError:
        parser.error("matplotlib is missing (Debian: apt-get install python3-matplotlib)")
    curves = []
    for run in arguments.runs:
        label, separator, directory = run.partition("=")
        if not separator:
            parser.error(f"'{run}' is not LABEL=DIRECTORY")
        curves.append((label, read(directory)))

    def write_table(path):
        with open(path, "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["run"] + COLUMNS)
            for label, rows in curves:
                writer.writerows([label] + [row[name] for name in COLUMNS] for row in rows)

    replace(arguments.output + ".csv", write_table)

    matplotlib.use("Agg")
    figure, axes = plot.subplots(figsize=(7, 4.2), dpi=120)
    for label, rows in curves:
        steps = [float(row["environment_steps"]) for row in rows]
        mean = [float(row["eval_return_mean"]) for row in rows]
        deviation = [float(row["eval_return_std"]) for row in rows]
        line, = axes.plot(steps, mean, label=label, linewidth=1.6)
        axes.fill_between(
            steps, [m - d for m, d in zip(mean, deviation)], [m + d for m, d in zip(mean, deviation)],
            color=line.get_color(), alpha=0.15, linewidth=0)
    axes.set_xlabel("environment steps")
    axes.set_ylabel("evaluation return (mean action)")
    if arguments.title:
        axes.set_title(arguments.title)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.tight_layout()
    replace(arguments.output + ".png", figure.savefig)
    print(f"{arguments.output}.csv {arguments.output}.png")


if __name__ == "__main__":
    main()
