#!/usr/bin/env python3
"""A figure of the paper from the runs of its sweep: PNG, PDF and the long-format CSV behind it.

    bred sweep plan experiments/figures/figure-04.yaml --no-costs --json >figure-04.json
    python3 experiments/figures/figure.py figure-04.json --sweep runs/figures/small/sweep --output figure-04

A panel for each task, a curve for each variant: the mean over seeds and its 95 % interval (Student).
Runs that are not below --sweep are taken from --rows, if they are there: a CSV of an earlier figure, or one that
`bred compare --curves` wrote. So runs of several machines make one figure, and a figure can be drawn again from
its own CSV. Needs matplotlib.
"""
import argparse
import csv
import json
import math
import os
import sys
import textwrap

# Okabe and Ito's colours, told apart by colour-blind readers too; line styles for print without colour.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
STYLES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2))]
# Two-sided 95 % quantiles of Student's distribution for 1, 2, … degrees of freedom.
STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]


def table(directory, analysis):
    """The rows of a run's last stage, or of what was found out about it."""
    if analysis:
        path = os.path.join(directory, f"{analysis}.csv")
        if not os.path.exists(path):
            return []
        with open(path, newline="") as file:
            return list(csv.DictReader(file))
    for stage in ("finetune", "sac", "", "pretrain"):
        path = os.path.join(directory, stage, "progress.csv")
        if os.path.exists(path):
            with open(path, newline="") as file:
                return list(csv.DictReader(file))
    return []


def curve(rows, column):
    points = {}
    for row in rows:
        if column not in row:
            sys.exit(f"no column '{column}'; there are {', '.join(row)}")
        if row[column]:
            points[int(float(row["environment_steps"]))] = float(row[column])
    return points


def gathered(paths, column):
    """Curves of runs that lie elsewhere, by task, variant and seed."""
    found = {}
    for path in paths:
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                if "run" in row and row["run"].count("/") == 2:
                    task, name, seed = row["run"].split("/")
                    row |= {"task": task, "variant": name, "seed": seed.removeprefix("seed-")}
                name = row.get("variant") or row.get("method")
                if not name or "task" not in row or "seed" not in row or column not in row:
                    sys.exit(f"{path}: needs columns task, variant or method, seed (or run: TASK/VARIANT/seed-N), "
                             f"environment_steps, {column}; there are {', '.join(row)}")
                if row[column]:
                    points = found.setdefault((row["task"], name, row["seed"]), {})
                    points[int(float(row["environment_steps"]))] = float(row[column])
    return found


def summary(curves):
    """Steps that all seeds have, mean and half the interval."""
    steps = sorted(set.intersection(*[set(c) for c in curves]))
    means, halves = [], []
    for step in steps:
        values = [c[step] for c in curves]
        mean = sum(values) / len(values)
        means.append(mean)
        if len(values) > 1:
            deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
            quantile = STUDENT[min(len(values) - 2, len(STUDENT) - 1)]
            halves.append(quantile * deviation / math.sqrt(len(values)))
        else:
            halves.append(0.0)
    return steps, means, halves


