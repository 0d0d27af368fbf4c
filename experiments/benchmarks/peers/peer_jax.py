"""The three updates in JAX: one jitted function per update, all state donated."""

import os

import common

common.use_two_processors()
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from common import ACTION, BATCH, DISCOUNT, OBSERVATION, SAMPLES, TAU  # noqa: E402

HALF_LOG_2PI = 0.5 * float(np.log(2 * np.pi))
VAR = os.environ.get("PV", "").split(",")


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


def layer(x, w):
    return jnp.einsum("nbi,nio->nbo", x, w)


def values(critic, observations, actions):
    """Q of every critic, [2N, B], one action a state, shared by all critics."""
    if "concat" in VAR:
        x = jnp.concatenate([observations, actions], -1)
        h = jnp.einsum("bi,nio->nbo", x, critic["w1"])
    else:
        h = jnp.einsum("bi,nio->nbo", observations, critic["w1"][:, :OBSERVATION]) + jnp.einsum(
            "bi,nio->nbo", actions, critic["w1"][:, OBSERVATION:])
    h = jax.nn.relu(h + critic["b1"])
    h = jax.nn.relu(layer(h, critic["w2"]) + critic["b2"])
    return (layer(h, critic["w3"]) + critic["b3"])[..., 0]


def one_many(c, observations, actions):
    k = actions.shape[1]
    if "concat" in VAR:
        x = jnp.concatenate([jnp.broadcast_to(observations[:,None],(BATCH,k,OBSERVATION)), actions], -1).reshape(BATCH*k,-1)
        h = jax.nn.relu(x @ c["w1"] + c["b1"])
    else:
        hs = observations @ c["w1"][:OBSERVATION] + c["b1"]
        ha = (actions.reshape(-1, ACTION) @ c["w1"][OBSERVATION:]).reshape(BATCH, k, -1)
        h = jax.nn.relu(hs[:, None] + ha).reshape(BATCH * k, -1)
    h = jax.nn.relu(h @ c["w2"] + c["b2"])
    if "dotsum" in VAR:
        return (h * c["w3"][:, 0]).sum(-1).reshape(BATCH, k) + c["b3"]
    return (h @ c["w3"] + c["b3"]).reshape(BATCH, k)


def many_values(critic, observations, actions):
    """Q of every critic for several actions a state, [2N, B, k].

    The state's part of the first layer is computed once per state.
    """
    k = actions.shape[1]
    if "sep" in VAR:
        return jnp.stack([one_many({n: v[i] for n, v in critic.items()}, observations, actions) for i in range(2)])
    n = critic["w1"].shape[0]
    if "concat" in VAR:
        x = jnp.concatenate([jnp.broadcast_to(observations[:,None],(BATCH,k,OBSERVATION)), actions], -1).reshape(BATCH*k,-1)
        h = jnp.einsum("bi,nio->nbo", x, critic["w1"])
        h = jax.nn.relu(h + critic["b1"])
    else:
        hs = jnp.einsum("bi,nio->nbo", observations, critic["w1"][:, :OBSERVATION]) + critic["b1"]
        ha = jnp.einsum("bi,nio->nbo", actions.reshape(-1, ACTION), critic["w1"][:, OBSERVATION:])
        h = jax.nn.relu(hs[:, :, None] + ha.reshape(n, BATCH, k, -1)).reshape(n, BATCH * k, -1)
    h = jax.nn.relu(layer(h, critic["w2"]) + critic["b2"])
    if "dotsum" in VAR:
        return (h * critic["w3"][:, None, :, 0]).sum(-1).reshape(n, BATCH, k) + critic["b3"]
    return (layer(h, critic["w3"]) + critic["b3"]).reshape(n, BATCH, k)


def losses_and_gradients(state, batch, noise, conservative):
    """All losses from the parameters before the update; gradients only where they are needed."""
    alpha = jnp.exp(state["log_alpha"])
    policy, critic = state["policy"], state["critic"]
    s, s2 = batch["observations"], batch["next_observations"]

    next_mean, next_log_std = heads(policy, s2)
    next_action, next_log_prob = act(next_mean, next_log_std, noise["next"])
    target = values(state["target"], s2, next_action).reshape(-1, 2, BATCH).min(1)
    if not conservative:
        target = target - alpha * next_log_prob
    y = batch["rewards"] + DISCOUNT * batch["masks"] * target

    def policy_loss(policy):
        mean, log_std = heads(policy, s)
        action, log_prob = act(mean, log_std, noise["current"])
        q = values(critic, s, action).reshape(-1, 2, BATCH).min(1).mean(0)
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
            q = values(critic, s, batch["actions"]).reshape(-1, 2, BATCH)
            return ((q - y[:, None]) ** 2).mean(-1).sum()
        q = many_values(critic, s, actions)
        data_q = q[..., -1]
        if "loop1" in VAR:
            gap = jnp.log(jnp.exp(q[..., :-1] - densities).sum(-1)) - data_q
        else:
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
        self.notes = ",".join(VAR)
        if "rbg" in VAR:
            self.key = jax.random.key(0, impl="unsafe_rbg")
        else:
            self.key = jax.random.key(0)
        self.state = initial_state(common.fixture(members, conservative))
        r = np.random.default_rng(1)
        self.batches = [
            jax.tree.map(jnp.asarray, common.batch(r)) for _ in range(8)]
        self.done = 0

        def update(state, key, batch):
            key, now = jax.random.split(key)
            losses, gradients = losses_and_gradients(
                state, batch, draw(now, conservative), conservative)
            return step(state, gradients), key, losses

        if "scan" in VAR:
            K=8
            stacked = jax.tree.map(lambda *x: jnp.stack(x), *self.batches)
            def many(state, key, batches):
                def body(c, b):
                    s,k,l = update(*c, b)
                    return (s,k),l
                (s,k),l = jax.lax.scan(body,(state,key),batches)
                return s,k,l
            self.many = jax.jit(many, donate_argnums=(0,1))
            self.stacked=stacked
        self.update = jax.jit(update, donate_argnums=(0, 1))

    def run_block(self, count):
        losses = None
        if "scan" in VAR:
            for _ in range(max(1,count//8)):
                self.state, self.key, losses = self.many(self.state, self.key, self.stacked)
            jax.block_until_ready((self.state, losses))
            return
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
            losses, gradients = losses_and_gradients(state, batch, noise, self.conservative)
            return losses, gradients, step(state, gradients)

        losses, gradients, state = update(state)
        for _ in range(2):
            state = update(state)[2]
        after = {k: state[k] for k in ("policy", "critic", "target", "log_alpha")}
        return {"loss": losses, "gradient": gradients, "after": after}


if __name__ == "__main__":
    parsed = common.arguments(__doc__)
    common.main(parsed, "JAX", jax.__version__, Program)
