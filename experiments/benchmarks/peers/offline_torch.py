"""IQL, AWAC, TD3+BC and BCQ in PyTorch on CPU threads."""

import common
import numpy as np
import offline
import torch
from common import BETA1, BETA2, DISCOUNT, EPSILON, TAU
from offline import CANDIDATES, LATENT
from peer_torch import Runner, compile_mode, options, separate_values, stack_values, tensor_tree


def network(p, *arguments):
    x = torch.cat(arguments, 1) if len(arguments) > 1 else arguments[0]
    last = sum(k.startswith("w") for k in p)
    for i in range(1, last):
        x = torch.addmm(p[f"b{i}"], x, p[f"w{i}"]).relu()
    return torch.addmm(p[f"b{last}"], x, p[f"w{last}"])


class Update:
    """One update: losses, gradients and steps, one after the other."""

    def __init__(self, benchmark, mode, layout):
        self.benchmark, self.mode = benchmark, mode
        _, self.rate, self.decay = offline.BENCHMARKS[benchmark]
        self.values = {"bmm": stack_values, "separate": separate_values}[layout]
        self.body = getattr(self, benchmark.removesuffix("-update").replace("-", "_"))

    def __call__(self, state, batch, noise, moves_policy=True):
        self.losses, self.gradients = {}, {}
        self.body(state, batch, noise, moves_policy)
        return self.losses, self.gradients

    def q(self, critic, *arguments):
        return self.values(critic, torch.cat(arguments, 1))

    def minimize(self, name, state, groups, loss, follow=()):
        parameters = {group: state["online"][group] for group in groups}
        if self.mode != "none":
            gradients, value = torch.func.grad_and_value(loss)(parameters)
        else:
            leaves = common.map_tree(lambda t: t.detach().requires_grad_(), parameters)
            with torch.enable_grad():
                value = loss(leaves)
                flat = torch.autograd.grad(value, [t for p in leaves.values() for t in p.values()])
            flat, value = iter(flat), value.detach()
            gradients = {g: {k: next(flat) for k in p} for g, p in leaves.items()}
        self.losses[name] = value
        self.gradients.update(gradients)
        for group in groups:
            decay = self.decay if group == "actor" else 0.0
            (step_inside if self.mode == "whole" else step_fused)(
                state, group, gradients[group], self.rate, decay, group in follow)

    def iql(self, state, batch, noise, _):
        online, target = state["online"], state["target"]
        s, a, s2 = batch["observations"], batch["actions"], batch["next_observations"]
        low = self.q(target["critic"], s, a).amin(0)

        def value_loss(p):
            u = low - network(p["value"], s)[:, 0]
            return (torch.where(u < 0, 1 - offline.EXPECTILE, offline.EXPECTILE) * u**2).mean()

        self.minimize("value", state, ["value"], value_loss)
        advantage = low - network(online["value"], s)[:, 0]
        weight = (offline.INVERSE_TEMPERATURE * advantage).exp().clamp(max=offline.MAXIMUM_WEIGHT)

        def policy_loss(p):
            mean, log_std = network(p["actor"], s).tanh(), p["actor"]["log_std"].clamp(-5, 2)
            return -(weight * density(mean, log_std, a)).mean()

        self.minimize("actor", state, ["actor"], policy_loss)
        y = batch["rewards"] + DISCOUNT * batch["masks"] * network(online["value"], s2)[:, 0]
        self.minimize("critic", state, ["critic"], self.td(s, a, y), ["critic"])

    def awac(self, state, batch, noise, _):
        online, target = state["online"], state["target"]
        s, a, s2 = batch["observations"], batch["actions"], batch["next_observations"]

        def heads(actor, x):
            return network(actor, x).tanh(), -6 + 6 * actor["log_std"].sigmoid()

        mean, log_std = heads(online["actor"], s2)
        next_action = mean + log_std.exp() * noise["next"]
        low = self.q(target["critic"], s2, next_action).amin(0)
        y = batch["rewards"] + DISCOUNT * batch["masks"] * low
        self.minimize("critic", state, ["critic"], self.td(s, a, y), ["critic"])
        low = self.q(online["critic"], s, a).amin(0)

        def policy_loss(p):
            mean, log_std = heads(p["actor"], s)
            action = (mean + log_std.exp() * noise["current"]).detach()
            advantage = low - self.q(online["critic"], s, action).amin(0)
            weight = len(low) * (advantage / offline.ADVANTAGE_SCALE).softmax(0)
            return -(weight * density(mean, log_std, a)).mean()

        self.minimize("actor", state, ["actor"], policy_loss)

    def td3_bc(self, state, batch, noise, moves_policy):
        online, target = state["online"], state["target"]
        s, a, s2 = batch["observations"], batch["actions"], batch["next_observations"]
        clip = offline.NOISE_CLIP
        epsilon = (offline.TARGET_NOISE * noise["smoothing"]).clamp(-clip, clip)
        next_action = (network(target["actor"], s2).tanh() + epsilon).clamp(-1, 1)
        low = self.q(target["critic"], s2, next_action).amin(0)
        y = batch["rewards"] + DISCOUNT * batch["masks"] * low
        follow = ["critic"] if moves_policy else []
        self.minimize("critic", state, ["critic"], self.td(s, a, y), follow)
        if not moves_policy:
            return
        first = {k: v[0] for k, v in online["critic"].items()}

        def policy_loss(p):
            action = network(p["actor"], s).tanh()
            value = network(first, s, action)[:, 0]
            scale = offline.VALUE_WEIGHT / value.detach().abs().mean()
            return ((action - a) ** 2).mean() - scale * value.mean()

        self.minimize("actor", state, ["actor"], policy_loss, ["actor"])

    def bcq(self, state, batch, noise, _):
        online, target = state["online"], state["target"]
        s, a, s2 = batch["observations"], batch["actions"], batch["next_observations"]

        def decoded(z, x):
            clip = offline.LATENT_CLIP
            return network(online["decoder"], x, z.clamp(-clip, clip)).tanh()

        def perturbed(p, x, actions):
            return (actions + offline.PERTURBATION * network(p, x, actions).tanh()).clamp(-1, 1)

        def misfit(p):
            mean, log_std = network(p["encoder"], s, a).split(LATENT, 1)
            log_std = log_std.clamp(-4, 15)
            deviation = log_std.exp()
            z = mean + deviation * noise["reconstruction"]
            divergence = 0.5 * (mean**2 + deviation**2 - 1 - 2 * log_std).mean()
            error = ((network(p["decoder"], s, z).tanh() - a) ** 2).mean()
            return error + offline.DIVERGENCE_WEIGHT * divergence

        self.minimize("autoencoder", state, ["encoder", "decoder"], misfit)
        rows = s2.repeat_interleave(CANDIDATES, 0)
        candidates = perturbed(target["perturbation"], rows, decoded(noise["next"], rows))
        values = self.q(target["critic"], rows, candidates)
        share = offline.MINIMUM_SHARE
        mixed = share * values.amin(0) + (1 - share) * values.amax(0)
        best = mixed.view(-1, CANDIDATES).amax(1)
        y = batch["rewards"] + DISCOUNT * batch["masks"] * best
        self.minimize("critic", state, ["critic"], self.td(s, a, y), ["critic"])
        shown = decoded(noise["current"], s)
        first = {k: v[0] for k, v in online["critic"].items()}
        self.minimize(
            "perturbation", state, ["perturbation"],
            lambda p: -network(first, s, perturbed(p["perturbation"], s, shown)).mean(),
            ["perturbation"])

    def td(self, s, a, y):
        return lambda p: ((self.q(p["critic"], s, a) - y) ** 2).mean(1).sum()