def caption(scale, runs, missing):
    text = f"scale {scale}; " if scale else ""
    text += f"mean and 95 % interval over {len({run['seed'] for run in runs})} seeds"
    if scale != "paper":
        whose = "D4RL's medium-v2 policies" if scale == "given" else "this package's recipe"
        text += f"; data by {whose}, not D4RL's v0"
    if missing:
        text += f"; {len(missing)} of {len(runs)} runs missing"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", help="what bred sweep plan --json says")
    parser.add_argument("--sweep", help="directory of the sweep")
    parser.add_argument("--rows", action="append", default=[], help="CSV with rows of other runs; again for more")
    parser.add_argument("--scale", default="", help="named in the caption")
    parser.add_argument("--output", required=True, help="path without extension")
    arguments = parser.parse_args()
    if not arguments.sweep and not arguments.rows:
        parser.error("--sweep or --rows says where the runs are")
    try:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plot
    except ImportError:
        sys.exit("figure.py needs matplotlib: pip install matplotlib")
    with open(arguments.plan) as file:
        plan = json.load(file)
    figure = plan.get("figure") or {}
    column = figure.get("y", "eval_normalized_score")
    # YAML reads a label such as 3e-4 as a number.
    labels = {variant: str(label) for variant, label in figure.get("labels", {}).items()}
    runs = [job for job in plan["jobs"] if job["kind"] == "run"]
    tasks = list(dict.fromkeys(run["task"] for run in runs))
    variants = list(dict.fromkeys(run["variant"] for run in runs))

    others = gathered(arguments.rows, column)
    lines, data, missing = [], {}, []
    for run in runs:
        place = os.path.join(arguments.sweep, run["directory"]) if arguments.sweep else None
        points = curve(table(place, figure.get("analysis")), column) if place else {}
        points = points or others.get((run["task"], run["variant"], str(run["seed"])), {})
        if not points:
            missing.append(run["title"])
            continue
        data.setdefault((run["task"], run["variant"]), []).append(points)
        for step, value in sorted(points.items()):
            lines.append([run["task"], run["variant"], labels.get(run["variant"], run["variant"]), run["seed"], step, value])
    if not data:
        sys.exit(f"{arguments.sweep or ', '.join(arguments.rows)}: none of the {len(runs)} runs has a row with '{column}'")

    # A panel without a single run says nothing; the caption counts what is missing.
    tasks = [task for task in tasks if any(key[0] == task for key in data)]
    across = min(4, len(tasks))
    down = math.ceil(len(tasks) / across)
    plot.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "pdf.fonttype": 42})
    width = max(3.1 * across + 0.4, 5.2)
    shown = [labels.get(v, v) for v in variants if any(key[1] == v for key in data)]
    # Legend and note are as wide as the picture: about 14 letters of the one and 17 of the other to an inch.
    columns = max(1, min(len(shown), 6, int(14 * width / (max(map(len, shown)) + 8))))
    note = textwrap.wrap(caption(arguments.scale, runs, missing), int(17 * width))
    legend, below = 0.22 * math.ceil(len(shown) / columns), 0.13 * len(note) + 0.06
    height = 2.5 * down + 0.5 + legend + below
    picture, axes = plot.subplots(down, across, figsize=(width, height), squeeze=False)
    handles = {}
    for index, task in enumerate(tasks):
        panel = axes[index // across][index % across]
        for place, variant in enumerate(variants):
            curves = data.get((task, variant))
            if not curves:
                continue
            steps, means, halves = summary(curves)
            steps = [step / 1000 for step in steps]
            colour = COLOURS[place % len(COLOURS)]
            line, = panel.plot(steps, means, color=colour, linestyle=STYLES[place % len(STYLES)], linewidth=1.6)
            panel.fill_between(
                steps, [m - h for m, h in zip(means, halves)], [m + h for m, h in zip(means, halves)],
                color=colour, alpha=0.15, linewidth=0)
            handles.setdefault(labels.get(variant, variant), line)
        panel.set_title(task, fontsize=9)
        panel.grid(color="#dddddd", linewidth=0.5)
        panel.set_axisbelow(True)
        # An interval of few seeds must not squeeze the curves.
        values = [m for v in variants if (task, v) in data for m in summary(data[(task, v)])[1]]
        if values:
            spread = max(values) - min(values) or 1
            low, high = panel.get_ylim()
            panel.set_ylim(max(low, min(values) - 0.5 * spread), min(high, max(values) + 0.5 * spread))
        if index // across == down - 1:
            panel.set_xlabel("environment steps (thousands)")
        if index % across == 0:
            panel.set_ylabel({"eval_normalized_score": "normalized score"}.get(column, column.replace("_", " ")))
    for index in range(len(tasks), across * down):
        axes[index // across][index % across].axis("off")
    picture.suptitle(figure.get("title", plan["name"]), fontsize=11)
    picture.text(0.5, 0.04 / height, "\n".join(note), ha="center", va="bottom", fontsize=7.5, color="#444444")
    picture.legend(
        handles.values(), handles.keys(), loc="lower center", ncol=columns, frameon=False, borderaxespad=0,
        bbox_to_anchor=(0.5, below / height))
    picture.tight_layout(rect=(0, (legend + below + 0.06) / height, 1, 1))
    for ending in ("png", "pdf"):
        picture.savefig(f"{arguments.output}.{ending}", dpi=150)
    with open(f"{arguments.output}.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["task", "variant", "label", "seed", "environment_steps", column])
        writer.writerows(lines)
    print(f"{arguments.output}.png, .pdf and .csv: {len(data)} curves of {len(runs) - len(missing)} runs")
    if missing:
        print("missing: " + ", ".join(missing), file=sys.stderr)


if __name__ == "__main__":
    main()
