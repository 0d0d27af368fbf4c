"""What the peers of IQL, AWAC, TD3+BC and BCQ share: sizes, fixture, float64 reference, settings.

State is {"online": {group: network}, "target": {group: network}}. A network is w1 [inputs, width],
b1, w2, … in the layout of `common.py`; twin critics are stacked. Losses are taken one after the other,
each with the parameters that the one before has left, so the reference needs the parameters after the
update too.
"""

import numpy as np
from common import ACTION, DISCOUNT, OBSERVATION, TAU, map_tree

# Rows of a minibatch, Adam's step size, weight decay of the policy.
BENCHMARKS = {
    "iql-update": (256, 3e-4, 0.0), "awac-update": (1024, 3e-4, 1e-4),
    "td3-bc-update": (256, 3e-4, 0.0), "bcq-update": (100, 1e-3, 0.0),
}
EXPECTILE, INVERSE_TEMPERATURE, MAXIMUM_WEIGHT = 0.7, 3.0, 100.0
ADVANTAGE_SCALE = 2.0
TARGET_NOISE, NOISE_CLIP, VALUE_WEIGHT, POLICY_DELAY = 0.2, 0.5, 2.5, 2
LATENT, CANDIDATES, PERTURBATION, MINIMUM_SHARE = 2 * ACTION, 10, 0.05, 0.75
DIVERGENCE_WEIGHT, LATENT_CLIP = 0.5, 0.5
HALF_LOG_2PI = 0.5 * float(np.log(2 * np.pi))
# Groups of the parameters: inputs, hidden layers, outputs, members of a stack or none.
_CRITIC = (OBSERVATION + ACTION, (256, 256), 1, (2,))
NETWORKS = {
    "iql-update": {
        "critic": _CRITIC, "value": (OBSERVATION, (256, 256), 1, ()),
        "actor": (OBSERVATION, (256, 256), ACTION, ())},
    "awac-update": {"critic": _CRITIC, "actor": (OBSERVATION, (256,) * 4, ACTION, ())},
    "td3-bc-update": {"critic": _CRITIC, "actor": (OBSERVATION, (256, 256), ACTION, ())},
    "bcq-update": {
        "encoder": (OBSERVATION + ACTION, (750, 750), 2 * LATENT, ()),
        "decoder": (OBSERVATION + LATENT, (750, 750), ACTION, ()),
        "perturbation": (OBSERVATION + ACTION, (400, 300), ACTION, ()),
        "critic": (OBSERVATION + ACTION, (400, 300), 1, (2,))},
}
TARGETS = {
    "iql-update": ("critic",), "awac-update": ("critic",), "td3-bc-update": ("critic", "actor"),
    "bcq-update": ("critic", "perturbation"),
}
# Standard normal numbers of an update, by name: rows for each of the minibatch, columns.
NOISE = {
    "iql-update": {}, "awac-update": {"next": (1, ACTION), "current": (1, ACTION)},
    "td3-bc-update": {"smoothing": (1, ACTION)},
    "bcq-update": {
        "reconstruction": (1, LATENT), "next": (CANDIDATES, LATENT), "current": (1, LATENT)},
}


def noise_shapes(benchmark):
    rows = BENCHMARKS[benchmark][0]
    return {name: (rows * n, columns) for name, (n, columns) in NOISE[benchmark].items()}


def batch(r, rows):
    return {
        "observations": r.standard_normal((rows, OBSERVATION)).astype(np.float32),
        "actions": r.uniform(-0.99, 0.99, (rows, ACTION)).astype(np.float32),
        "rewards": r.standard_normal(rows).astype(np.float32),
        "next_observations": r.standard_normal((rows, OBSERVATION)).astype(np.float32),
        "masks": (r.uniform(size=rows) > 0.02).astype(np.float32),
    }


def fixture(benchmark, seed=0):
    r = np.random.default_rng(seed)
    online = {}
    for group, (inputs, hidden, outputs, stack) in NETWORKS[benchmark].items():
        widths = (inputs, *hidden, outputs)
        network = {}
        for i in range(1, len(widths)):
            bound = widths[i - 1] ** -0.5
            bias = stack + ((1,) if stack else ())
            network[f"w{i}"] = r.uniform(-bound, bound, (*stack, widths[i - 1], widths[i]))
            network[f"b{i}"] = r.uniform(-bound, bound, (*bias, widths[i]))
        online[group] = network
    if benchmark in ("iql-update", "awac-update"):
        online["actor"]["log_std"] = r.uniform(-1, 0.5, ACTION)
    target = {
        group: {k: v + 0.02 * r.standard_normal(v.shape) for k, v in online[group].items()}
        for group in TARGETS[benchmark]}
    data = {
        "online": online, "target": target, "batch": batch(r, BENCHMARKS[benchmark][0]),
        "noise": {k: r.standard_normal(shape) for k, shape in noise_shapes(benchmark).items()}}
    return map_tree(lambda a: np.asarray(a, np.float32), data)


