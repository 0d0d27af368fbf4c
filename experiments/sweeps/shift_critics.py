#!/usr/bin/env python3
"""Copies agents with one number added to each critic's last bias, so that its mean over rows of the dataset is their mean
discounted return; needs numpy, h5py and safetensors (docs/results/dip.md).

  shift_critics.py DATASET AGENTS OUTPUT [--members 2] [--discount 0.99] [--rows 20000]
"""
import argparse
from pathlib import Path

import h5py
import numpy as np
from safetensors.numpy import load_file, save_file

KNOWN = 500  # steps after which the rest of a return no longer counts: 0.99^500 is 0.007


def returns_to_go(file, discount):
    """Discounted return from each row to the end of its episode, and from how many rewards it is known."""
    rewards = np.asarray(file["rewards"][()], np.float64)
    fell, cut = (np.asarray(file[name][()], bool) for name in ("terminals", "timeouts"))
    returns, steps = np.zeros(len(rewards)), np.zeros(len(rewards), int)
    ahead, count = 0.0, 0
    for row in range(len(rewards) - 1, -1, -1):
        if fell[row]:
            ahead, count = 0.0, len(rewards)  # nothing follows, so that it is exact
        elif cut[row]:
            ahead, count = 0.0, 0
        ahead, count = rewards[row] + discount * ahead, count + 1
        returns[row], steps[row] = ahead, count
    return returns, steps


def values(weights, inputs):
    layer = 0
    while f"fc{layer}.weight" in weights:
        inputs = np.maximum(inputs @ weights[f"fc{layer}.weight"].T + weights[f"fc{layer}.bias"], 0)
        layer += 1
    return (inputs @ weights["last_fc.weight"].T + weights["last_fc.bias"])[:, 0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("agents", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--members", type=int, default=2)
    parser.add_argument("--discount", type=float, default=0.99)
    parser.add_argument("--rows", type=int, default=20_000)
    options = parser.parse_args()
    with h5py.File(options.dataset) as file:
        returns, steps = returns_to_go(file, options.discount)
        rows = np.random.default_rng(0).choice(np.flatnonzero(steps >= KNOWN), options.rows, replace=False)
        inputs = np.concatenate([file["observations"][()][rows], file["actions"][()][rows]], 1).astype(np.float32)
    goal = returns[rows].mean()
    print(f"mean discounted return {goal:.1f}, deviation {returns[rows].std():.1f}")
    for member in range(options.members):
        target = options.output / f"member-{member}"
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted((options.agents / f"member-{member}").glob("*.safetensors")):
            weights = load_file(path)
            if path.name.startswith("target"):
                continue  # copies of the critics where there are none
            if path.name.startswith("critic"):
                q = values(weights, inputs)
                weights["last_fc.bias"] = (weights["last_fc.bias"] + goal - q.mean()).astype(np.float32)
                print(f"member {member} {path.stem}: mean Q {q.mean():.1f}, deviation {q.std():.1f}, "
                      f"correlation with returns {np.corrcoef(q, returns[rows])[0, 1]:.2f}")
            save_file(weights, target / path.name)


if __name__ == "__main__":
    main()
