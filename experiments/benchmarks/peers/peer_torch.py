"""CQL, SAC and BRED in PyTorch on CPU threads: compiled by inductor where a compiler exists."""

import shutil

import common
import numpy as np
import torch
from common import ACTION, BATCH, DISCOUNT, OBSERVATION, SAMPLES, TAU
from torch.nn.functional import softplus

LOG_2 = float(np.log(2.0))
HALF_LOG_2PI = 0.5 * float(np.log(2 * np.pi))


def heads(policy, observations):
    h = torch.addmm(policy["b1"], observations, policy["w1"]).relu()
    h = torch.addmm(policy["b2"], h, policy["w2"]).relu()
    mean, log_std = torch.addmm(policy["b3"], h, policy["w3"]).chunk(2, -1)
    return mean, log_std.clamp(*common.LOG_STD_BOUNDS)


def act(mean, log_std, eps):
    """Actions and log-densities; all arguments broadcast, the last axis is the action's."""
    z = mean + log_std.exp() * eps
    squash = 2 * (LOG_2 - z - softplus(-2 * z))
    return z.tanh(), (-0.5 * eps**2 - log_std - HALF_LOG_2PI - squash).sum(-1)


def stack_values(critic, x):
    """Q of every critic of the stack on the same rows, [2N, rows]."""
    stack = critic["w1"].shape[0]
    h = torch.baddbmm(critic["b1"], x.expand(stack, -1, -1), critic["w1"]).relu()
    h = torch.baddbmm(critic["b2"], h, critic["w2"]).relu()
    return torch.baddbmm(critic["b3"], h, critic["w3"]).squeeze(-1)


def separate_values(critic, x):
    """The same, one critic after the other."""
    outputs = []
    for i in range(critic["w1"].shape[0]):
        h = torch.addmm(critic["b1"][i], x, critic["w1"][i]).relu()
        h = torch.addmm(critic["b2"][i], h, critic["w2"][i]).relu()
        outputs.append(torch.addmm(critic["b3"][i], h, critic["w3"][i]).squeeze(-1))
    return torch.stack(outputs)


class Update:
    """Losses, gradients and the step, as functions of tensors alone."""

    def __init__(self, conservative, traced, layout):
        self.conservative = conservative
        self.traced = traced
        self.values = {"bmm": stack_values, "separate": separate_values}[layout]

    def gradient(self, loss, parameters):
        if self.traced:
            gradients, (value, aux) = torch.func.grad_and_value(loss, has_aux=True)(parameters)
            return value, aux, gradients
        leaves = {k: v.detach().requires_grad_() for k, v in parameters.items()}
        with torch.enable_grad():
            value, aux = loss(leaves)
            gradients = torch.autograd.grad(value, list(leaves.values()))
        aux = tuple(a.detach() for a in aux)
        return value.detach(), aux, dict(zip(leaves, gradients))

    def losses_and_gradients(self, state, batch, noise):
        """All losses from the parameters before the update; gradients only where needed."""
        conservative, values = self.conservative, self.values
        policy, critic = state["policy"], state["critic"]
        alpha = state["log_alpha"].exp()
        s, s2 = batch["observations"], batch["next_observations"]

        next_mean, next_log_std = heads(policy, s2)
        next_action, next_log_prob = act(next_mean, next_log_std, noise["next"])
        target = values(state["target"], torch.cat([s2, next_action], 1))
        target = target.view(-1, 2, BATCH).amin(1)
        if not conservative:
            target = target - alpha * next_log_prob
        y = batch["rewards"] + DISCOUNT * batch["masks"] * target

        def policy_loss(policy):
            mean, log_std = heads(policy, s)
            action, log_prob = act(mean, log_std, noise["current"])
            q = values(critic, torch.cat([s, action], 1)).view(-1, 2, BATCH)
            q = torch.minimum(q[:, 0], q[:, 1]).mean(0)
            return (alpha * log_prob - q).mean(), (mean, log_std, log_prob.mean())

        pi_loss, (mean, log_std, log_prob), policy_gradient = self.gradient(policy_loss, policy)

        if conservative:
            now, now_log = act(mean[:, None], log_std[:, None], noise["current_samples"])
            later, later_log = act(
                next_mean[:, None], next_log_std[:, None], noise["next_samples"])
            actions = torch.cat([noise["uniform"], now, later, batch["actions"][:, None]], 1)
            densities = torch.cat(
                [torch.full((BATCH, SAMPLES), -ACTION * LOG_2), now_log, later_log], 1)
            count = 3 * SAMPLES + 1
            rows = torch.cat(
                [s[:, None].expand(-1, count, -1), actions], 2).view(BATCH * count, -1)
        else:
            rows = torch.cat([s, batch["actions"]], 1)

        def critic_loss(critic):
            q = values(critic, rows)
            if not conservative:
                return ((q.view(-1, 2, BATCH) - y[:, None]) ** 2).mean(-1).sum(), ()
            q = q.view(2, BATCH, -1)
            data_q = q[..., -1]
            gap = torch.logsumexp(q[..., :-1] - densities, -1) - data_q
            td = (data_q - y[0]) ** 2
            return (td + common.CONSERVATIVE_WEIGHT * gap).mean(-1).sum(), ()

        q_loss, _, critic_gradient = self.gradient(critic_loss, critic)
        alpha_gradient = -(log_prob + common.TARGET_ENTROPY)
        losses = {
            "critic": q_loss, "policy": pi_loss, "alpha": state["log_alpha"] * alpha_gradient}
        gradients = {
            "policy": policy_gradient, "critic": critic_gradient, "log_alpha": alpha_gradient}
        return losses, gradients

    def step_inside(self, state, gradients):
        """Adam and the targets, in place: for the compiler, which makes one loop of each tensor."""
        state["count"].add_(1)
        size = common.RATE / (1 - common.BETA1 ** state["count"])
        root = (1 - common.BETA2 ** state["count"]).rsqrt()
        for group in ("policy", "critic", "log_alpha"):
            for p, m, v, g in zip(*(_tensors(x[group]) for x in (
                    state, state["first"], state["second"], gradients))):
                m.lerp_(g, 1 - common.BETA1)
                v.mul_(common.BETA2).addcmul_(g, g, value=1 - common.BETA2)
                p.sub_(size * m / (v.sqrt() * root + common.EPSILON))
        for t, p in zip(_tensors(state["target"]), _tensors(state["critic"])):
            t.lerp_(p, TAU)

    def step_fused(self, state, gradients):
        """Adam and the targets with the framework's own fused and foreach kernels."""
        groups = ("policy", "critic", "log_alpha")

        def every(tree):
            return [t for group in groups for t in _tensors(tree[group])]

        parameters = every(state)
        if "steps" not in state:
            state["steps"] = [torch.zeros(()) for _ in parameters]
        torch._foreach_add_(state["steps"], 1)
        torch._fused_adam_(
            parameters, every(gradients), every(state["first"]), every(state["second"]), [],
            state["steps"], lr=common.RATE, beta1=common.BETA1, beta2=common.BETA2,
            weight_decay=0.0, eps=common.EPSILON, amsgrad=False, maximize=False)
        torch._foreach_lerp_(_tensors(state["target"]), _tensors(state["critic"]), TAU)


