"""Losses and gradients of d3rlpy and Stable-Baselines3 beside ours: same weights, same minibatch, same draws.

`Tests/Fixtures` holds weights, minibatches, draws and what our algorithms make of them; `make test` holds
our own programs to these numbers at 1e-5. Here they are put into the networks of the peers, whose own code
computes losses and gradients; random numbers are dealt out to it from the same file. Each line is one number
or one gradient, relative to the largest element expected; more than --tolerance is a failure. At the end, a
row for each case: comparisons and largest difference.

    .build-parity/bin/python experiments/parity/initial_numbers.py
    .build-parity/bin/python experiments/parity/initial_numbers.py --only awac,bcq --as-released
    .build-parity/bin/python experiments/parity/initial_numbers.py --corl CORL/algorithms --only spot

--as-released leaves out what peers.py changes of the peers' definitions and shows how far they are apart.
"""

import argparse
import contextlib
import json
import math
import pathlib
import sys
import types
from unittest import mock

import torch

import peers
from corl import load_corl
from peers import d3rlpy

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Fixtures"
SIZES = (3, 2)
# A step size that moves nothing: losses of all parts are then from the same parameters, as ours are in SAC and CQL.
STILL = 1e-30


# Parameters in the order of the fixtures: layer by layer, weight [out, in] and bias; two heads of one network
# are one layer there.


def plain(*modules):
    return [[parameter] for module in modules for parameter in module.parameters()]


def two_headed(body, first, second):
    return plain(body) + [[first.weight, second.weight], [first.bias, second.bias]]


def flat(groups, of=lambda tensor: tensor):
    return torch.cat([of(tensor).detach().reshape(-1) for group in groups for tensor in group])


@torch.no_grad()
def fill(groups, values):
    values, start = torch.tensor(values, dtype=torch.float32), 0
    for group in groups:
        for tensor in group:
            tensor.copy_(values[start:start + tensor.numel()].reshape(tensor.shape))
            start += tensor.numel()
    assert start == len(values), f"{len(values)} values for {start} parameters"


class Draws:
    """Deals numbers out where a peer draws some; complains about another shape and about leftovers."""

    def __init__(self):
        self.normal, self.uniform = [], []

    def deal(self, kind, shape):
        waiting = getattr(self, kind)
        assert waiting, f"the peer draws {kind} numbers {tuple(shape)} that nobody expected"
        values = torch.as_tensor(waiting.pop(0), dtype=torch.float32)
        assert values.numel() == math.prod(shape), f"{tuple(values.shape)} drawn as {tuple(shape)}"
        return values.reshape(shape)

    def __enter__(self):
        def standard(shape, dtype=None, device=None):
            return self.deal("normal", shape)

        def randn(*shape, **_):
            return self.deal("normal", shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape)

        def normal_(tensor, mean=0.0, std=1.0):
            return tensor.copy_(mean + std * self.deal("normal", tensor.shape))

        def uniform_(tensor, low=0.0, high=1.0):
            return tensor.copy_(self.deal("uniform", tensor.shape))

        self.stack = contextlib.ExitStack()
        for patch in (
            mock.patch("torch.distributions.normal._standard_normal", standard),
            mock.patch("torch.randn", randn),
            mock.patch("torch.randn_like", lambda like: randn(like.shape)),
            mock.patch.object(torch.Tensor, "normal_", normal_),
            mock.patch.object(torch.Tensor, "uniform_", uniform_),
        ):
            self.stack.enter_context(patch)
        return self

    def __exit__(self, *error):
        self.stack.close()
        if error[0] is None:
            assert not self.normal and not self.uniform, "the peer left draws lying"


class Report:
    def __init__(self, tolerance):
        self.tolerance, self.failures, self.worst = tolerance, 0, {}

    def compare(self, case, what, actual, expected):
        actual = torch.as_tensor(actual, dtype=torch.float64).detach().reshape(-1)
        expected = torch.as_tensor(expected, dtype=torch.float64).detach().reshape(-1)
        assert actual.shape == expected.shape, f"{case}, {what}: {actual.shape} for {expected.shape}"
        scale = expected.abs().max().item()
        assert scale > 1e-4, f"{case}, {what} is nearly zero: nothing is compared"
        error = (actual - expected).abs().max().item() / scale
        failed = not error <= self.tolerance
        self.failures += failed
        count, worst = self.worst.get(case, (0, 0.0))
        self.worst[case] = (count + 1, max(worst, error))
        number = f"{expected[0].item():.6g}" if len(expected) == 1 else f"{len(expected)} numbers"
        print(f"{'FAIL' if failed else 'ok':4}  {case:34} {what:36} {number:>12}  off by {error:.1e}", flush=True)

    def note(self, case, text):
        print(f"      {case:34} {text}", flush=True)


