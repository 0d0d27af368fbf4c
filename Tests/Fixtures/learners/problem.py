"""A tiny learning problem shared by the scripts in this folder.

All inputs (parameters, minibatch, noise) are rounded to single precision, so that a program that
computes in single precision can take exactly the same ones; everything is then computed in double
precision by PyTorch. Needs torch and numpy. Run generate.sh, not this file.

Tensor names are D4RL's: fc0.weight [out, in], fc0.bias, ..., last_fc.*, last_fc_log_std.*.
"""

import json
import math
import pathlib

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

OBSERVATION, ACTION, BATCH, SAMPLES = 3, 2, 4, 3
DISCOUNT, TAU, RATE = 0.99, 0.005, 3e-4
# The clip of given actions, as single precision stores it.
CLIP = float(np.float32(0.999999))
LOG_STD_LOW, LOG_STD_HIGH = -20.0, 2.0


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


def layer(random, name, outputs, inputs, parameters, shift=None):
    bound = 1.5 / math.sqrt(inputs)
    parameters[name + ".weight"] = random.uniform(outputs, inputs, low=-bound, high=bound)
    bias = random.uniform(outputs, low=-0.4, high=0.4)
    parameters[name + ".bias"] = bias if shift is None else single(bias + torch.tensor(shift))


def body(random, hidden, inputs):
    parameters = {}
    for index, width in enumerate(hidden):
        layer(random, f"fc{index}", width, inputs, parameters)
        inputs = width
    return parameters, inputs


def policy_parameters(random, hidden, log_std_shift=(-0.7, -0.7)):
    parameters, width = body(random, hidden, OBSERVATION)
    layer(random, "last_fc", ACTION, width, parameters)
    layer(random, "last_fc_log_std", ACTION, width, parameters, shift=log_std_shift)
    return parameters


def critic_parameters(random, hidden):
    parameters, width = body(random, hidden, OBSERVATION + ACTION)
    layer(random, "last_fc", 1, width, parameters)
    return parameters


def perturbed(random, parameters):
    """Targets that resemble their critics."""
    return {k: single(v + 0.1 * random.normal(*v.shape)) for k, v in parameters.items()}


def batch(random):
    return {
        "observations": random.normal(BATCH, OBSERVATION),
        "actions": random.uniform(BATCH, ACTION),
        "rewards": random.normal(BATCH),
        "masks": single([1, 1, 0, 1]),
        "nextObservations": random.normal(BATCH, OBSERVATION),
    }


def noise(random):
    return {
        "currentNoise": random.normal(BATCH, ACTION),
        "nextNoise": random.normal(BATCH, ACTION),
        "uniformActions": random.uniform(BATCH, SAMPLES, ACTION),
        "currentSampleNoise": random.normal(BATCH, SAMPLES, ACTION),
        "nextSampleNoise": random.normal(BATCH, SAMPLES, ACTION),
    }


# Networks


def hidden_layers(parameters, x):
    index = 0
    while f"fc{index}.weight" in parameters:
        x = torch.relu(x @ parameters[f"fc{index}.weight"].T + parameters[f"fc{index}.bias"])
        index += 1
    return x


def critic(parameters, observations, actions):
    """Q(s, a): observations [..., S], actions [..., A]."""
    x = hidden_layers(parameters, torch.cat([observations, actions], -1))
    return (x @ parameters["last_fc.weight"].T + parameters["last_fc.bias"]).squeeze(-1)


def policy_heads(parameters, observations):
    """(m, log sigma clipped)."""
    x = hidden_layers(parameters, observations)
    mean = x @ parameters["last_fc.weight"].T + parameters["last_fc.bias"]
    raw = x @ parameters["last_fc_log_std.weight"].T + parameters["last_fc_log_std.bias"]
    return mean, torch.clamp(raw, LOG_STD_LOW, LOG_STD_HIGH)


def log_density(z, mean, log_std):
    gauss = -0.5 * ((z - mean) / log_std.exp()) ** 2 - log_std - 0.5 * math.log(2 * math.pi)
    squash = 2 * (math.log(2) - z - torch.nn.functional.softplus(-2 * z))
    return (gauss - squash).sum(-1)


def draw(heads, epsilon):
    """a = tanh(m + sigma eps) and log pi(a|s)."""
    mean, log_std = heads
    z = mean + log_std.exp() * epsilon
    return torch.tanh(z), log_density(z, mean, log_std)


def log_density_of(heads, actions):
    clipped = torch.clamp(actions, -CLIP, CLIP)
    z = 0.5 * (torch.log1p(clipped) - torch.log1p(-clipped))
    return log_density(z, *heads)


def mixture_heads(members, observations):
    """Moments of the members' mixture before the squashing (BRED eq. 9)."""
    heads = [policy_heads(p, observations) for p in members]
    means = torch.stack([m for m, _ in heads])
    deviations = torch.stack([s.exp() for _, s in heads])
    mean = means.mean(0)
    variance = (deviations**2 + means**2).mean(0) - mean**2
    return mean, torch.clamp(0.5 * variance.log(), LOG_STD_LOW, LOG_STD_HIGH)


# Gradients and files


def trainable(parameters):
    return {k: v.clone().requires_grad_(True) for k, v in parameters.items()}


def gradients(loss, parameters):
    """Gradient of a scalar for each named tensor; zeros where it does not depend on one."""
    names = list(parameters)
    found = torch.autograd.grad(
        loss, [parameters[n] for n in names], retain_graph=True, allow_unused=True)
    return {
        n: torch.zeros_like(parameters[n]) if g is None else g for n, g in zip(names, found)}


def plain(value, digits=10):
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
    """contents: {case: {"inputs": ..., anything else: results}}."""
    # Nine digits name every single-precision number.
    result = {
        case: {k: plain(v, 9 if k == "inputs" else 10) for k, v in parts.items()}
        for case, parts in contents.items()}
    path = pathlib.Path(__file__).parent / f"{name}.json"
    path.write_text(json.dumps(result, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")