def density(mean, log_std, actions):
    z = (actions - mean) / log_std.exp()
    return (-0.5 * z**2 - log_std - offline.HALF_LOG_2PI).sum(1)


def step_inside(state, group, gradients, rate, decay, follows):
    """Adam and the target, in place: for the compiler, which makes one loop of each tensor."""
    parameters, first, second = (state[x][group] for x in ("online", "first", "second"))
    state["count"][group].add_(1)
    size = rate / (1 - BETA1 ** state["count"][group])
    root = (1 - BETA2 ** state["count"][group]).rsqrt()
    for k, p in parameters.items():
        g = gradients[k] + decay * p if decay else gradients[k]
        m, v = first[k].lerp_(g, 1 - BETA1), second[k].mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
        p.sub_(size * m / (v.sqrt() * root + EPSILON))
        if follows:
            state["target"][group][k].lerp_(p, TAU)


@torch._dynamo.disable
def step_fused(state, group, gradients, rate, decay, follows):
    """The same with the framework's own fused and foreach kernels."""
    parameters = list(state["online"][group].values())
    steps = state.setdefault("steps", {}).setdefault(
        group, [torch.zeros(()) for _ in parameters])
    torch._foreach_add_(steps, 1)
    torch._fused_adam_(
        parameters, [gradients[k] for k in state["online"][group]],
        list(state["first"][group].values()), list(state["second"][group].values()), [], steps,
        lr=rate, beta1=BETA1, beta2=BETA2, weight_decay=decay, eps=EPSILON, amsgrad=False,
        maximize=False)
    if follows:
        torch._foreach_lerp_(list(state["target"][group].values()), parameters, TAU)