def fixture(name, case):
    return json.loads((FIXTURES / f"{name}.json").read_text())[case]


def first_gradients(**optimizers):
    """Gradients with which each optimiser steps first, by id of parameter."""
    found = {}
    for optimizer in optimizers.values():
        def remember(optimizer, *_):
            for group in optimizer.param_groups:
                for tensor in group["params"]:
                    if tensor.grad is not None:
                        found.setdefault(id(tensor), tensor.grad.clone())
        optimizer.register_step_pre_hook(remember)
    return found


def torch_batch(batch):
    """A minibatch of the fixtures as d3rlpy's own."""
    columns = {key: torch.tensor(value, dtype=torch.float32) for key, value in batch.items()}
    column = lambda values: values.reshape(-1, 1)
    rows = len(columns["rewards"])
    return d3rlpy.torch_utility.TorchMiniBatch(
        observations=columns["observations"], actions=columns["actions"],
        rewards=column(columns["rewards"]), next_observations=columns["nextObservations"],
        next_actions=torch.zeros_like(columns["actions"]), returns_to_go=torch.zeros(rows, 1),
        terminals=1 - column(columns["masks"]), intervals=torch.ones(rows, 1), device="cpu:0")


def d3rlpy_case(name, hidden, settings, options, **more):
    agent = peers.d3rlpy_agent(name, SIZES, hidden, settings, as_released=options.as_released, **more)
    modules = agent.impl._modules
    optimizers = {
        key: value.optim for key, value in vars(modules).items() if hasattr(value, "optim")}
    return agent, agent.impl, modules, first_gradients(**optimizers)


def whole_updates(report, case, reference, impl, parts, gradients, draws_of, losses_of, scale={}):
    """Runs the peer's own `inner_update` on every minibatch of a fixture: losses, first gradients, and all
    parameters at the end. parts: {name in the fixture: (parameters, targets or None)}."""
    for part, (parameters, targets) in parts.items():
        fill(parameters, reference["start"][f"{part}/parameters"])
        if targets is not None:
            fill(targets, reference["start"][f"{part}/targets"])
    for count, update in enumerate(reference["updates"]):
        with Draws() as draws:
            draws.normal = draws_of(update["noise"], count)
            metrics = impl.inner_update(torch_batch(update["batch"]), count)
        for key, value in losses_of(metrics).items():
            if key in update["losses"]:
                report.compare(case, f"update {count}: {key}", value, update["losses"][key])
    for part, (parameters, _) in parts.items():
        found = flat(parameters, lambda tensor: gradients[id(tensor)]) / scale.get(part, 1)
        report.compare(case, f"gradient of {part}", found, reference["gradients"][part])
    for part, (parameters, targets) in parts.items():
        report.compare(case, f"{part} after {len(reference['updates'])} updates",
                       flat(parameters), reference["final"][f"{part}/parameters"])
        if targets is not None:
            report.compare(case, f"targets of {part}", flat(targets), reference["final"][f"{part}/targets"])


# d3rlpy


def bc(report, options):
    case = "BC, d3rlpy: density"
    reference = fixture("algorithms/bc", "bc")
    agent, impl, modules, _ = d3rlpy_case("bc", [8, 7], {"policy_type": "stochastic"}, options)
    policy = modules.imitator
    policy._min_logstd, policy._max_logstd = -20.0, 2.0
    parameters = two_headed(policy._encoder, policy._mu, policy._logstd)
    fill(parameters, reference["start"]["actor/parameters"])
    update = reference["updates"][0]
    batch = torch_batch(update["batch"])
    density = peers.sac_impl.build_squashed_gaussian_distribution(policy(batch.observations))
    loss = -density.log_prob(batch.actions).mean()
    loss.backward()
    report.note(case, "d3rlpy clones by squared error; its own networks and density are compared")
    report.compare(case, "update 0: policy_loss", loss, update["losses"]["policy_loss"])
    report.compare(case, "gradient of actor", flat(parameters, lambda t: t.grad), reference["gradients"]["actor"])

    case = "BC by squared error, d3rlpy"
    reference = fixture("algorithms/td3", "td3-bc")
    agent, impl, modules, _ = d3rlpy_case("bc", [8, 7], {}, options)
    fill(plain(modules.imitator), reference["start"]["actor/parameters"])
    update = reference["updates"][0]
    loss = impl.compute_loss(torch_batch(update["batch"]).observations, torch_batch(update["batch"]).actions)
    report.note(case, "ours: td3-bc, valueWeight 0")
    report.compare(case, "update 0: imitation_error", loss.loss, update["losses"]["imitation_error"])


