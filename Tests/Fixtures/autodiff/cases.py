"""What the scripts in this folder share: numbers that single precision can hold, networks, files.

All inputs are rounded to single precision, so that a program that computes in it can take exactly the
same ones; everything is then computed in double precision by PyTorch. Needs torch and numpy. Run
generate.sh, not this file.
"""

import json
import math
import pathlib

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

ROWS = 5


def single(array):
    """Double-precision tensor whose values single precision can hold."""
    return torch.tensor(np.asarray(array, dtype=np.float32).astype(np.float64))


class Random:
    def __init__(self, seed):
        self.generator = np.random.default_rng(seed)

    def uniform(self, low, high, *shape):
        return single(self.generator.uniform(low, high, shape))

    def normal(self, *shape):
        return single(self.generator.standard_normal(shape))


class Stack:
    """K networks of one shape. A member's parameters stand in one row: for each layer the weight
    [out, in], the bias and, with layer norm, scale and shift."""

    def __init__(self, inputs, hidden, outputs, members=1, norm=False, targets=False, trained=True):
        self.sizes = [inputs, *hidden, outputs]
        self.members, self.norm = members, norm
        self.has_targets, self.trained = targets, trained

    def draw(self, random):
        self.values = torch.stack([self._member(random) for _ in range(self.members)])
        self.values.requires_grad_(True)
        if self.has_targets:
            self.targets = torch.stack([self._member(random) for _ in range(self.members)])

    def _member(self, random):
        parts = []
        for layer in range(1, len(self.sizes)):
            inputs, outputs = self.sizes[layer - 1], self.sizes[layer]
            bound = 1.5 / math.sqrt(inputs)
            parts += [random.uniform(-bound, bound, outputs * inputs)]
            parts += [random.uniform(-0.4, 0.4, outputs)]
            if self.norm and layer < len(self.sizes) - 1:
                parts += [random.uniform(0.5, 1.5, outputs), random.uniform(-0.4, 0.4, outputs)]
        return torch.cat(parts)

    def _network(self, flat, x, drop=None):
        at = hidden = 0

        def take(*shape):
            nonlocal at
            count = math.prod(shape)
            at += count
            return flat[at - count : at].reshape(shape)

        for layer in range(1, len(self.sizes)):
            inputs, outputs = self.sizes[layer - 1], self.sizes[layer]
            x = x @ take(outputs, inputs).T + take(outputs)
            if layer == len(self.sizes) - 1:
                return x
            if self.norm:
                x = torch.nn.functional.layer_norm(
                    x, (outputs,), take(outputs), take(outputs), eps=1e-5)
            if drop is not None:
                # torch.nn.Dropout with given numbers.
                rate, numbers = drop
                kept = numbers[:, hidden : hidden + outputs] >= rate
                assert 0 < kept.sum() < kept.numel()
                x, hidden = x * kept / (1 - rate), hidden + outputs
            x = torch.relu(x)

    def __call__(self, *inputs, target=False, only=None, drop=None):
        """[rows, members * outputs]"""
        x = torch.cat(inputs, 1)
        parameters = self.targets if target else self.values
        members = range(self.members) if only is None else only
        return torch.cat([self._network(parameters[m], x, drop) for m in members], 1)


def plain(value, digits):
    """Tensors as nested lists of numbers that print short."""
    if isinstance(value, torch.Tensor):
        return plain(value.detach().tolist(), digits)
    if isinstance(value, dict):
        return {k: plain(v, digits) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v, digits) for v in value]
    if isinstance(value, float):
        assert math.isfinite(value)
        return float(f"{value:.{digits}g}")
    return value


def write(name, contents):
    """Nine digits name every single-precision number."""
    path = pathlib.Path(__file__).parent / f"{name}.json"
    lines = [f"{json.dumps(k)}:{json.dumps(plain(v, 9), separators=(',', ':'))}"
             for k, v in contents.items()]
    path.write_text("{" + ",\n".join(lines) + "}\n")
    print(f"{path.name}: {path.stat().st_size} bytes")
