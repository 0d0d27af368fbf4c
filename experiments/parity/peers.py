"""d3rlpy's and Stable-Baselines3's own algorithms, and what makes their definitions ours.

`d3rlpy_agent` and `sb3_agent` build a peer's algorithm with the settings of `settings.py`. What no setting of
the peer can change is changed here, by small functions listed in `D3RLPY_SWITCHES`; each says what it
switches off, in this order. With `as_released=True` none of them is applied.
"""

import contextlib
import io
import math
import types
from unittest import mock

import torch

with contextlib.redirect_stderr(io.StringIO()):  # both import `gym`, which prints a page about its age
    import d3rlpy
    import gymnasium
    import stable_baselines3 as sb3

from d3rlpy.algos.qlearning.torch import sac_impl
from d3rlpy.models.encoders import VectorEncoderFactory
from d3rlpy.models.torch import ActionOutput, build_gaussian_distribution
from d3rlpy.models.torch.distributions import GaussianDistribution
from d3rlpy.models.torch.imitators import VAEDecoder
from d3rlpy.optimizers import AdamFactory

# d3rlpy


def awac_backup(agent):
    """The target of d3rlpy's AWAC is that of SAC: it subtracts log pi at temperature 1 and draws from the
    policy squashed after the noise. Here: the plain value of a draw around tanh(mean), as in rlkit."""
    impl = agent.impl

    def compute_target(batch):
        with torch.no_grad():
            policy = build_gaussian_distribution(impl.policy(batch.next_observations))
            return impl._targ_q_func_forwarder.compute_target(
                batch.next_observations, policy.sample(), reduction="min")

    impl.compute_target = compute_target


def awac_unclamped(agent):
    """d3rlpy, like CORL, clamps the policy's draws to [-1, 1] before critics see them; rlkit does not, nor do
    we without clipsDraws."""
    unclamped = mock.patch.multiple(
        GaussianDistribution, sample=lambda self: self._dist.rsample(),
        sample_n=lambda self, n: self._dist.rsample((n,)).transpose(0, 1))
    for name in ("compute_target", "_compute_weights"):
        setattr(agent.impl, name, unclamped(getattr(agent.impl, name)))


def iql_log_std(agent):
    """d3rlpy's log sigma is -5 + 7 sigmoid(p), -1.5 at the start; in IQL's code and here clip(p, -5, 2),
    0 at the start."""
    policy = agent.impl.policy

    def forward(self, x, *_):
        mean = self._mu(self._encoder(x))
        return ActionOutput(mean, torch.tanh(mean), self._logstd.clamp(-5.0, 2.0))

    policy.forward = types.MethodType(forward, policy)


def bcq_decoder(agent):
    """d3rlpy's decoder is linear where its argument says `with_squash=True`, the default of all callers; in
    BCQ's code and here an action is tanh of it."""
    decoder = agent.impl._modules.vae_decoder
    original = VAEDecoder.forward

    def forward(self, x, latent, with_squash=True):
        return original(self, x, latent, not with_squash)

    decoder.forward = types.MethodType(forward, decoder)


def cql_drawn_backup(agent):
    """Without entropy, d3rlpy's CQL backs up the value of the policy's mean; rlkit and we that of a draw."""
    impl = agent.impl
    if impl._soft_q_backup or impl._max_q_backup:
        return

    def compute_target(batch):
        with torch.no_grad():
            policy = sac_impl.build_squashed_gaussian_distribution(impl.policy(batch.next_observations))
            return impl._targ_q_func_forwarder.compute_target(
                batch.next_observations, policy.sample(), reduction="min")

    impl.compute_target = compute_target


def log_temperature(agent):
    """d3rlpy's temperature follows the gradient of alpha (...), in rlkit and here that of log alpha (...). The factor
    alpha changes during a run, and Adam divides it out only as fast as its second moments forget."""
    impl = agent.impl

    def update_temp(log_prob):
        optimizer, parameter = impl._modules.temp_optim, d3rlpy.models.torch.get_parameter(impl._modules.log_temp)
        optimizer.zero_grad()
        loss = -(parameter * (log_prob.detach() - impl._action_size)).mean()
        loss.backward()
        optimizer.step()
        return loss

    impl.update_temp = update_temp


D3RLPY_SWITCHES = {
    "awac": [awac_backup, awac_unclamped],
    "iql": [iql_log_std],
    "bcq": [bcq_decoder],
    "cql": [cql_drawn_backup, log_temperature],
    "sac": [log_temperature],
}

D3RLPY = {
    "bc": d3rlpy.algos.BCConfig,
    "td3-bc": d3rlpy.algos.TD3PlusBCConfig,
    "iql": d3rlpy.algos.IQLConfig,
    "awac": d3rlpy.algos.AWACConfig,
    "bcq": d3rlpy.algos.BCQConfig,
    "cql": d3rlpy.algos.CQLConfig,
    "sac": d3rlpy.algos.SACConfig,
    "td3": d3rlpy.algos.TD3Config,
}