def td3_bc(report, options):
    for name, settings in (
        ("td3", {"actor_learning_rate": 3e-4, "critic_learning_rate": 3e-4}), ("td3-bc", {})
    ):
        reference = fixture("algorithms/td3", name)
        agent, impl, modules, gradients = d3rlpy_case(name, [8, 7], settings, options)
        parts = {
            "actor": (plain(modules.policy), plain(modules.targ_policy)),
            "critic": (plain(modules.q_funcs), plain(modules.targ_q_funcs)),
        }
        whole_updates(
            report, f"{'TD3+BC' if name == 'td3-bc' else 'TD3'}, d3rlpy", reference, impl, parts, gradients,
            lambda noise, _: [noise["smoothing"]],
            lambda m: {"critic_loss": m["critic_loss"] / 2}
            | ({"policy_loss": m["actor_loss"]} if "actor_loss" in m else {})
            | ({"imitation_error": m["bc_loss"]} if "bc_loss" in m else {}))


def awac(report, options):
    awac_case(report, options, "AWAC, d3rlpy", "softmax")
    awac_case(report, options, "AWAC with clipped draws, d3rlpy", "clipped", without=["awac_unclamped"])


def awac_case(report, options, case, name, without=()):
    reference = fixture("algorithms/awac", name)
    rows = len(reference["updates"][0]["batch"]["rewards"])
    # The policy's loss is a sum there, so that a decay of the same effect is greater.
    agent, impl, modules, gradients = d3rlpy_case(
        "awac", [8, 8], {"lam": 2.0}, options, weight_decay=rows * 1e-4, without=without)
    policy = modules.policy
    network = plain(policy._encoder, policy._mu)
    parts = {
        "actor": (network, None),
        "actor-log-std": ([[policy._logstd]], None),
        "critic": (plain(modules.q_funcs), plain(modules.targ_q_funcs)),
    }
    report.note(case, "the policy's loss is a sum over rows there, a mean here: divided by the rows")
    # Ours are gradients with the decay's share; a hook sees them without.
    for part in ("actor", "actor-log-std"):
        start = torch.tensor(reference["start"][f"{part}/parameters"])
        reference["gradients"][part] = torch.tensor(reference["gradients"][part]) - 1e-4 * start
    whole_updates(
        report, case, reference, impl, parts, gradients,
        lambda noise, _: [noise["next"], noise["current"]],
        lambda m: {"critic_loss": m["critic_loss"] / 2, "policy_loss": m["actor_loss"] / rows},
        scale={"actor": rows, "actor-log-std": rows})


def iql(report, options):
    case = "IQL, d3rlpy"
    reference = fixture("algorithms/iql", "iql")
    agent, impl, modules, gradients = d3rlpy_case("iql", [8, 7], {"max_weight": 1.5}, options)
    policy = modules.policy
    actor, critics = plain(policy._encoder, policy._mu), plain(modules.q_funcs)
    start = reference["start"]
    for groups, key in (
        (actor, "actor/parameters"), ([[policy._logstd]], "actor-log-std/parameters"),
        (critics, "critic/parameters"), (plain(modules.targ_q_funcs), "critic/targets"),
        (plain(modules.value_func), "value/parameters"),
    ):
        fill(groups, start[key])
    update = reference["updates"][0]
    batch = torch_batch(update["batch"])
    # One step of Q and V together: V is ours, Q has seen V before its step.
    found = impl.update_critic(batch)
    report.compare(case, "update 0: value_loss", found["v_loss"], update["losses"]["value_loss"])
    report.compare(case, "gradient of value", flat(
        plain(modules.value_func), lambda t: gradients[id(t)]), reference["gradients"]["value"])
    found = impl.update_actor(batch)
    report.compare(case, "update 0: policy_loss", found["actor_loss"], update["losses"]["policy_loss"])
    for part, groups in (("actor", actor), ("actor-log-std", [[policy._logstd]])):
        report.compare(
            case, f"gradient of {part}", flat(groups, lambda t: gradients[id(t)]), reference["gradients"][part])
    report.note(case, "Q learns from V before its step there, after it here: Q's loss with V after its step")
    fill(critics, start["critic/parameters"])
    modules.critic_optim.optim.zero_grad()
    loss = impl.compute_critic_loss(batch, impl.compute_target(batch)).q_loss
    loss.backward()
    report.compare(case, "update 0: critic_loss", loss / 2, update["losses"]["critic_loss"])
    report.compare(case, "gradient of critic", flat(critics, lambda t: t.grad), reference["gradients"]["critic"])


