"""Writes operations.json: every operation of the tape by itself, under the name that it has in
Tests/AutodiffTests/Cases*.swift. Run by generate.sh.

Results per case: outputs, and gradients of the mean over rows of sum(outputs * weights), towards the
arguments and towards all parameters.
"""

import zlib

from cases import *

F = torch.nn.functional
CASES = {}


class Numbers:
    def __init__(self, columns, low=-1.5, high=1.5, multiple=1):
        self.columns, self.low, self.high, self.multiple = columns, low, high, multiple

    def draw(self, random):
        return random.uniform(self.low, self.high, self.multiple * ROWS, self.columns)


class Trial:
    pass


def case(name, f, arguments=(), constants=(), stacks=(), vectors=(), noise=None):
    """f takes a trial (x: arguments, c: constants, ...) and returns a list of outputs."""
    random = Random(zlib.crc32(name.encode()))
    t = Trial()
    t.x = [n.draw(random).requires_grad_(True) for n in arguments]
    t.c = [n.draw(random) for n in constants]
    t.stacks = list(stacks)
    for stack in t.stacks:
        stack.draw(random)
    t.vectors = [n.draw(random)[0].clone().requires_grad_(True) for n in vectors]
    t.noise = random.normal(noise[0] * ROWS, noise[1]) if noise else None
    outputs = f(t)
    weights = [random.uniform(-1, 1, *o.shape) for o in outputs]
    loss = sum((o * w).sum() / o.shape[0] for o, w in zip(outputs, weights))
    leaves = t.x + [s.values for s in t.stacks] + t.vectors
    found = [None] * len(leaves)
    if loss.requires_grad:
        found = torch.autograd.grad(loss, leaves, allow_unused=True)
    found = [torch.zeros_like(l) if g is None else g for l, g in zip(leaves, found)]
    cut = [len(t.x), len(t.x) + len(t.stacks)]
    for stack, g in zip(t.stacks, found[cut[0] : cut[1]]):
        if not stack.trained:
            g.zero_()
    result = {
        "arguments": t.x, "constants": t.c,
        "stacks": [s.values for s in t.stacks],
        "targets": [s.targets if s.has_targets else [] for s in t.stacks],
        "vectors": t.vectors, "weights": weights, "outputs": outputs,
        "gradients": {
            "arguments": found[: cut[0]], "stacks": found[cut[0] : cut[1]],
            "vectors": found[cut[1] :]},
    }
    if t.noise is not None:
        result["noise"] = t.noise
    assert name not in CASES
    CASES[name] = result


# Arithmetic


