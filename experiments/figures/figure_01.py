#!/usr/bin/env python3
"""Figure 1: an offline agent's rows beside its data, by t-SNE and by log-likelihood.

    python3 experiments/figures/figure_01.py --dataset data.hdf5 --online online.hdf5 --density density.csv \\
        --output figure-01

x = (s, a), standardised by the data. The paper states neither counts nor settings; these are scikit-learn's t-SNE with
perplexity 30 on 1000 random rows of each. Needs matplotlib, scikit-learn and h5py.
"""
import argparse
import csv
import random
import sys

COLOURS = {"validation": "#0072B2", "online": "#D55E00"}
ROWS = 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("dataset", "online", "density", "output"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--scale", default="")
    arguments = parser.parse_args()
    try:
        import h5py
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plot
        import numpy
        from sklearn.manifold import TSNE
    except ImportError as error:
        sys.exit(f"figure_01.py needs matplotlib, scikit-learn and h5py: {error}")

    def rows(path):
        with h5py.File(path) as file:
            return numpy.concatenate([file["observations"][()], file["actions"][()]], axis=1)

    data, online = rows(arguments.dataset), rows(arguments.online)
    mean, deviation = data.mean(axis=0), data.std(axis=0) + 1e-6
    pick = random.Random(0)
    chosen = [
        (values[pick.sample(range(len(values)), min(ROWS, len(values)))] - mean) / deviation for values in (data, online)
    ]
    points = TSNE(perplexity=30, init="pca", random_state=0).fit_transform(numpy.concatenate(chosen))

    plot.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "pdf.fonttype": 42})
    picture, (left, right) = plot.subplots(1, 2, figsize=(8, 3.4))
    count = len(chosen[0])
    left.scatter(*points[:count].T, s=5, color=COLOURS["validation"], label="dataset", marker="o", linewidths=0, alpha=0.6)
    left.scatter(*points[count:].T, s=7, color=COLOURS["online"], label="online", marker="x", linewidths=0.6, alpha=0.8)
    left.set_xticks([])
    left.set_yticks([])
    left.set_title("(a) t-SNE of (s, a)")
    left.legend(frameon=False, markerscale=2)

    sets = {}
    with open(arguments.density, newline="") as file:
        for row in csv.DictReader(file):
            sets.setdefault(row["set"], []).append(float(row["log_likelihood"]))
    everything = sorted(value for values in sets.values() for value in values)
    low = everything[len(everything) // 100]
    bins = numpy.linspace(low, everything[-1], 40)
    for name, values in sets.items():
        kind = "validation" if name == "validation" else "online"
        right.hist(
            numpy.clip(values, low, None), bins=bins, density=True,
            histtype="stepfilled" if kind == "validation" else "step", color=COLOURS[kind],
            alpha=0.5 if kind == "validation" else 1, linewidth=1.6,
            label="dataset, held out" if kind == "validation" else "online")
    right.set_xlabel("log p(s, a)")
    right.set_ylabel("share")
    right.set_title("(b) log-likelihood under a model of the data")
    right.legend(frameon=False)
    note = f"scale {arguments.scale}; " if arguments.scale else ""
    note += f"{count} and {len(chosen[1])} rows; the lowest percent of log-likelihoods is drawn at the left end"
    picture.text(0.5, 0.01, note, ha="center", fontsize=7.5, color="#444444")
    picture.tight_layout(rect=(0, 0.05, 1, 1))
    for ending in ("png", "pdf"):
        picture.savefig(f"{arguments.output}.{ending}", dpi=150)
    with open(f"{arguments.output}.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["set", "x", "y"])
        for index, (x, y) in enumerate(points):
            writer.writerow(["dataset" if index < count else "online", f"{x:.4f}", f"{y:.4f}"])
    print(f"{arguments.output}.png, .pdf and .csv")


if __name__ == "__main__":
    main()
