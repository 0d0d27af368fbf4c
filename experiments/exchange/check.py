#!/usr/bin/env python3
"""Policies to and from other programs, compared by their actions: check.py --bred .build/release/bred

Exports: policies of every kind with random weights; onnxruntime, the snippet of docs/exchange.md and h5py must
answer as the policy itself does (--examples). Imports: actors that other programs made; what `bred import`
makes of them must answer as they do. Prints one line each and fails at differences above 1e-6, single precision
of numbers around 1.
"""

import argparse
import importlib.util
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest.mock

import gymnasium
import h5py
import numpy as np
import onnx
import onnxruntime
import safetensors.numpy
import safetensors.torch
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
OBSERVATIONS, ACTIONS = 11, 3  # hopper
LIMIT = 1e-6


class Check:
    def __init__(self, bred, folder):
        self.bred, self.folder = bred, folder
        self.failures = 0

    def run(self, *arguments):
        subprocess.run([self.bred, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)

    def compare(self, what, actual, expected):
        actual, expected = np.asarray(actual), np.asarray(expected)
        difference = np.abs(actual - expected) / np.maximum(1, np.abs(expected))
        worst = difference.max() if actual.shape == expected.shape else np.inf
        is_good = worst <= LIMIT and np.abs(expected).max() > 0.01
        self.failures += not is_good
        print(f"{what}: {worst:.1e} {'ok' if is_good else 'DIFFERENT'}")


# Exports


def layers(random, names, sizes):
    result = {}
    for name, (inputs, outputs) in zip(names, zip(sizes, sizes[1:])):
        bound = 2 / np.sqrt(inputs)
        result[f"{name}.weight"] = random.uniform(-bound, bound, (outputs, inputs))
        result[f"{name}.bias"] = random.uniform(-0.5, 0.5, outputs)
    return result


def single(tensors):
    return {name: np.float32(values) for name, values in tensors.items()}


def write_policies(folder):
    """One file or folder for each kind of policy, by name."""
    random = np.random.default_rng(0)

    def body(*heads):
        result = layers(random, ["fc0", "fc1"], [OBSERVATIONS, 64, 48])
        for head in heads:
            result |= layers(random, [head], [48, ACTIONS])
        return result

    def write(name, tensors, **metadata):
        path = folder / f"{name}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        safetensors.numpy.save_file(single(tensors), path, {"environment": "hopper"} | metadata)
        return path

    normalizer = {
        "normalizer.mean": random.normal(size=OBSERVATIONS),
        "normalizer.std": random.uniform(0.2, 3, OBSERVATIONS),
    }
    norms = {f"ln{i}.{kind}": random.uniform(0.5, 1.5, n)
             for i, n in enumerate([64, 48]) for kind in ("weight", "bias")}
    two = ("last_fc", "last_fc_log_std")
    stds = {"log_std": random.uniform(-1, 0, ACTIONS)}
    policies = {
        "tanh-gaussian": write("plain", body(*two)),
        "tanh-gaussian, normaliser": write("normalized", body(*two) | normalizer),
        "tanh-gaussian, layer norm": write("norms", body(*two) | norms),
        "gaussian": write("gaussian", body("last_fc") | stds, kind="gaussian", mean="plain"),
        "gaussian, tanh mean": write("squashed", body("last_fc") | stds, kind="gaussian", mean="tanh"),
        "deterministic": write("deterministic", body("last_fc") | normalizer, kind="deterministic"),
        "mixture of three, normaliser": folder / "mixture",
    }
    for member in range(3):
        write(f"mixture/member-{member}/actor", body(*two) | normalizer, kind="tanh-gaussian")
        for critic in (1, 2):
            critic_layers = layers(
                random, ["fc0", "fc1", "last_fc"], [OBSERVATIONS + ACTIONS, 8, 8, 1])
            write(f"mixture/member-{member}/critic{critic}", critic_layers, kind="critic")
    return policies


def check_exports(check):
    snippets = re.findall(r"```python\n(.*?)```", (ROOT / "docs/exchange.md").read_text(), re.S)
    for name, source in write_policies(check.folder / "policies").items():
        path = check.folder / "policy.onnx"
        check.run("export", source, "--output", path, "--examples", check.folder / "examples.npz")
        onnx.checker.check_model(onnx.load(path), full_check=True)
        examples = dict(np.load(check.folder / "examples.npz"))
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        answers = session.run(names, {"observation": examples["observation"]})
        for output, answer in zip(names, answers):
            check.compare(f"onnx, {name}, {output}", answer, examples[output])
        one = session.run(["action"], {"observation": examples["observation"][:1]})[0]
        check.compare(f"onnx, {name}, one row", one, examples["action"][:1])

        check.run("export", source, "--format", "npz", "--output", check.folder / "policy.npz")
        if name in ("tanh-gaussian", "tanh-gaussian, normaliser", "deterministic"):
            code = snippets[0].replace('np.load("', f'np.load("{check.folder}/')
            scope = {}
            exec(code, scope)
            check.compare(
                f"npz, {name}", scope["act"](examples["observation"]), examples["action"])
        if name in ("tanh-gaussian", "tanh-gaussian, normaliser"):
            check.run("export", source, "--format", "d4rl", "--output", check.folder / "p.hdf5")
            with h5py.File(check.folder / "p.hdf5") as file:
                assert file["metadata/policy/nonlinearity"][()] == b"relu"
                weights = {layer: [file[f"metadata/policy/{layer}/{kind}"][()] for kind in ("weight", "bias")]
                           for layer in ("fc0", "fc1", "last_fc")}
            x = examples["observation"].astype(np.float64)
            for layer, (weight, bias) in weights.items():
                x = x @ weight.T + bias
                x = np.tanh(x) if layer == "last_fc" else np.maximum(x, 0)
            check.compare(f"d4rl, {name}", x, examples["action"])


# Imports


class Space(gymnasium.Env):
    """Only the spaces count."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (OBSERVATIONS,), np.float32)
    action_space = gymnasium.spaces.Box(-1, 1, (ACTIONS,), np.float32)


def peers(corl):
    """(name, module with a state dictionary, its mean action)."""
    import d3rlpy
    import stable_baselines3

    for kind in (stable_baselines3.SAC, stable_baselines3.TD3):
        model = kind("MlpPolicy", Space(), buffer_size=10, seed=1, device="cpu")
        act = lambda x, model=model: model.predict(x, deterministic=True)[0]
        yield f"Stable-Baselines3 {kind.__name__}", model.actor, act
        yield f"Stable-Baselines3 {kind.__name__}, whole policy", model.policy, act
    for name in ("SAC", "CQL", "CalQL", "IQL", "AWAC", "TD3", "TD3PlusBC", "DDPG", "BC"):
        algorithm = getattr(d3rlpy.algos, f"{name}Config")().create()
        algorithm.create_impl((OBSERVATIONS,), ACTIONS)
        module = getattr(algorithm.impl, "policy", None) or algorithm.impl.modules.imitator
        yield f"d3rlpy {name}", module, algorithm.predict
    if corl:
        yield from corl_actors(pathlib.Path(corl) / "algorithms/offline")
    else:
        print("CORL: left out, --corl names no checkout")


def corl_actors(folder):
    def module(name):
        # What these programs import for training is not needed for their actors.
        missing = {m: unittest.mock.MagicMock() for m in ("d4rl", "gym", "pyrallis", "wandb", "tqdm")}
        with unittest.mock.patch.dict(sys.modules, missing):
            spec = importlib.util.spec_from_file_location(f"corl_{name}", folder / f"{name}.py")
            loaded = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = loaded
            source = pathlib.Path(spec.origin).read_text().replace("@pyrallis.wrap()", "")
            exec(compile(source, spec.origin, "exec"), loaded.__dict__)
        return loaded

    sizes = (OBSERVATIONS, ACTIONS)
    cql, iql, awac = module("cql"), module("iql"), module("awac")
    actors = [
        ("CQL", cql.TanhGaussianPolicy(*sizes, 1.0), lambda actor, x: actor(x, True)[0]),
        ("IQL", iql.GaussianPolicy(*sizes, 1.0), lambda actor, x: actor(x).mean),
        ("IQL, deterministic", iql.DeterministicPolicy(*sizes, 1.0, dropout=0.1), lambda actor, x: actor(x)),
        ("AWAC", awac.Actor(*sizes, 256), lambda actor, x: actor._get_policy(x).mean.clamp(-1, 1)),
        ("TD3+BC", module("td3_bc").Actor(*sizes, 1.0), lambda actor, x: actor(x)),
        ("BC", module("any_percent_bc").Actor(*sizes, 1.0), lambda actor, x: actor(x)),
        ("SAC-N", module("sac_n").Actor(*sizes, 256), lambda actor, x: actor(x, True)[0]),
        ("EDAC", module("edac").Actor(*sizes, 256), lambda actor, x: actor(x, True)[0]),
    ]
    for name, actor, act in actors:
        actor.eval()
        yield f"CORL {name}", actor, lambda x, actor=actor, act=act: act(actor, torch.as_tensor(x)).numpy()


def check_imports(check, corl):
    torch.manual_seed(1)
    for name, module, act in peers(corl):
        # A head near zero would make all actions alike.
        with torch.no_grad():
            for parameter in module.parameters():
                if parameter.numel() > 1:
                    parameter.add_(0.05 * torch.randn_like(parameter))
        state = {key: value.detach().contiguous().clone() for key, value in module.state_dict().items()}
        safetensors.torch.save_file(state, check.folder / "actor.safetensors")
        check.run("import", check.folder / "actor.safetensors", "--env", "hopper", "--output",
                  check.folder / "ours.safetensors")
        check.run("export", check.folder / "ours.safetensors", "--output", check.folder / "ours.onnx",
                  "--examples", check.folder / "examples.npz")
        examples = np.load(check.folder / "examples.npz")
        with torch.no_grad():
            check.compare(f"import, {name}", examples["action"], act(examples["observation"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bred", default=".build/release/bred")
    parser.add_argument("--corl", help="checkout of CORL, whose actors are then compared too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        check = Check(arguments.bred, pathlib.Path(folder))
        check_exports(check)
        check_imports(check, arguments.corl)
    if check.failures:
        sys.exit(f"check.py: {check.failures} comparisons differ")


if __name__ == "__main__":
    main()