def alike(x, y):
    """Where the columns differ, each of the fewer stands for a group of neighbours of the more."""
    width = max(x.shape[1], y.shape[1])
    return [v.repeat_interleave(width // v.shape[1], 1) for v in (x, y)]


BINARY = {
    "sum": lambda x, y: x + y,
    "difference": lambda x, y: x - y,
    "product": lambda x, y: x * y,
    "quotient": lambda x, y: x / y,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "squaredError": lambda x, y: (x - y) ** 2,
}
for name, f in BINARY.items():
    second = (0.5, 2) if name == "quotient" else (-1.5, 1.5)
    for kind, (a, b) in {"alike": (3, 3), "firstFewer": (2, 6), "secondFewer": (6, 2)}.items():
        case(f"{name}.{kind}", lambda t: [f(*alike(*t.x))], [Numbers(a), Numbers(b, *second)])
case("product.withItself", lambda t: [t.x[0] * t.x[0]], [Numbers(3)])
case("quotient.ofConstant", lambda t: [t.c[0] / t.x[0]], [Numbers(3, 0.5, 2)], [Numbers(3)])
case("squaredError.ofConstant", lambda t: [(t.x[0] - alike(t.x[0], t.c[0])[1]) ** 2],
     [Numbers(4)], [Numbers(2)])
case("numbers", lambda t: [2.5 * t.x[0], t.x[0] * 2.5, t.x[0] / 1.6, t.x[0] + 0.7, 0.7 + t.x[0],
                           t.x[0] - 0.7, 0.7 - t.x[0], -t.x[0]], [Numbers(3)])

# Functions of each element

positive = Numbers(3, 0.3, 3)


def expectile(u, tau):
    return torch.where(u < 0, 1 - tau, tau) * u**2


UNARY = {
    "squared": lambda x: x**2,
    "absoluteValue": torch.abs,
    "exponential": torch.exp,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": F.softplus,
    "relu": torch.relu,
    "clamped": lambda x: torch.clamp(x, -1, 0.75),
    "expectile": lambda x: expectile(x, float(np.float32(0.7))),
    "huber": lambda x: F.huber_loss(x, torch.zeros_like(x), reduction="none", delta=0.5),
}
for name, f in UNARY.items():
    case(name, lambda t: [f(t.x[0])], [Numbers(3, -3, 3)])
case("squareRoot", lambda t: [t.x[0].sqrt()], [positive])
case("logarithm", lambda t: [t.x[0].log()], [positive])

# Columns


def groups(x, size):
    return x.reshape(x.shape[0], -1, size)


COLUMNS = {
    "minimum.ofAll": lambda x: x.min(1, keepdim=True).values,
    "minimum.ofGroups": lambda x: groups(x, 2).min(2).values,
    "maximum.ofAll": lambda x: x.max(1, keepdim=True).values,
    "maximum.ofGroups": lambda x: groups(x, 3).max(2).values,
    "mean": lambda x: x.mean(1, keepdim=True),
    "sum.ofRow": lambda x: x.sum(1, keepdim=True),
    "sumOfGroups": lambda x: groups(x, 2).sum(1),
    "logSumExp": lambda x: torch.logsumexp(x, 1, keepdim=True),
    "normalized": lambda x: F.normalize(groups(x, 2), dim=2).reshape(x.shape),
    "columns": lambda x: x[:, 1:4],
    "column": lambda x: x[:, 5:],
    "repeated": lambda x: x.repeat_interleave(3, 0),
}
for name, f in COLUMNS.items():
    case(name, lambda t: [f(t.x[0])], [Numbers(6)])
case("joined", lambda t: [torch.cat(t.x, 1)], [Numbers(2), Numbers(3)])
case("joined.withConstant", lambda t: [torch.cat([t.c[0], t.x[0]], 1)], [Numbers(2)], [Numbers(3)])
case("gatheringRows", lambda t: [t.x[0].reshape(ROWS, -1)], [Numbers(3, multiple=2)])


def chosen(t):
    choice = torch.where(t.c[0] > 0, 1.0, 0.0)
    return [choice * t.x[0] + (1 - choice) * t.x[1]]


case("chosen", chosen, [Numbers(3), Numbers(3)], [Numbers(3)])
case("chosen.byRow", chosen, [Numbers(3), Numbers(3)], [Numbers(1)])

# Numbers of the whole minibatch, through which nothing goes backward


def number(x):
    return x.detach().reshape(1, 1)


case("batchMean", lambda t: [number(t.x[0].mean())], [Numbers(3)])
case("batchMeanOfMagnitudes", lambda t: [number(t.x[0].abs().mean())], [Numbers(3)])
case("meanRowVariance", lambda t: [number(t.x[0].var(1, unbiased=True).mean())], [Numbers(4)])
case("batchWeights", lambda t: [ROWS * torch.softmax(t.x[0].detach() / 0.5, 0)], [Numbers(1)])


def categorical(t):
    cumulated = torch.softmax(t.x[0].detach(), 1).cumsum(1)
    choice = (t.c[0] >= cumulated[:, :-1]).sum(1)
    assert len(choice.unique()) > 1
    return [F.one_hot(choice, t.x[0].shape[1]).to(torch.float64)]


case("categorical", categorical, [Numbers(3)], [Numbers(1, 0, 1)])

# Networks

TWO = [Numbers(3), Numbers(2)]


def network(name, stack, call=None, arguments=TWO, constants=(), noise=None):
    case(f"network.{name}", lambda t: [(call or (lambda t: t.stacks[0](*t.x)))(t)], arguments,
         constants, [stack], noise=noise)


network("oneInput", Stack(3, [6], 1), arguments=[Numbers(3)])
network("twoInputs", Stack(5, [6, 5], 1, members=3))
network("severalOutputs", Stack(5, [6, 5], 3, members=3))
network("threeLayers", Stack(5, [7, 6, 5], 1, members=2))
network("wide", Stack(5, [33, 17], 1, members=2))
network("wideSeveralOutputs", Stack(5, [33, 17], 2))
network("layerNorm", Stack(5, [6, 5], 1, members=2, norm=True))
network("layerNormSeveralOutputs", Stack(5, [6, 5, 4], 2, members=2, norm=True))
network("sevenMembers", Stack(5, [4], 1, members=7))
network("constantInputs", Stack(5, [6, 5], 1, members=3), lambda t: t.stacks[0](*t.c), [], TWO)
network("firstRecorded", Stack(5, [6, 5], 1, members=3), lambda t: t.stacks[0](t.x[0], t.c[0]),
        [Numbers(3)], [Numbers(2)])
network("secondRecorded", Stack(5, [6, 5], 1, members=3), lambda t: t.stacks[0](t.c[0], t.x[0]),
        [Numbers(2)], [Numbers(3)])
network("secondRecordedSeveralOutputs", Stack(5, [6, 5], 2, members=2),
        lambda t: t.stacks[0](t.c[0], t.x[0]), [Numbers(2)], [Numbers(3)])
network("frozen", Stack(5, [6, 5], 1, members=3, trained=False))
network("frozenLayerNorm", Stack(5, [6, 5], 2, members=2, norm=True, trained=False))
network("target", Stack(5, [6, 5], 1, members=3, targets=True),
        lambda t: t.stacks[0](*t.x, target=True))
network("subset", Stack(5, [6, 5], 1, members=3), lambda t: t.stacks[0](*t.x, only=[2, 0]))
network("subsetSeveralOutputs", Stack(5, [6, 5], 2, members=3),
        lambda t: t.stacks[0](*t.x, only=[2, 0]))
network("subsetOfTargets", Stack(5, [6, 5], 1, members=3, targets=True),
        lambda t: t.stacks[0](*t.x, target=True, only=[2, 1]))
for suffix, outputs, target in [("", 3, False), ("OneOutput", 1, False), ("Target", 3, True)]:
    network("dropout" + suffix, Stack(5, [6, 5], outputs, targets=target),
            lambda t: t.stacks[0](*t.x, target=target, drop=(0.3, t.noise)), noise=(1, 11))
for suffix, norm in [("", False), ("LayerNorm", True)]:
    network("twinMinimum" + suffix, Stack(5, [6, 5], 1, members=4, norm=norm),
            lambda t: groups(t.stacks[0](*t.x), 2).min(2).values)
case("network.chain",
     lambda t: [t.stacks[1](t.x[0], torch.tanh(t.stacks[0](t.x[0])))], [Numbers(3)], [],
     [Stack(3, [6], 2), Stack(5, [6, 5], 1, members=2)])
case("network.calledTwice", lambda t: [t.stacks[0](*t.x), t.stacks[0](t.c[0], t.x[1])], TWO,
     [Numbers(3)], [Stack(5, [6, 5], 1, members=2)])


def action_gradients(t):
    actions = t.c[1].clone().requires_grad_(True)
    q = t.stacks[0](t.c[0], actions)
    columns = [torch.autograd.grad(q[:, k].sum(), actions, create_graph=True)[0]
               for k in range(q.shape[1])]
    return torch.cat(columns, 1)


for name, hidden, members in [
    ("oneLayer", [6], 1), ("twoLayers", [6, 5], 3), ("threeLayers", [7, 6, 5], 2),
]:
    case(f"actionGradients.{name}", lambda t: [action_gradients(t)], [], TWO,
         [Stack(5, hidden, 1, members=members)])


def diversity(t):
    """EDAC's: the length of the sum of the directions."""
    direction = F.normalize(groups(action_gradients(t), 2), dim=2)
    return [(direction.sum(1) ** 2).sum(1, keepdim=True)]


case("actionGradients.diversity", diversity, [], TWO, [Stack(5, [6, 5], 1, members=3)])

# Parameters without a network

case("vector", lambda t: [t.vectors[0].expand(ROWS, 3) * t.x[0]], [Numbers(3)], [], [], [Numbers(3)])
case("positiveScalar", lambda t: [t.vectors[0].expand(ROWS, 1) * t.x[0]], [Numbers(1)], [], [],
     [Numbers(1)])

# Policies

LOW, HIGH = float(np.float32(-0.9)), float(np.float32(0.3))
CLIP = float(np.float32(0.999999))
HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def plain_density(z, mean, log_std):
    return -0.5 * ((z - mean) / log_std.exp()) ** 2 - log_std - HALF_LOG_TWO_PI


def log_density(z, mean, log_std):
    squash = 2 * (math.log(2) - z - F.softplus(-2 * z))
    return (plain_density(z, mean, log_std) - squash).sum(1, keepdim=True)


class Squashed:
    def __init__(self, head):
        size = head.shape[1] // 2
        self.mean, self.log_std = head[:, :size], torch.clamp(head[:, size:], LOW, HIGH)

    def repeated(self, count):
        copy = object.__new__(type(self))
        copy.mean = self.mean.detach().repeat_interleave(count, 0)
        copy.log_std = self.log_std.detach().repeat_interleave(count, 0)
        return copy

    def sample(self, noise):
        z = self.mean + self.log_std.exp() * noise
        return [torch.tanh(z), log_density(z, self.mean, self.log_std)]

    def log_prob(self, actions):
        return log_density(torch.atanh(torch.clamp(actions, -CLIP, CLIP)), self.mean, self.log_std)

    def mode(self):
        return torch.tanh(self.mean)


class Plain(Squashed):
    def __init__(self, mean, log_std):
        self.mean, self.log_std = mean, log_std.expand(mean.shape)

    def sample(self, noise):
        z = self.mean + self.log_std.exp() * noise
        return [z, self.log_prob(z)]

    def log_prob(self, actions):
        return plain_density(actions, self.mean, self.log_std).sum(1, keepdim=True)

    def mode(self):
        return self.mean


def mixture(output, members):
    """Moments of the members' mixture before the squashing (BRED eq. 9)."""
    head = output.reshape(output.shape[0], members, -1)
    size = head.shape[2] // 2
    means, deviations = head[:, :, :size], torch.clamp(head[:, :, size:], LOW, HIGH).exp()
    mean = means.mean(1)
    variance = (deviations**2 + means**2).mean(1) - mean**2
    return torch.cat([mean, 0.5 * variance.log()], 1)


HEADS = {
    "tanhGaussian": (lambda t, y: Squashed(y), 1, False),
    "policyMixture": (lambda t, y: Squashed(mixture(y, 3)), 3, False),
    "gaussian": (lambda t, y: Plain(y, torch.clamp(t.vectors[0], LOW, HIGH)), 1, True),
    "squashedMean": (lambda t, y: Plain(torch.tanh(y), torch.clamp(t.vectors[0], LOW, HIGH)), 1, True),
    "gaussianSigmoid": (
        lambda t, y: Plain(y, LOW + (HIGH - LOW) * torch.sigmoid(t.vectors[0])), 1, True),
}
for name, (head, members, free) in HEADS.items():
    def policy(suffix, f, constants=(), noise=None, targets=False, vectors=(Numbers(2, -0.8, 0.2),)):
        outputs = 2 if free else 4
        case(f"{name}.{suffix}", f, [Numbers(3)], constants,
             [Stack(3, [6, 5], outputs, members=members, targets=targets)],
             vectors if free else (), noise)

    def pi(t, **options):
        return head(t, t.stacks[0](t.x[0], **options))

    policy("sample", lambda t: pi(t).sample(t.noise), noise=(1, 2))
    policy("logProb", lambda t: [pi(t).log_prob(t.c[0])], [Numbers(2, -0.95, 0.95)])
    policy("mode", lambda t: [pi(t).mode()])
    policy("moments", lambda t: [pi(t).mean, pi(t).log_std])
    policy("samples", lambda t: [v.detach() for v in pi(t).repeated(3).sample(t.noise)],
           noise=(3, 2))

    def target(t):
        if free:
            t.vectors = [t.vectors[0]]
            kept, t.vectors = t.vectors, [t.vectors[0].detach()]
        result = pi(t, target=True).sample(t.noise)
        if free:
            t.vectors = kept
        return result

    policy("target", target, noise=(1, 2), targets=True)
case("gaussian.logProbOfRecorded",
     lambda t: [Plain(t.stacks[0](t.x[0]), torch.clamp(t.vectors[0], LOW, HIGH)).log_prob(t.x[1])],
     TWO, [], [Stack(3, [6, 5], 2)], [Numbers(2, -0.8, 0.2)])
case("deterministic.mode", lambda t: [torch.tanh(t.stacks[0](t.x[0]))], [Numbers(3)], [],
     [Stack(3, [6, 5], 2)])
case("mixture", lambda t: [mixture(t.x[0], 3)], [Numbers(12)])

write("operations", CASES)
