"""How many outputs of BCQ's perturbation network have saturated to one sign, in d3rlpy and here.

The perturbation of an action is phi * tanh(network). An output that gives one sign to all rows hardly
learns any more: tanh is flat there. Which outputs do is decided in the first updates, at random; the seed
with most of them had the lowest Q (docs/results/parity.md).

    python experiments/parity/bcq_perturbation.py --bred .build/release/bred --seeds 8
"""

import argparse
import json
import pathlib
import types

import torch

import curves

ROBOT = "halfcheetah"


def load(path):
    """Matrices of a safetensors file."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        if name != "__metadata__":
            first, end = entry["data_offsets"]
            values = torch.frombuffer(bytearray(data[start + first:start + end]), dtype=torch.float32)
            tensors[name] = values.reshape(entry["shape"])
    return tensors


def ours(options, seed, rows):
    steps, _ = curves.length_of("bcq", options)
    curves.run_ours(options, "bcq", ROBOT, seed)
    folder = pathlib.Path(options.runs) / f"bred-bcq-{ROBOT}-{seed}-{steps}"
    layers = load(folder / "weights" / "member-0" / "perturbation.safetensors")
    hidden = torch.cat(rows.columns[:2], 1)
    for name in ("fc0", "fc1"):
        hidden = torch.relu(hidden @ layers[f"{name}.weight"].T + layers[f"{name}.bias"])
    return hidden @ layers["last_fc.weight"].T + layers["last_fc.bias"]


def theirs(options, seed, _):
    *_, (_, agent, rows, _) = curves.d3rlpy_updates(options, "bcq", ROBOT, seed)
    policy = agent.impl.policy
    with torch.no_grad():
        return policy._fc(policy._encoder(*rows.columns[:2]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bred", default=curves.ROOT / ".build" / "release" / "bred")
    parser.add_argument("--data", default=curves.ROOT / "runs" / "parity" / "data")
    parser.add_argument("--runs", default=curves.ROOT / "runs" / "parity")
    parser.add_argument("--updates", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=8)
    options = types.SimpleNamespace(**vars(parser.parse_args()), interval=None)
    torch.set_num_threads(1)
    rows = curves.Rows(curves.data_of(options, ROBOT), {})
    for program, outputs in (("d3rlpy", theirs), ("bred", ours)):
        for seed in range(options.seeds):
            positive = (outputs(options, seed, rows) > 0).float().mean(0)
            stuck = int(((positive - 0.5).abs() > 0.49).sum())
            print(program, "seed", seed, "share of rows with a positive sign:",
                  " ".join(f"{share:.2f}" for share in positive), f"stuck: {stuck} of {len(positive)}", flush=True)


if __name__ == "__main__":
    main()
