"""Writes updates.json: parameters after three whole updates of SAC, its ensemble form and CQL
(algorithm sheet 2, 3.5, 4). Run by generate.sh.

Each update: all losses from the old parameters; then temperature, policy and critics take one Adam
step (3e-4, PyTorch's own Adam); then targets <- (1 - tau) targets + tau critics. Every update has
its own minibatch and noise.
"""

from losses import *

UPDATES = 3


def case(seed, hidden, pairs, losses_of, policies=1):
    random = Random(seed)
    agent = make_agent(random, hidden, pairs, policies)
    start = plain(agent, 9)
    steps = [{"batch": batch(random), "noise": noise(random)} for _ in range(UPDATES)]
    critics = [q for twins in agent["critics"] for q in twins]
    groups = agent["policy"] + critics
    optimizers = [torch.optim.Adam(list(p.values()), lr=RATE) for p in groups]
    temperature_optimizer = torch.optim.Adam([agent["logAlpha"]], lr=RATE)
    for step in steps:
        losses = losses_of(agent, step["batch"], step["noise"])
        found = all_gradients(agent, losses)
        flat = found["policy"] + [g for pair in found["critics"] for g in pair]
        for parameters, gradient in zip(groups, flat):
            for name, tensor in parameters.items():
                tensor.grad = gradient[name]
                small = gradient[name].abs()
                small = small[small > 0]
                # Adam turns noise around zero into whole steps; single precision would differ.
                assert small.numel() == 0 or small.min() > 2e-6, "choose another seed"
        agent["logAlpha"].grad = found["logAlpha"]
        for optimizer in [temperature_optimizer] + optimizers:
            optimizer.step()
        with torch.no_grad():
            for twins, targets in zip(agent["critics"], agent["targets"]):
                for q, target in zip(twins, targets):
                    for name in target:
                        target[name] = (1 - TAU) * target[name] + TAU * q[name]
    final = plain(agent)
    del final["logMultiplier"], start["logMultiplier"]
    return {"inputs": {"agent": start, "steps": steps}, "final": final}


def first_good(seed, *arguments, **options):
    while True:
        try:
            return case(seed, *arguments, **options)
        except AssertionError:
            seed += 100


write("updates", {
    "sac": first_good(41, [8, 8], 1, sac_losses),
    "ensemble": first_good(42, [8, 8], 3, sac_losses),
    "cql": first_good(43, [8, 8], 1, cql_losses),
    "cqlThreeLayers": first_good(44, [7, 6, 5], 1, cql_losses),
})