def bcq(report, options):
    reference = fixture("algorithms/bcq", "bcq")
    agent, impl, modules, gradients = d3rlpy_case(
        "bcq", [8, 7], {"n_action_samples": 3}, options, encoders={"imitator": [9, 9]})
    encoder = modules.vae_encoder
    parts = {
        "encoder": (two_headed(encoder._encoder, encoder._mu, encoder._logstd), None),
        "decoder": (plain(modules.vae_decoder), None),
        "critic": (plain(modules.q_funcs), plain(modules.targ_q_funcs)),
        "perturbation": (plain(modules.policy), plain(modules.targ_policy)),
    }
    whole_updates(
        report, "BCQ, d3rlpy", reference, impl, parts, gradients,
        lambda noise, _: [noise["reconstruction"], noise["next"], noise["current"]],
        lambda m: {"autoencoder_loss": m["vae_loss"], "critic_loss": m["critic_loss"] / 2,
                   "policy_loss": m["actor_loss"]})


def named(tensors):
    """Parameters of a policy or critic of the fixtures in `Tests/Fixtures/learners`, in our order."""
    result, index = [], 0
    while f"fc{index}.weight" in tensors:
        result += [tensors[f"fc{index}.weight"], tensors[f"fc{index}.bias"]]
        index += 1
    heads = [head for head in ("last_fc", "last_fc_log_std") if f"{head}.weight" in tensors]
    result += [tensors[f"{head}.weight"] for head in heads] + [tensors[f"{head}.bias"] for head in heads]
    return torch.cat([torch.tensor(values, dtype=torch.float64).reshape(-1) for values in result])


def hidden_of(tensors):
    return [len(tensors[f"fc{i}.bias"]) for i in range(9) if f"fc{i}.bias" in tensors]


def soft_agents(report, case, impl, modules, gradients, inputs, expected, draws, options):
    """Critics and policy of SAC and CQL as d3rlpy computes them, from the same parameters."""
    policy, critics = modules.policy, modules.q_funcs
    actor = two_headed(policy._encoder, policy._mu, policy._logstd)
    agent = inputs["agent"]
    fill(actor, named(agent["policy"][0]).tolist())
    for groups, source in ((critics, "critics"), (modules.targ_q_funcs, "targets")):
        for network, values in zip(groups, agent[source][0]):
            fill(plain(network), named(values).tolist())
    batch = torch_batch(inputs["batch"])
    with draws:
        found = impl.update_critic(batch)
        actor_found = impl.update_actor(batch)
    losses = expected["losses"]
    report.compare(case, "critics' loss", found["critic_loss"], sum(losses["critics"][0]))
    report.compare(case, "gradient of critics", flat(plain(critics), lambda t: gradients[id(t)]),
                   torch.cat([named(g) for g in expected["gradients"]["critics"][0]]))
    if "policy" in expected["gradients"]:
        report.compare(case, "policy's loss", actor_found["actor_loss"], losses["policy"])
        report.compare(case, "gradient of policy", flat(actor, lambda t: gradients[id(t)]),
                       named(expected["gradients"]["policy"][0]))
    factor = math.exp(agent["logAlpha"]) if options.as_released else 1
    report.compare(case, "gradient of log alpha", flat(plain(modules.log_temp), lambda t: gradients[id(t)]) / factor,
                   expected["gradients"]["logAlpha"])
    return found


def still(inputs):
    return {"actor_learning_rate": STILL, "critic_learning_rate": STILL, "temp_learning_rate": STILL,
            "initial_temperature": math.exp(inputs["agent"]["logAlpha"])}


