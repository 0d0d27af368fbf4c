"""Writes pex.json: PEX (algorithm sheet 12). Compare Haichao-Zhang/PEX's pex/algorithms/pex.py
(select_action, policy_update) and iql.py (update)."""

from reference import *


def make(random):
    def policy():
        return network(random, OBSERVATION, ACTION), random.uniform(ACTION, low=-0.9, high=-0.1)

    (old, old_std), (new, new_std) = policy(), policy()
    agent = (
        Agent()
        .add("offline-actor", [old]).add("offline-actor-log-std", [[old_std]])
        .add("actor", [new]).add("actor-log-std", [[new_std]])
        .add("critic", [network(random, OBSERVATION + ACTION, 1) for _ in range(2)], targets=random)
        .add("value", [network(random, OBSERVATION, 1)]))
    return agent, lambda r: (
        r.batch(), {"draw": r.normal(BATCH, ACTION), "choice": r.uniform(BATCH, low=0.0)})


def mean(member, s):
    return torch.tanh(forward(member, s))


def update(agent, b, n, count):
    s, s2, a = b["observations"], b["nextObservations"], b["actions"]
    r, mask = b["rewards"].unsqueeze(-1), b["masks"].unsqueeze(-1)
    with torch.no_grad():
        y = r + DISCOUNT * mask * values(agent["value"], s2)
        q = values(agent.targets["critic"], s, a).min(-1, keepdim=True).values
    u = q - values(agent["value"], s)
    v_loss = (torch.where(u > 0, 0.7, 1 - 0.7) * u**2).mean()
    agent.minimize({"value": v_loss})
    q_loss = ((values(agent["critic"], s, a) - y) ** 2).mean(0).sum()
    agent.minimize({"critic": q_loss})

    log_std = torch.clamp(agent["actor-log-std"][0][0], -5.0, 2.0)
    with torch.no_grad():
        first = mean(agent["offline-actor"][0], s)
        second = torch.clamp(mean(agent["actor"][0], s) + log_std.exp() * n["draw"], -1, 1)
        logits = 10.0 * torch.cat([
            values(agent["critic"], s, x).min(-1, keepdim=True).values for x in (first, second)], 1)
        shares = torch.softmax(logits, 1)[:, :1]
        assert (shares - n["choice"].unsqueeze(-1)).abs().min() > 1e-3
        takes_first = n["choice"].unsqueeze(-1) < shares
        assert 0 < takes_first.sum() < BATCH, "both policies should be chosen"
        actions = torch.where(takes_first, first, second)
        advantage = (values(agent.targets["critic"], s, actions).min(-1, keepdim=True).values
                     - values(agent["value"], s))
        raw = (10.0 * advantage).exp()
        assert count > 0 or raw.max() > 100 > raw.min(), "some weights should reach their bound"
        weight = torch.clamp(raw, max=100.0)
    loss = -(weight * gaussian_density(actions, mean(agent["actor"][0], s), log_std)).mean()
    agent.minimize({("actor", "actor-log-std"): loss})
    return {
        "value_loss": v_loss, "critic_loss": q_loss / 2, "policy_loss": loss,
        "advantage": advantage.mean(), "policy_weight": weight.mean(),
        "new_policy_share": 1 - takes_first.double().mean()}


write("pex", {"pex": case(make, update)})
