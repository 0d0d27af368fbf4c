"""CQL, SAC and BRED in JAX: one jitted function per update, all state donated."""

import os

import common

common.use_processors()
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from common import ACTION, BATCH, DISCOUNT, OBSERVATION, SAMPLES, TAU  # noqa: E402

HALF_LOG_2PI = 0.5 * float(np.log(2 * np.pi))


def heads(policy, observations):
    h = jax.nn.relu(observations @ policy["w1"] + policy["b1"])
    h = jax.nn.relu(h @ policy["w2"] + policy["b2"])
    out = h @ policy["w3"] + policy["b3"]
    return out[:, :ACTION], jnp.clip(out[:, ACTION:], *common.LOG_STD_BOUNDS)


def act(mean, log_std, eps):
    """Actions and log-densities; all arguments broadcast, the last axis is the action's."""
    z = mean + jnp.exp(log_std) * eps
    squash = 2 * (jnp.log(2.0) - z - jax.nn.softplus(-2 * z))
    return jnp.tanh(z), (-0.5 * eps**2 - log_std - HALF_LOG_2PI - squash).sum(-1)


def q_of_rows(split):
    """A function (one critic, observations [B, 17], actions [B, k, 6]) to values [B, k].

    With `split` the state's part of the first layer is computed once per state; otherwise states
    are repeated, which makes one wider product.
    """

    def rows(c, observations, actions):
        k = actions.shape[1]
        if split:
            ours = observations @ c["w1"][:OBSERVATION] + c["b1"]
            theirs = actions.reshape(-1, ACTION) @ c["w1"][OBSERVATION:]
            h = ours[:, None] + theirs.reshape(BATCH, k, -1)
            h = jax.nn.relu(h).reshape(BATCH * k, -1)
        else:
            repeated = jnp.broadcast_to(observations[:, None], (BATCH, k, OBSERVATION))
            x = jnp.concatenate([repeated, actions], -1).reshape(BATCH * k, -1)
            h = jax.nn.relu(x @ c["w1"] + c["b1"])
        h = jax.nn.relu(h @ c["w2"] + c["b2"])
        # A vector, not a one-column matrix: XLA's gradient of the latter is ten times slower.
        return (h @ c["w3"][:, 0]).reshape(BATCH, k) + c["b3"]

    return rows


def critic_values(layout, split):
    """The same for a stack of critics, [2N, B, k]: `batched` products or `separate` ones."""
    rows = q_of_rows(split)

    def values(critic, observations, actions):
        if layout == "batched":
            return jax.vmap(rows, (0, None, None))(critic, observations, actions)
        return jnp.stack([
            rows({name: v[i] for name, v in critic.items()}, observations, actions)
            for i in range(critic["w1"].shape[0])])

    return values


def losses_and_gradients(state, batch, noise, conservative, values):
    """All losses from the parameters before the update; gradients only where they are needed."""
    alpha = jnp.exp(state["log_alpha"])
    policy, critic = state["policy"], state["critic"]
    s, s2 = batch["observations"], batch["next_observations"]

    next_mean, next_log_std = heads(policy, s2)
    next_action, next_log_prob = act(next_mean, next_log_std, noise["next"])
    target = values(state["target"], s2, next_action[:, None]).reshape(-1, 2, BATCH).min(1)
    if not conservative:
        target = target - alpha * next_log_prob
    y = batch["rewards"] + DISCOUNT * batch["masks"] * target

    def policy_loss(policy):
        mean, log_std = heads(policy, s)
        action, log_prob = act(mean, log_std, noise["current"])
        q = values(critic, s, action[:, None]).reshape(-1, 2, BATCH).min(1).mean(0)
        return (alpha * log_prob - q).mean(), (mean, log_std, log_prob.mean())

    (pi_loss, (mean, log_std, log_prob)), policy_gradient = jax.value_and_grad(
        policy_loss, has_aux=True)(policy)

    if conservative:
        now, now_log = act(mean[:, None], log_std[:, None], noise["current_samples"])
        later, later_log = act(next_mean[:, None], next_log_std[:, None], noise["next_samples"])
        actions = jnp.concatenate([noise["uniform"], now, later, batch["actions"][:, None]], 1)
        densities = jnp.concatenate(
            [jnp.full((BATCH, SAMPLES), -ACTION * np.log(2.0)), now_log, later_log], 1)

    def critic_loss(critic):
        if not conservative:
            q = values(critic, s, batch["actions"][:, None]).reshape(-1, 2, BATCH)
            return ((q - y[:, None]) ** 2).mean(-1).sum()
        q = values(critic, s, actions)
        data_q = q[..., -1]
        gap = jax.nn.logsumexp(q[..., :-1] - densities, -1) - data_q
        td = (data_q - y[0]) ** 2
        return (td + common.CONSERVATIVE_WEIGHT * gap).mean(-1).sum()

    q_loss, critic_gradient = jax.value_and_grad(critic_loss)(critic)
    alpha_gradient = -(log_prob + common.TARGET_ENTROPY)
    losses = {"critic": q_loss, "policy": pi_loss, "alpha": state["log_alpha"] * alpha_gradient}
    gradients = {"policy": policy_gradient, "critic": critic_gradient, "log_alpha": alpha_gradient}
    return losses, gradients