def cql(report, options):
    for shape in ("twoLayers", "threeLayers"):
        reference = fixture("learners/cql", shape)
        inputs = reference["inputs"]
        noise = inputs["noise"]
        by_row = lambda values: torch.tensor(values).transpose(0, 1)
        now, following = by_row(noise["currentSampleNoise"]), by_row(noise["nextSampleNoise"])
        for variant in ("fixed", "weight", "entropyBackup", "maximumOfMinima", "lagrangeScaled"):
            if variant not in reference:
                continue
            case = f"CQL {variant}, {len(hidden_of(inputs['agent']['policy'][0]))} layers, d3rlpy"
            settings = still(inputs) | {
                "n_action_samples": len(noise["uniformActions"][0]), "alpha_threshold": 0.0,
                "alpha_learning_rate": 0.0, "conservative_weight": 5.0}
            settings |= {
                "weight": {"conservative_weight": 0.5}, "entropyBackup": {"soft_q_backup": True},
                "maximumOfMinima": {"max_q_backup": True},
                "lagrangeScaled": {
                    "alpha_threshold": 0.8, "alpha_learning_rate": STILL, "initial_alpha": math.e},
            }.get(variant, {})
            agent, impl, modules, gradients = d3rlpy_case(
                "cql", hidden_of(inputs["agent"]["policy"][0]), settings, options)
            draws = Draws()
            backup = following if variant == "maximumOfMinima" else noise["nextNoise"]
            takes_mean = options.as_released and variant in ("fixed", "weight", "lagrangeScaled")
            draws.normal = ([] if takes_mean else [backup]) + [now, following, noise["currentNoise"]]
            draws.uniform = [noise["uniformActions"]]
            soft_agents(report, case, impl, modules, gradients, inputs, reference[variant], draws, options)
            if variant == "lagrangeScaled":
                report.compare(case, "gradient of log alpha'", flat(
                    plain(modules.log_alpha), lambda t: gradients[id(t)]),
                    reference[variant]["gradients"]["logMultiplier"])


def sac_d3rlpy(report, options):
    for name in ("sac", "threeLayers"):
        reference = fixture("learners/sac", name)
        inputs = reference["inputs"]
        agent, impl, modules, gradients = d3rlpy_case(
            "sac", hidden_of(inputs["agent"]["policy"][0]), still(inputs), options)
        draws = Draws()
        draws.normal = [inputs["noise"]["nextNoise"], inputs["noise"]["currentNoise"]]
        soft_agents(report, f"SAC {name}, d3rlpy", impl, modules, gradients, inputs, reference, draws, options)


# Stable-Baselines3


class OneBatch:
    """A replay buffer that gives a fixture's minibatch."""

    def __init__(self, batch):
        columns = {key: torch.tensor(value, dtype=torch.float32) for key, value in batch.items()}
        self.data = types.SimpleNamespace(
            observations=columns["observations"], actions=columns["actions"],
            next_observations=columns["nextObservations"], dones=1 - columns["masks"].reshape(-1, 1),
            rewards=columns["rewards"].reshape(-1, 1), discounts=None)

    def sample(self, *_, **__):
        return self.data


class Losses(peers.sb3.common.logger.Logger):
    def __init__(self):
        super().__init__(None, [])
        self.found = {}

    def record(self, key, value, exclude=None):
        self.found[key] = value


