"""IQL, AWAC, TD3+BC and BCQ in JAX: one jitted function per update, all state donated."""

import common
import offline
from common import BETA1, BETA2, DISCOUNT, EPSILON, TAU
from offline import CANDIDATES, LATENT
from peer_jax import options  # first: it prepares the process for JAX

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402


def network(p, *arguments):
    x = jnp.concatenate(arguments, 1)
    last = sum(k.startswith("w") for k in p)
    for i in range(1, last):
        x = jax.nn.relu(x @ p[f"w{i}"] + p[f"b{i}"])
    if p[f"w{last}"].shape[1] == 1:
        # A vector, not a one-column matrix: XLA's gradient of the latter is ten times slower.
        return x @ p[f"w{last}"][:, 0] + p[f"b{last}"].reshape(())
    return x @ p[f"w{last}"] + p[f"b{last}"]


def density(mean, log_std, actions):
    z = (actions - mean) / jnp.exp(log_std)
    return (-0.5 * z**2 - log_std - offline.HALF_LOG_2PI).sum(1)


class Update:
    """One update as a pure function of the state: losses, gradients and steps, one after the other."""

    def __init__(self, benchmark, layout):
        _, self.rate, self.decay = offline.BENCHMARKS[benchmark]
        self.layout = layout
        self.body = getattr(self, benchmark.removesuffix("-update").replace("-", "_"))

    def __call__(self, state, batch, noise, moves_policy=True):
        self.state = {k: dict(v) for k, v in state.items()}
        self.losses, self.gradients = {}, {}
        self.body(batch, noise, moves_policy)
        return self.state, self.losses, self.gradients

    def q(self, critic, *arguments):
        """Of each twin, [2, rows]."""
        x = jnp.concatenate(arguments, 1)
        if self.layout == "batched":
            return jax.vmap(network, (0, None))(critic, x)
        return jnp.stack([network({k: v[i] for k, v in critic.items()}, x) for i in range(2)])

    def minimize(self, name, groups, loss, follow=()):
        state = self.state
        value, gradients = jax.value_and_grad(loss)({g: state["online"][g] for g in groups})
        self.losses[name] = value
        self.gradients.update(gradients)
        for group in groups:
            p, g = state["online"][group], gradients[group]
            if self.decay and group == "actor":
                g = jax.tree.map(lambda g, p: g + self.decay * p, g, p)
            count = state["count"][group] + 1
            size, root = self.rate / (1 - BETA1**count), 1 / jnp.sqrt(1 - BETA2**count)
            m = jax.tree.map(
                lambda m, g: BETA1 * m + (1 - BETA1) * g, state["first"][group], g)
            v = jax.tree.map(
                lambda v, g: BETA2 * v + (1 - BETA2) * g * g, state["second"][group], g)
            p = jax.tree.map(
                lambda p, m, v: p - size * m / (jnp.sqrt(v) * root + EPSILON), p, m, v)
            for part, new in (("count", count), ("first", m), ("second", v), ("online", p)):
                state[part][group] = new
            if group in follow:
                state["target"][group] = jax.tree.map(
                    lambda t, p: t + TAU * (p - t), state["target"][group], p)

    def td(self, s, a, y):
        return lambda p: ((self.q(p["critic"], s, a) - y) ** 2).mean(1).sum()

    def iql(self, batch, noise, _):
        online, target = self.state["online"], self.state["target"]
        s, a, s2 = batch["observations"], batch["actions"], batch["next_observations"]
        low = self.q(target["critic"], s, a).min(0)

        def value_loss(p):
            u = low - network(p["value"], s)
            return (jnp.where(u < 0, 1 - offline.EXPECTILE, offline.EXPECTILE) * u**2).mean()

        self.minimize("value", ["value"], value_loss)
        advantage = low - network(online["value"], s)
        weight = jnp.minimum(
            jnp.exp(offline.INVERSE_TEMPERATURE * advantage), offline.MAXIMUM_WEIGHT)

        def policy_loss(p):
            mean = jnp.tanh(network(p["actor"], s))
            return -(weight * density(mean, jnp.clip(p["actor"]["log_std"], -5, 2), a)).mean()

        self.minimize("actor", ["actor"], policy_loss)
        y = batch["rewards"] + DISCOUNT * batch["masks"] * network(online["value"], s2)
        self.minimize("critic", ["critic"], self.td(s, a, y), ["critic"])

    def awac(self, batch, noise, _):
        online, target = self.state["online"], self.state["target"]
        s, a, s2 = batch["observations"], batch["actions"], batch["next_observations"]

        def heads(actor, x):
            return jnp.tanh(network(actor, x)), -6 + 6 * jax.nn.sigmoid(actor["log_std"])

        mean, log_std = heads(online["actor"], s2)
        low = self.q(target["critic"], s2, mean + jnp.exp(log_std) * noise["next"]).min(0)
        y = batch["rewards"] + DISCOUNT * batch["masks"] * low
        self.minimize("critic", ["critic"], self.td(s, a, y), ["critic"])
        low = self.q(online["critic"], s, a).min(0)

        def policy_loss(p):
            mean, log_std = heads(p["actor"], s)
            action = jax.lax.stop_gradient(mean + jnp.exp(log_std) * noise["current"])
            advantage = low - self.q(online["critic"], s, action).min(0)
            weight = low.size * jax.nn.softmax(advantage / offline.ADVANTAGE_SCALE)
            return -(weight * density(mean, log_std, a)).mean()

        self.minimize("actor", ["actor"], policy_loss)

    def td3_bc(self, batch, noise, moves_policy):
        online, target = self.state["online"], self.state["target"]
        s, a, s2 = batch["observations"], batch["actions"], batch["next_observations"]
        clip = offline.NOISE_CLIP
        epsilon = jnp.clip(offline.TARGET_NOISE * noise["smoothing"], -clip, clip)
        next_action = jnp.clip(jnp.tanh(network(target["actor"], s2)) + epsilon, -1, 1)
        low = self.q(target["critic"], s2, next_action).min(0)
        y = batch["rewards"] + DISCOUNT * batch["masks"] * low
        follow = ["critic"] if moves_policy else []
        self.minimize("critic", ["critic"], self.td(s, a, y), follow)
        if not moves_policy:
            return
        first = {k: v[0] for k, v in online["critic"].items()}

        def policy_loss(p):
            action = jnp.tanh(network(p["actor"], s))
            value = network(first, s, action)
            scale = offline.VALUE_WEIGHT / jnp.abs(jax.lax.stop_gradient(value)).mean()
            return ((action - a) ** 2).mean() - scale * value.mean()

        self.minimize("actor", ["actor"], policy_loss, ["actor"])

    def bcq(self, batch, noise, _):
        online, target = self.state["online"], self.state["target"]
        s, a, s2 = batch["observations"], batch["actions"], batch["next_observations"]

        def decoded(z, x):
            clip = offline.LATENT_CLIP
            return jnp.tanh(network(online["decoder"], x, jnp.clip(z, -clip, clip)))

        def perturbed(p, x, actions):
            moved = actions + offline.PERTURBATION * jnp.tanh(network(p, x, actions))
            return jnp.clip(moved, -1, 1)

        def misfit(p):
            mean, log_std = jnp.split(network(p["encoder"], s, a), [LATENT], 1)
            log_std = jnp.clip(log_std, -4, 15)
            deviation = jnp.exp(log_std)
            z = mean + deviation * noise["reconstruction"]
            divergence = 0.5 * (mean**2 + deviation**2 - 1 - 2 * log_std).mean()
            error = ((jnp.tanh(network(p["decoder"], s, z)) - a) ** 2).mean()
            return error + offline.DIVERGENCE_WEIGHT * divergence

        self.minimize("autoencoder", ["encoder", "decoder"], misfit)
        rows = jnp.repeat(s2, CANDIDATES, 0)
        candidates = perturbed(target["perturbation"], rows, decoded(noise["next"], rows))
        values = self.q(target["critic"], rows, candidates)
        share = offline.MINIMUM_SHARE
        mixed = share * values.min(0) + (1 - share) * values.max(0)
        y = batch["rewards"] + DISCOUNT * batch["masks"] * mixed.reshape(-1, CANDIDATES).max(1)
        self.minimize("critic", ["critic"], self.td(s, a, y), ["critic"])
        shown = decoded(noise["current"], s)
        first = {k: v[0] for k, v in online["critic"].items()}
        self.minimize(
            "perturbation", ["perturbation"],
            lambda p: -network(first, s, perturbed(p["perturbation"], s, shown)).mean(),
            ["perturbation"])