def d3rlpy_agent(
    name, sizes, hidden, settings, as_released=False, without=(), weight_decay=0.0, encoders={}
):
    """An algorithm of d3rlpy with its networks made; `agent.impl` holds losses, networks and optimisers.

    sizes: (observation, action). without: names of switches that are left out. encoders: hidden sizes of single
    parts, such as {"imitator": [9, 9]}."""
    config = D3RLPY[name]
    fields = set(config.__dataclass_fields__)
    options = dict(settings)
    for part in ("", "actor", "critic", "value", "imitator"):
        key = "_".join(filter(None, [part, "encoder_factory"]))
        if key in fields:
            options[key] = VectorEncoderFactory(list(encoders.get(part, hidden)))
    if weight_decay:
        options["actor_optim_factory"] = AdamFactory(weight_decay=weight_decay)
    agent = config(**options).create(device="cpu:0")
    agent.create_impl((sizes[0],), sizes[1])
    for switch in D3RLPY_SWITCHES.get(name, []):
        if not as_released and switch.__name__ not in without:
            switch(agent)
    agent.impl._modules.set_train()
    return agent


# Stable-Baselines3


class Stub(gymnasium.Env):
    """Sizes without a robot, for a peer that wants an environment to know them."""

    def __init__(self, sizes):
        self.observation_space = gymnasium.spaces.Box(-math.inf, math.inf, (sizes[0],))
        self.action_space = gymnasium.spaces.Box(-1, 1, (sizes[1],))


def sb3_agent(name, environment, hidden, settings, as_released=False):
    kind = {"sac": sb3.SAC, "td3": sb3.TD3}[name]
    agent = kind(
        "MlpPolicy", environment, policy_kwargs={"net_arch": list(hidden)}, device="cpu", **settings)
    if name == "sac" and not as_released:
        # log(1 - a^2 + 1e-6) in place of the exact form.
        agent.actor.action_dist.epsilon = 0.0
    agent.set_logger(sb3.common.logger.Logger(None, []))
    return agent


# How our networks start


def linears(module):
    return [m for m in module.modules() if isinstance(m, torch.nn.Linear)]


@torch.no_grad()
def start_like_rlkit(networks, head_bound, random_bias=()):
    """Hidden weights uniform on +-1/sqrt(outputs), biases 0; heads uniform on +-head_bound with bias 0, but
    for those in `random_bias`. networks: lists of layers, heads last, as (hidden, heads)."""
    for hidden, heads in networks:
        for layer in hidden:
            bound = 1 / math.sqrt(layer.out_features)
            layer.weight.uniform_(-bound, bound)
            layer.bias.zero_()
        for layer in heads:
            layer.weight.uniform_(-head_bound, head_bound)
            layer.bias.zero_()
            if layer in random_bias:
                layer.bias.uniform_(-head_bound, head_bound)


@torch.no_grad()
def start_orthogonal(layers):
    for layer in layers:
        torch.nn.init.orthogonal_(layer.weight, math.sqrt(2))
        layer.bias.zero_()


def start_like_ours(name, agent):
    """Draws a peer's networks as ours are drawn, where that differs from PyTorch's way; targets follow."""
    impl = agent.impl
    if name in ("awac", "cql", "sac"):
        critics = [(linears(q)[:-1], linears(q)[-1:]) for q in impl.q_function]
        start_like_rlkit(critics, 3e-3)
        policy = impl.policy
        deviation = [policy._logstd] if isinstance(policy._logstd, torch.nn.Linear) else []
        start_like_rlkit(
            [(linears(policy._encoder), [policy._mu] + deviation)], 1e-3, random_bias=deviation)
    elif name == "iql":
        for module in (impl.policy, impl._modules.value_func, *impl.q_function):
            start_orthogonal(linears(module))
    else:
        return
    d3rlpy.torch_utility.hard_sync(impl._modules.targ_q_funcs, impl._modules.q_funcs)


def start_sb3_like_ours(agent):
    critics = [(linears(q)[:-1], linears(q)[-1:]) for q in agent.critic.q_networks]
    start_like_rlkit(critics, 3e-3)
    actor = agent.actor
    if hasattr(actor, "latent_pi"):
        start_like_rlkit(
            [(linears(actor.latent_pi), [actor.mu, actor.log_std])], 1e-3, random_bias=[actor.log_std])
    else:
        start_like_rlkit([(linears(actor.mu)[:-1], linears(actor.mu)[-1:])], 1e-3)
        agent.actor_target.load_state_dict(actor.state_dict())
    agent.critic_target.load_state_dict(agent.critic.state_dict())