def initial_state(data):
    zeros = common.map_tree(np.zeros_like, data["online"])
    return tensor_tree({
        "online": data["online"], "target": data["target"], "first": zeros, "second": zeros,
        "count": {group: np.zeros((), np.float32) for group in data["online"]}})


class Program(Runner):
    def __init__(self, arguments, benchmark):
        self.mode = compile_mode(arguments)
        self.notes = f"compile={self.mode}, critics={arguments.layout}"
        self.shapes = offline.noise_shapes(benchmark)
        self.math = Update(benchmark, self.mode, arguments.layout)
        self.delay = offline.POLICY_DELAY if benchmark == "td3-bc-update" else 1
        self.state = initial_state(offline.fixture(benchmark))
        r = np.random.default_rng(1)
        rows = offline.BENCHMARKS[benchmark][0]
        self.batches = [tensor_tree(offline.batch(r, rows)) for _ in range(8)]
        self.done = 0
        # Gradients are left inside: returned, they would have to be written out.
        self.update = self.compiled(lambda *given: self.math(*given)[0])

    def compiled(self, function):
        return function if self.mode == "none" else torch.compile(function)

    def step(self, batch):
        noise = {k: torch.randn(shape) for k, shape in self.shapes.items()}
        self.update(self.state, batch, noise, self.done % self.delay == 0)

    def check(self, data):
        """Losses and gradients on the fixture, and the parameters after one update and after three."""
        tree, state = tensor_tree(data), initial_state(data)
        result = {}
        with torch.no_grad():
            update = self.compiled(lambda *given: self.math(*given))
            for i in range(3):
                found = update(state, tree["batch"], tree["noise"], i % self.delay == 0)
                if i == 0:
                    losses, gradients = (common.map_tree(torch.clone, x) for x in found)
                    first = common.map_tree(torch.clone, state["online"])
        after = {k: state[k] for k in ("online", "target")}
        return {"loss": losses, "gradient": gradients, "first": first, "after": after}


if __name__ == "__main__":
    parsed = common.arguments(__doc__, offline.BENCHMARKS, options)
    common.main(
        parsed, "PyTorch", torch.__version__, Program(parsed, parsed.benchmark),
        offline.fixture(parsed.benchmark))