def initial_state(data):
    zeros = jax.tree.map(np.zeros_like, data["online"])
    state = {
        "online": data["online"], "target": data["target"], "first": zeros, "second": zeros,
        "count": {group: np.zeros((), np.float32) for group in data["online"]}}
    return jax.tree.map(lambda a: jnp.array(a, copy=True), state)


class Program:
    def __init__(self, arguments, benchmark):
        self.notes = f"critics={arguments.layout}, generator={arguments.generator}"
        self.math = Update(benchmark, arguments.layout)
        self.delay = offline.POLICY_DELAY if benchmark == "td3-bc-update" else 1
        self.key = jax.random.key(0, impl=arguments.generator)
        self.state = initial_state(offline.fixture(benchmark))
        shapes, r = offline.noise_shapes(benchmark), np.random.default_rng(1)
        rows = offline.BENCHMARKS[benchmark][0]
        self.batches = [jax.tree.map(jnp.asarray, offline.batch(r, rows)) for _ in range(8)]
        self.done = 0

        def update(state, key, batch, moves_policy):
            key, now = jax.random.split(key)
            # One draw for all: each call of the generator costs.
            flat = jax.random.normal(now, (sum(m * n for m, n in shapes.values()),))
            noise, start = {}, 0
            for name, (m, n) in shapes.items():
                noise[name] = flat[start:start + m * n].reshape(m, n)
                start += m * n
            state, losses, _ = self.math(state, batch, noise, moves_policy)
            return state, key, losses

        self.update = jax.jit(update, donate_argnums=(0, 1), static_argnums=3)

    def run_block(self, count):
        losses = None
        for _ in range(count):
            self.state, self.key, losses = self.update(
                self.state, self.key, self.batches[self.done % len(self.batches)],
                self.done % self.delay == 0)
            self.done += 1
        jax.block_until_ready((self.state, losses))

    def check(self, data):
        """Losses and gradients on the fixture, and the parameters after one update and after three."""
        update = jax.jit(self.math, static_argnums=3)
        state, losses, gradients = update(
            initial_state(data), data["batch"], data["noise"], True)
        first = state["online"]
        for i in range(1, 3):
            state = update(state, data["batch"], data["noise"], i % self.delay == 0)[0]
        after = {k: state[k] for k in ("online", "target")}
        return {"loss": losses, "gradient": gradients, "first": first, "after": after}


if __name__ == "__main__":
    parsed = common.arguments(__doc__, offline.BENCHMARKS, options)
    common.main(
        parsed, "JAX", jax.__version__, Program(parsed, parsed.benchmark),
        offline.fixture(parsed.benchmark))