def sac(report, options):
    sac_d3rlpy(report, options)
    for name in ("sac", "threeLayers"):
        case = f"SAC {name}, SB3"
        reference = fixture("learners/sac", name)
        inputs = reference["inputs"]
        start, noise = inputs["agent"], inputs["noise"]
        agent = peers.sb3_agent(
            "sac", peers.Stub(SIZES), hidden_of(start["policy"][0]),
            {"learning_rate": STILL, "ent_coef": f"auto_{math.exp(start['logAlpha'])!r}"}, options.as_released)
        agent.set_logger(Losses())
        actor = two_headed(agent.actor.latent_pi, agent.actor.mu, agent.actor.log_std)
        fill(actor, named(start["policy"][0]).tolist())
        for networks, source in ((agent.critic, "critics"), (agent.critic_target, "targets")):
            for network, values in zip(networks.q_networks, start[source][0]):
                fill(plain(network), named(values).tolist())
        gradients = first_gradients(
            a=agent.actor.optimizer, c=agent.critic.optimizer, t=agent.ent_coef_optimizer)
        agent.replay_buffer = OneBatch(inputs["batch"])
        with Draws() as draws:
            draws.normal = [noise["currentNoise"], noise["nextNoise"]]
            agent.train(1, len(inputs["batch"]["rewards"]))
        found, losses, expected = agent.logger.found, reference["losses"], reference["gradients"]
        report.note(case, "the critics' loss is half the sum there: doubled")
        report.compare(case, "critics' loss", 2 * found["train/critic_loss"], sum(losses["critics"][0]))
        report.compare(case, "policy's loss", found["train/actor_loss"], losses["policy"])
        report.compare(case, "temperature's loss", found["train/ent_coef_loss"], losses["temperature"])
        report.compare(case, "gradient of critics",
                       2 * flat(plain(*agent.critic.q_networks), lambda t: gradients[id(t)]),
                       torch.cat([named(g) for g in expected["critics"][0]]))
        report.compare(case, "gradient of policy", flat(actor, lambda t: gradients[id(t)]),
                       named(expected["policy"][0]))
        report.compare(case, "gradient of log alpha", gradients[id(agent.log_ent_coef)], expected["logAlpha"])


def td3_sb3(report, options):
    case = "TD3, SB3"
    reference = fixture("algorithms/td3", "td3")
    agent = peers.sb3_agent(
        "td3", peers.Stub(SIZES), [8, 7], {"learning_rate": 3e-4, "policy_delay": 2}, options.as_released)
    agent.set_logger(Losses())
    parts = {
        "actor": (plain(agent.actor.mu), plain(agent.actor_target.mu)),
        "critic": (plain(*agent.critic.q_networks), plain(*agent.critic_target.q_networks)),
    }
    for part, (parameters, targets) in parts.items():
        fill(parameters, reference["start"][f"{part}/parameters"])
        fill(targets, reference["start"][f"{part}/targets"])
    gradients = first_gradients(a=agent.actor.optimizer, c=agent.critic.optimizer)
    if not options.as_released:
        report.note(case, "its second update is the first of the policy, here the first: counted from one")
        agent._n_updates = 1
    for count, update in enumerate(reference["updates"]):
        agent.logger.found.clear()
        agent.replay_buffer = OneBatch(update["batch"])
        with Draws() as draws:
            draws.normal = [update["noise"]["smoothing"]]
            agent.train(1, len(update["batch"]["rewards"]))
        found, losses = agent.logger.found, update["losses"]
        report.compare(case, f"update {count}: critic_loss", found["train/critic_loss"] / 2, losses["critic_loss"])
        if "train/actor_loss" in found and "policy_loss" in losses:
            report.compare(case, f"update {count}: policy_loss", found["train/actor_loss"], losses["policy_loss"])
    for part, (parameters, targets) in parts.items():
        report.compare(
            case, f"gradient of {part}", flat(parameters, lambda t: gradients[id(t)]), reference["gradients"][part])
        report.compare(case, f"{part} after 3 updates", flat(parameters), reference["final"][f"{part}/parameters"])
        report.compare(case, f"targets of {part}", flat(targets), reference["final"][f"{part}/targets"])


# CORL, which PyPI does not have


class Dropping(torch.nn.Module):
    """Dropout with given uniform numbers in place of its own, in the fixtures' order."""

    def __init__(self, rate, start):
        super().__init__()
        self.rate, self.start, self.uniform = rate, start, None

    def forward(self, x):
        uniform = self.uniform[:, self.start:self.start + x.shape[-1]]
        return x * (uniform >= self.rate) / (1 - self.rate)


def small(inputs, outputs, rate=None):
    """The fixtures' networks in place of CORL's of 256 units, with SPOT's dropout where there is a rate."""
    layers = []
    for inputs, width, start in ((inputs, 8, 0), (8, 7, 8)):
        layers += [torch.nn.Linear(inputs, width)] + [Dropping(rate, start)] * (rate is not None)
        layers += [torch.nn.ReLU()]
    return layers + [torch.nn.Linear(7, outputs)]


