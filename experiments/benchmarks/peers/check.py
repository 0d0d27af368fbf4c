"""Checks that both peers compute the same thing.

Each program runs on the same fixture (parameters, minibatch, noise) in a process of its own. Their
losses must agree with a float64 reference in NumPy; their gradients, and the parameters after three
updates, with each other. Where an update steps several times, later losses are compared at the
parameters that the program's own first steps have left.
"""

import argparse
import os
import subprocess
import sys
import tempfile

import common
import numpy as np
import offline

HERE = os.path.dirname(os.path.abspath(__file__))


def run(python, program, benchmark, folder, extra):
    path = os.path.join(folder, f"{program}-{benchmark}.npz")
    command = [python, os.path.join(HERE, f"{program}.py"), "--benchmark", benchmark,
               "--check", path]
    subprocess.run(command + extra, check=True)
    return dict(np.load(path))


def error(actual, expected):
    """Largest difference, relative to the largest element of the array."""
    difference = np.abs(actual.astype(np.float64) - expected).max()
    return difference / max(np.abs(expected).max(), 1e-6)


def reference(benchmark, values):
    """Losses in float64; for those taken after a step, at the parameters that it has left."""
    if benchmark in common.BENCHMARKS:
        sizes = common.BENCHMARKS[benchmark]
        return common.reference_losses(common.fixture(*sizes), *sizes)
    first = {}
    for key in (k for k in values if k.startswith("first/")):
        _, group, name = key.split("/")
        first.setdefault(group, {})[name] = values[key]
    return offline.reference_losses(benchmark, offline.fixture(benchmark), first)


def rate(benchmark):
    return offline.BENCHMARKS[benchmark][1] if benchmark in offline.BENCHMARKS else common.RATE


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--jax-python", default=sys.executable)
    parser.add_argument("--benchmarks", nargs="*", default=[*common.BENCHMARKS, *offline.BENCHMARKS])
    parser.add_argument("torch_options", nargs="*", help="passed on to peer_torch.py, after --")
    parsed = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for benchmark in parsed.benchmarks:
            name = "peer" if benchmark in common.BENCHMARKS else "offline"
            a = run(parsed.torch_python, f"{name}_torch", benchmark, folder, parsed.torch_options)
            b = run(parsed.jax_python, f"{name}_jax", benchmark, folder, [])
            assert a.keys() == b.keys() and any(k.startswith("gradient/") for k in a)
            losses = {
                (name, key): error(values[f"loss/{key}"], np.float64(value))
                for name, values in (("PyTorch", a), ("JAX", b))
                for key, value in reference(benchmark, values).items()
            }
            gradients = {k: error(a[k], b[k]) for k in a if k.startswith("gradient/")}
            # Adam divides by the gradient's own size, so a rounding error in an element near zero
            # moves that weight by up to a learning rate in each update: compare root mean squares.
            moves = {
                k: np.sqrt(np.mean((a[k] - b[k]) ** 2)) / rate(benchmark)
                for k in a if k.startswith("after/")
            }
            for label, errors, limit in (
                ("losses against float64", losses, 2e-5),
                ("gradients of one against the other", gradients, 2e-4),
                ("parameters after 3 updates, in learning rates", moves, 2e-2),
            ):
                worst = max(errors, key=errors.get)
                good = bool(errors[worst] <= limit)
                failed |= not good
                print(f"{benchmark}: {label}: {errors[worst]:.1e} at {worst} (limit {limit}) "
                      f"{'ok' if good else 'FAILED'}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
