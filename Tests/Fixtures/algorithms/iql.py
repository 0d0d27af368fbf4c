"""Writes iql.json: IQL (algorithm sheet 12). Compare ikostrikov/implicit_q_learning: learner.py (order of
the steps), critic.py (V and Q), actor.py, policy.py (tanh mean, one log sigma in [-5, 2]). Weights are at most 1.5
here, so that some reach the bound."""

from reference import *

STEPS = 1_000_000


def make(random):
    agent = (
        Agent()
        .add("actor", [network(random, OBSERVATION, ACTION)])
        .add("actor-log-std", [[random.uniform(ACTION, low=-0.9, high=-0.1)]])
        .add("critic", [network(random, OBSERVATION + ACTION, 1) for _ in range(2)], targets=random)
        .add("value", [network(random, OBSERVATION, 1)]))
    return agent, lambda r: (r.batch(), {})


def update(agent, b, n, count):
    s, s2, a = b["observations"], b["nextObservations"], b["actions"]
    r, mask = b["rewards"].unsqueeze(-1), b["masks"].unsqueeze(-1)
    q = values(agent.targets["critic"], s, a).min(-1, keepdim=True).values
    u = q - values(agent["value"], s)
    v_loss = (torch.where(u < 0, 1 - 0.7, 0.7) * u**2).mean()
    agent.minimize({"value": v_loss})
    with torch.no_grad():
        advantage = q - values(agent["value"], s)
        raw = (3.0 * advantage).exp()
        assert count > 0 or raw.max() > 1.5 > raw.min(), "some weights should reach their bound"
        weight = torch.clamp(raw, max=1.5)
    mean = torch.tanh(forward(agent["actor"][0], s))
    log_std = torch.clamp(agent["actor-log-std"][0][0], -5.0, 2.0)
    loss = -(weight * gaussian_density(a, mean, log_std)).mean()
    for part in ("actor", "actor-log-std"):
        for group in agent.optimizers[part].param_groups:
            group["lr"] = 3e-4 * 0.5 * (1 + math.cos(math.pi * count / STEPS))
    agent.minimize({("actor", "actor-log-std"): loss})
    with torch.no_grad():
        y = r + DISCOUNT * mask * values(agent["value"], s2)
    q_loss = ((values(agent["critic"], s, a) - y) ** 2).mean(0).sum()
    agent.minimize({"critic": q_loss})
    return {
        "value_loss": v_loss, "policy_loss": loss, "critic_loss": q_loss / 2,
        "advantage": advantage.mean(), "policy_weight": weight.mean()}


write("iql", {"iql": case(make, update)})