def spot(report, options):
    case = "SPOT, CORL"
    if options.corl is None:
        report.note(case, "left out: give --corl the folder of CORL's programs")
        return
    program = load_corl(options.corl, "spot")
    reference = fixture("algorithms/spot", "offline")
    adam = lambda module, rate=3e-4: torch.optim.Adam(module.parameters(), lr=rate)
    vae = program.VAE(*SIZES, 2 * SIZES[1], 1.0, 9)
    actor, critics = program.Actor(*SIZES, 1.0), [program.Critic(*SIZES) for _ in range(2)]
    actor.net = torch.nn.Sequential(*small(*SIZES, rate=0.25), torch.nn.Tanh())
    for critic in critics:
        critic.net = torch.nn.Sequential(*small(sum(SIZES), 1))
    optimizers = [adam(vae, 1e-3), adam(actor), *map(adam, critics)]
    trainer = program.SPOT(
        1.0, actor, optimizers[1], critics[0], optimizers[2], critics[1], optimizers[3], vae, optimizers[0],
        lambd=0.1)
    gradients = first_gradients(**{str(i): optimizer for i, optimizer in enumerate(optimizers)})
    parts = {
        "encoder": (two_headed(vae.encoder_shared, vae.mean, vae.log_std), None),
        "decoder": (plain(vae.decoder), None),
        "actor": (plain(actor), plain(trainer.actor_target)),
        "critic": (plain(*critics), plain(trainer.critic_1_target, trainer.critic_2_target)),
    }
    for part, (parameters, targets) in parts.items():
        fill(parameters, reference["start"][f"{part}/parameters"])
        if targets is not None:
            fill(targets, reference["start"][f"{part}/targets"])
    report.note(case, "CORL's policy, made for AntMaze, has no dropout: given that of SPOT's code")
    for count, update in enumerate(reference["updates"]):
        batch = [
            torch.tensor(update["batch"][key], dtype=torch.float32).reshape(6, -1)
            for key in ("observations", "actions", "rewards", "nextObservations", "masks")]
        batch[4] = 1 - batch[4]
        noise = {key: torch.tensor(values, dtype=torch.float32) for key, values in update["noise"].items()}
        for network, key in ((actor, "dropout"), (trainer.actor_target, "target-dropout")):
            for layer in network.net:
                if isinstance(layer, Dropping):
                    layer.uniform = noise[key]
        moves = count > 0 and count % 2 == 0
        trainer.total_it = count - 1
        with Draws() as draws:
            if count == 0:
                draws.normal = [noise["reconstruction"]]
                found = {"vae_loss": trainer.vae_train(batch)["VAE/vae_loss"]}
            else:
                draws.normal = [noise["smoothing"]] + [noise["reconstruction"]] * moves
                found = trainer.train(batch)
                found["critic_loss"] /= 2
                if moves:
                    found |= {"policy_loss": found["actor_loss"], "misfit": found["neg_log_beta_mean"]}
        for key in ("vae_loss", "critic_loss", "policy_loss", "misfit"):
            if key in update["losses"]:
                report.compare(case, f"update {count}: {key}", found[key], update["losses"][key])
    for part, (parameters, targets) in parts.items():
        report.compare(
            case, f"gradient of {part}", flat(parameters, lambda t: gradients[id(t)]), reference["gradients"][part])
        report.compare(case, f"{part} after 5 updates", flat(parameters), reference["final"][f"{part}/parameters"])
        if targets is not None:
            report.compare(case, f"targets of {part}", flat(targets), reference["final"][f"{part}/targets"])


CASES = {
    "bc": [bc], "td3-bc": [td3_bc], "iql": [iql], "awac": [awac], "bcq": [bcq], "cql": [cql], "sac": [sac],
    "td3": [td3_sb3], "spot": [spot],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help=f"comma-separated, of {', '.join(CASES)}")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--as-released", action="store_true", help="leave the peers' definitions as they are")
    parser.add_argument("--corl", help="folder of CORL's programs, algorithms/")
    options = parser.parse_args()
    chosen = options.only.split(",") if options.only else list(CASES)
    for name in chosen:
        if name not in CASES:
            parser.error(f"no '{name}' among {', '.join(CASES)}")
    torch.set_num_threads(1)
    report = Report(options.tolerance)
    for name in chosen:
        for run in CASES[name]:
            run(report, options)
    for case, (count, worst) in report.worst.items():
        print(f"| {case} | {count} | {worst:.0e} |")
    print(f"{report.failures} of these are off by more than {options.tolerance:g}")
    sys.exit(1 if report.failures else 0)


if __name__ == "__main__":
    main()