# The losses once more, slowly and literally, in float64. `after` are the parameters that one update of
# the program under test has left, from which later losses of the same update are taken.


def reference_losses(benchmark, data, after):
    data, after = (map_tree(lambda a: np.asarray(a, np.float64), tree) for tree in (data, after))
    b, noise, before, target = (data[k] for k in ("batch", "noise", "online", "target"))
    s, a, s2 = b["observations"], b["actions"], b["next_observations"]

    def network(p, *arguments):
        x = np.concatenate(arguments, 1)
        last = sum(k.startswith("w") for k in p)
        for i in range(1, last):
            x = np.maximum(x @ p[f"w{i}"] + p[f"b{i}"], 0)
        return x @ p[f"w{last}"] + p[f"b{last}"]

    def q(p, *arguments):
        """One column for each twin."""
        return np.concatenate(
            [network({k: v[i] for k, v in p.items()}, *arguments) for i in range(2)], 1)

    def gaussian(p, x):
        free = p["log_std"]
        if benchmark == "iql-update":
            return np.tanh(network(p, x)), np.clip(free, -5, 2)
        return np.tanh(network(p, x)), -6 + 6 / (1 + np.exp(-free))

    def density(p, x, actions):
        mean, log_std = gaussian(p, x)
        z = (actions - mean) / np.exp(log_std)
        return (-0.5 * z**2 - log_std - HALF_LOG_2PI).sum(1)

    def backup(value):
        return b["rewards"] + DISCOUNT * b["masks"] * value

    def td(y):
        return ((q(before["critic"], s, a) - y[:, None]) ** 2).mean(0).sum()

    if benchmark == "iql-update":
        low = q(target["critic"], s, a).min(1)
        u = low - network(before["value"], s)[:, 0]
        advantage = low - network(after["value"], s)[:, 0]
        weight = np.minimum(np.exp(INVERSE_TEMPERATURE * advantage), MAXIMUM_WEIGHT)
        return {
            "value": (np.where(u < 0, 1 - EXPECTILE, EXPECTILE) * u**2).mean(),
            "actor": -(weight * density(before["actor"], s, a)).mean(),
            "critic": td(backup(network(after["value"], s2)[:, 0]))}
    if benchmark == "awac-update":
        mean, log_std = gaussian(before["actor"], s2)
        next_action = mean + np.exp(log_std) * noise["next"]
        mean, log_std = gaussian(before["actor"], s)
        action = mean + np.exp(log_std) * noise["current"]
        advantage = q(after["critic"], s, a).min(1) - q(after["critic"], s, action).min(1)
        weight = np.exp((advantage - advantage.max()) / ADVANTAGE_SCALE)
        weight *= len(weight) / weight.sum()
        return {
            "critic": td(backup(q(target["critic"], s2, next_action).min(1))),
            "actor": -(weight * density(before["actor"], s, a)).mean()}
    if benchmark == "td3-bc-update":
        epsilon = np.clip(TARGET_NOISE * noise["smoothing"], -NOISE_CLIP, NOISE_CLIP)
        next_action = np.clip(np.tanh(network(target["actor"], s2)) + epsilon, -1, 1)
        action = np.tanh(network(before["actor"], s))
        value = q(after["critic"], s, action)[:, 0]
        return {
            "critic": td(backup(q(target["critic"], s2, next_action).min(1))),
            "actor": ((action - a) ** 2).mean()
            - VALUE_WEIGHT / np.abs(value).mean() * value.mean()}

    def perturbed(p, x, actions):
        return np.clip(actions + PERTURBATION * np.tanh(network(p, x, actions)), -1, 1)

    def decoded(p, x, z):
        return np.tanh(network(p["decoder"], x, z))

    code = network(before["encoder"], s, a)
    mean, log_std = code[:, :LATENT], np.clip(code[:, LATENT:], -4, 15)
    z = mean + np.exp(log_std) * noise["reconstruction"]
    divergence = 0.5 * (mean**2 + np.exp(2 * log_std) - 1 - 2 * log_std).mean()
    rows = np.repeat(s2, CANDIDATES, 0)
    latent = np.clip(noise["next"], -LATENT_CLIP, LATENT_CLIP)
    values = q(
        target["critic"], rows, perturbed(target["perturbation"], rows, decoded(after, rows, latent)))
    mixed = MINIMUM_SHARE * values.min(1) + (1 - MINIMUM_SHARE) * values.max(1)
    shown = decoded(after, s, np.clip(noise["current"], -LATENT_CLIP, LATENT_CLIP))
    action = perturbed(before["perturbation"], s, shown)
    return {
        "autoencoder": ((decoded(before, s, z) - a) ** 2).mean() + DIVERGENCE_WEIGHT * divergence,
        "critic": td(backup(mixed.reshape(-1, CANDIDATES).max(1))),
        "perturbation": -q(after["critic"], s, action)[:, 0].mean()}
