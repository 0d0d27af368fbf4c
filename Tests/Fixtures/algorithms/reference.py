"""Small agents in PyTorch, double precision, shared by the scripts in this folder.

All inputs (parameters, minibatches, noise) are rounded to single precision, so that a program that
computes in single precision can take exactly the same ones. Needs torch and numpy. Run generate.sh, not
this file.

A file holds cases; a case holds
    start      parameters and targets under the names that the tested agent's state has, each a flat list:
               member by member, layer by layer, weight [out, in] and bias (and scale and shift of a layer norm)
    updates    minibatch, noise by purpose, and the losses of each update
    gradients  of each part, when it first stepped, with its weight decay, laid out like the parameters
    final      as start, after the last update
"""

import json
import math
import pathlib

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

OBSERVATION, ACTION, BATCH = 3, 2, 6
HIDDEN = [8, 7]
DISCOUNT, TAU = 0.99, 0.005
# Adam turns rounding errors of a tiny gradient into visible steps; a case with such a gradient is drawn anew.
SMALLEST_GRADIENT = 1e-6


def single(array):
    """Double-precision tensor whose values single precision can hold."""
    return torch.tensor(np.asarray(array, dtype=np.float32).astype(np.float64))


class Random:
    def __init__(self, seed):
        self.generator = np.random.default_rng(seed)

    def normal(self, *shape, scale=1.0):
        return single(scale * self.generator.standard_normal(shape))

    def uniform(self, *shape, low=-1.0, high=1.0):
        return single(self.generator.uniform(low, high, shape))

    def batch(self, **extra):
        return {
            "observations": self.normal(BATCH, OBSERVATION),
            "actions": self.uniform(BATCH, ACTION, low=-0.95, high=0.95),
            "rewards": self.normal(BATCH),
            "masks": single([1, 1, 0, 1, 1, 1]),
            "nextObservations": self.normal(BATCH, OBSERVATION),
        } | extra


# Networks: lists of tensors in the order of the layout


def network(random, inputs, outputs, hidden=HIDDEN, layer_norm=False, shift=None):
    tensors = []
    for index, width in enumerate(hidden + [outputs]):
        bound = 1.5 / math.sqrt(inputs)
        tensors.append(random.uniform(width, inputs, low=-bound, high=bound))
        tensors.append(random.uniform(width, low=-0.4, high=0.4))
        if layer_norm and index < len(hidden):
            tensors.append(random.uniform(width, low=0.7, high=1.3))
            tensors.append(random.uniform(width, low=-0.3, high=0.3))
        inputs = width
    if shift is not None:
        tensors[-1] = single(tensors[-1] + torch.tensor(shift))
    return tensors


def forward(tensors, *inputs, layer_norm=False):
    x = torch.cat(inputs, -1)
    step = 4 if layer_norm else 2
    for i in range(0, len(tensors) - 2, step):
        x = x @ tensors[i].T + tensors[i + 1]
        if layer_norm:
            x = torch.nn.functional.layer_norm(
                x, x.shape[-1:], tensors[i + 2], tensors[i + 3], eps=1e-5)
        x = torch.relu(x)
    return x @ tensors[-2].T + tensors[-1]


def values(members, *inputs, **options):
    """[rows, members]"""
    return torch.cat([forward(m, *inputs, **options) for m in members], -1)


# Policies


def squashed(head, epsilon, low=-20.0, high=2.0):
    """a = tanh(m + sigma eps) and log pi(a|s) of heads (m, raw log sigma)."""
    mean, raw = head.chunk(2, -1)
    log_std = torch.clamp(raw, low, high)
    z = mean + log_std.exp() * epsilon
    return torch.tanh(z), squashed_density(z, mean, log_std)


def squashed_density(z, mean, log_std):
    gauss = -0.5 * ((z - mean) / log_std.exp()) ** 2 - log_std - 0.5 * math.log(2 * math.pi)
    squash = 2 * (math.log(2) - z - torch.nn.functional.softplus(-2 * z))
    return (gauss - squash).sum(-1, keepdim=True)