def step(state, gradients):
    """Adam on everything, then the targets follow the new critics."""
    count = state["count"] + 1
    step_size = common.RATE / (1 - common.BETA1**count)
    root = 1 / jnp.sqrt(1 - common.BETA2**count)
    new = {"count": count}
    trained = {k: state[k] for k in gradients}
    first = jax.tree.map(
        lambda m, g: common.BETA1 * m + (1 - common.BETA1) * g, state["first"], gradients)
    second = jax.tree.map(
        lambda v, g: common.BETA2 * v + (1 - common.BETA2) * g * g, state["second"], gradients)
    new.update(jax.tree.map(
        lambda p, m, v: p - step_size * m / (jnp.sqrt(v) * root + common.EPSILON),
        trained, first, second))
    new["first"], new["second"] = first, second
    new["target"] = jax.tree.map(
        lambda t, p: t + TAU * (p - t), state["target"], new["critic"])
    return new


def initial_state(data):
    trained = {k: data[k] for k in ("policy", "critic", "log_alpha")}
    zeros = jax.tree.map(np.zeros_like, trained)
    state = dict(trained, target=data["target"], first=zeros, second=zeros)
    state["count"] = np.zeros((), np.float32)
    return jax.tree.map(lambda a: jnp.array(a, copy=True), state)


def draw(key, conservative):
    if not conservative:
        eps = jax.random.normal(key, (2, BATCH, ACTION))
        return {"current": eps[0], "next": eps[1]}
    normal, uniform = jax.random.split(key)
    eps = jax.random.normal(normal, (2 * (SAMPLES + 1), BATCH, ACTION))
    n = SAMPLES
    return {
        "current": eps[0], "next": eps[1],
        "current_samples": eps[2:2 + n].reshape(BATCH, n, ACTION),
        "next_samples": eps[2 + n:].reshape(BATCH, n, ACTION),
        "uniform": jax.random.uniform(uniform, (BATCH, n, ACTION), minval=-1.0, maxval=1.0),
    }


class Program:
    def __init__(self, arguments, members, conservative):
        self.conservative = conservative
        layout, first = arguments.layout, arguments.first_layer
        self.values = critic_values(layout, first == "split")
        self.notes = f"critics={layout}, first layer={first}, generator={arguments.generator}"
        self.key = jax.random.key(0, impl=arguments.generator)
        self.state = initial_state(common.fixture(members, conservative))
        r = np.random.default_rng(1)
        self.batches = [
            jax.tree.map(jnp.asarray, common.batch(r)) for _ in range(8)]
        self.done = 0

        def update(state, key, batch):
            key, now = jax.random.split(key)
            losses, gradients = losses_and_gradients(
                state, batch, draw(now, conservative), conservative, self.values)
            return step(state, gradients), key, losses

        self.update = jax.jit(update, donate_argnums=(0, 1))

    def run_block(self, count):
        losses = None
        for _ in range(count):
            batch = self.batches[self.done % len(self.batches)]
            self.state, self.key, losses = self.update(self.state, self.key, batch)
            self.done += 1
        jax.block_until_ready((self.state, losses))

    def check(self, data):
        """Losses and gradients on the fixture, and the parameters after three updates."""
        state, batch, noise = initial_state(data), data["batch"], data["noise"]

        @jax.jit
        def update(state):
            losses, gradients = losses_and_gradients(
                state, batch, noise, self.conservative, self.values)
            return losses, gradients, step(state, gradients)

        losses, gradients, state = update(state)
        for _ in range(2):
            state = update(state)[2]
        after = {k: state[k] for k in ("policy", "critic", "target", "log_alpha")}
        return {"loss": losses, "gradient": gradients, "after": after}


def options(parser):
    parser.add_argument("--layout", choices=["batched", "separate"], default="separate")
    parser.add_argument("--first-layer", choices=["dense", "split"], default="dense")
    parser.add_argument(
        "--generator", choices=["threefry2x32", "unsafe_rbg"], default="unsafe_rbg")


if __name__ == "__main__":
    parsed = common.arguments(__doc__, common.BENCHMARKS, options)
    sizes = common.BENCHMARKS[parsed.benchmark]
    common.main(parsed, "JAX", jax.__version__, Program(parsed, *sizes), common.fixture(*sizes))