def _tensors(tree):
    return list(tree.values()) if isinstance(tree, dict) else [tree]


def tensor_tree(tree):
    if isinstance(tree, dict):
        return {k: tensor_tree(v) for k, v in tree.items()}
    return torch.tensor(np.asarray(tree))


def initial_state(data):
    trained = {k: data[k] for k in ("policy", "critic", "log_alpha")}
    zeros = common.map_tree(np.zeros_like, trained)
    state = dict(trained, target=data["target"], first=zeros, second=zeros)
    state["count"] = np.zeros((), np.float32)
    return tensor_tree(state)


def draw(conservative):
    noise = {"current": torch.randn(BATCH, ACTION), "next": torch.randn(BATCH, ACTION)}
    if conservative:
        noise["uniform"] = torch.rand(BATCH, SAMPLES, ACTION).mul_(2).sub_(1)
        noise["current_samples"] = torch.randn(BATCH, SAMPLES, ACTION)
        noise["next_samples"] = torch.randn(BATCH, SAMPLES, ACTION)
    return noise


def compile_mode(arguments):
    """Prepares PyTorch; says what to compile, which needs a C++ compiler."""
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    if not (shutil.which("g++") or shutil.which("clang++")):
        return "none"
    return arguments.compile


class Runner:
    """Takes minibatches in turn."""

    def run_block(self, count):
        with torch.no_grad():
            for _ in range(count):
                self.step(self.batches[self.done % len(self.batches)])
                self.done += 1


class Program(Runner):
    def __init__(self, arguments, members, conservative):
        self.conservative = conservative
        self.arguments = arguments
        self.mode = compile_mode(arguments)
        self.notes = f"compile={self.mode}, critics={arguments.layout}"
        self.state = initial_state(common.fixture(members, conservative))
        r = np.random.default_rng(1)
        self.batches = [tensor_tree(common.batch(r)) for _ in range(8)]
        self.done = 0
        self.update = self.make_update()

    def make_update(self):
        math = Update(self.conservative, self.mode != "none", self.arguments.layout)
        if self.mode == "whole":
            def update(state, batch, noise):
                losses, gradients = math.losses_and_gradients(state, batch, noise)
                math.step_inside(state, gradients)
                return losses
            return torch.compile(update)
        losses_and_gradients = math.losses_and_gradients
        if self.mode == "losses":
            losses_and_gradients = torch.compile(losses_and_gradients)

        def update(state, batch, noise):
            losses, gradients = losses_and_gradients(state, batch, noise)
            math.step_fused(state, gradients)
            return losses
        return update

    def step(self, batch):
        self.update(self.state, batch, draw(self.conservative))

    def check(self, data):
        """Losses and gradients on the fixture, and the parameters after three updates."""
        tree = tensor_tree(data)
        batch, noise, state = tree["batch"], tree["noise"], initial_state(data)
        with torch.no_grad():
            math = Update(self.conservative, False, self.arguments.layout)
            _, gradients = math.losses_and_gradients(state, batch, noise)
            losses = common.map_tree(torch.Tensor.clone, self.update(state, batch, noise))
            for _ in range(2):
                self.update(state, batch, noise)
        after = {k: state[k] for k in ("policy", "critic", "target", "log_alpha")}
        return {"loss": losses, "gradient": gradients, "after": after}


def options(parser):
    parser.add_argument(
        "--compile", choices=["whole", "losses", "none"], default="whole",
        help="what inductor compiles: the whole update, all but Adam, nothing")
    parser.add_argument("--layout", choices=["bmm", "separate"], default="bmm")


if __name__ == "__main__":
    parsed = common.arguments(__doc__, common.BENCHMARKS, options)
    sizes = common.BENCHMARKS[parsed.benchmark]
    common.main(
        parsed, "PyTorch", torch.__version__, Program(parsed, *sizes), common.fixture(*sizes))