def squashed_density_of(head, actions):
    mean, raw = head.chunk(2, -1)
    clip = float(np.float32(0.999999))
    return squashed_density(
        torch.atanh(torch.clamp(actions, -clip, clip)), mean, torch.clamp(raw, -20.0, 2.0))


def gaussian_density(actions, mean, log_std):
    return torch.distributions.Normal(mean, log_std.exp()).log_prob(actions).sum(-1, keepdim=True)


class Agent:
    """Parts by name, each a list of members, each a list of tensors; Adam for each part."""

    def __init__(self):
        self.parts, self.targets, self.optimizers = {}, {}, {}
        self.decay, self.gradients, self.frozen = {}, {}, set()

    def add(self, name, members, rate=3e-4, targets=None, decay=0.0):
        """targets: a Random, from which targets near the parameters are drawn."""
        self.parts[name] = [[t.clone().requires_grad_(True) for t in m] for m in members]
        if targets is not None:
            self.targets[name] = [
                [single(t + 0.1 * targets.normal(*t.shape)) for t in m] for m in members]
        self.decay[name] = decay
        self.optimizers[name] = torch.optim.Adam(self.tensors(name), lr=rate, weight_decay=decay)
        return self

    def tensors(self, name):
        return [t for m in self.parts[name] for t in m]

    def __getitem__(self, name):
        return self.parts[name]

    def gradient(self, losses):
        """losses: {part: scalar, a tuple of parts for one loss of several}. Sets the gradients."""
        for names, loss in losses.items():
            for name in [names] if isinstance(names, str) else names:
                found = torch.autograd.grad(
                    loss, self.tensors(name), retain_graph=True, allow_unused=True)
                for tensor, g in zip(self.tensors(name), found):
                    tensor.grad = torch.zeros_like(tensor) if g is None else g
                    with_decay = (tensor.grad + self.decay[name] * tensor.detach()).abs()
                    with_decay = with_decay[with_decay > 0]
                    assert with_decay.numel() == 0 or with_decay.min() > SMALLEST_GRADIENT
                if name not in self.gradients:
                    self.gradients[name] = [
                        t.grad + self.decay[name] * t.detach() for t in self.tensors(name)]

    def apply(self, names, follow=True):
        for name in names:
            self.optimizers[name].step()
            if follow and name in self.targets:
                with torch.no_grad():
                    for member, target in zip(self.parts[name], self.targets[name]):
                        for i, tensor in enumerate(member):
                            target[i] = (1 - TAU) * target[i] + TAU * tensor

    def minimize(self, losses, follow=True):
        self.gradient(losses)
        names = [n for k in losses for n in ([k] if isinstance(k, str) else k)]
        self.apply(names, follow)

    @property
    def state(self):
        result = {}
        for name in self.parts:
            result[f"{name}/parameters"] = flat(self.tensors(name))
            if name in self.targets:
                result[f"{name}/targets"] = flat([t for m in self.targets[name] for t in m])
        return result


def flat(tensors):
    return torch.cat([t.detach().reshape(-1) for t in tensors])


def case(make, update, updates=3, seed=0):
    """make(random) gives an agent and a function of random for the inputs of an update,
    update(agent, batch, noise, count) performs it and gives its losses."""
    while True:
        try:
            random = Random(seed)
            agent, inputs = make(random)
            start = plain(agent.state, 9)
            steps = []
            for count in range(updates):
                batch, noise = inputs(random)
                losses = update(agent, batch, noise, count)
                steps.append({
                    "batch": plain(batch, 9), "noise": plain(noise, 9), "losses": plain(losses)})
            return {
                "start": start, "updates": steps,
                "gradients": {k: plain(flat(g)) for k, g in agent.gradients.items()},
                "final": plain(agent.state)}
        except AssertionError:
            seed += 100


def plain(value, digits=10):
    """Tensors as nested lists of numbers that print short. Nine digits name every single-precision number."""
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


def write(name, cases):
    path = pathlib.Path(__file__).parent / f"{name}.json"
    path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")
