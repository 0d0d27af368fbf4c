"""Writes off2on.json: Off2On's density ratio beside ensemble SAC (algorithm sheet 8). Compare
shlee94/Off2OnRL's rlkit/torch/sac/ensemble.py. SAC itself is compared in Tests/Fixtures/learners."""

from reference import *

T = 5.0


def make(random):
    agent = (
        Agent()
        .add("actor", [network(random, OBSERVATION, 2 * ACTION, shift=[0.0, 0, -0.7, -0.7])])
        .add("critic", [network(random, OBSERVATION + ACTION, 1) for _ in range(4)], targets=random)
        .add("temperature", [[single([-0.7])]])
        .add("ratio", [network(random, OBSERVATION + ACTION, 1)]))
    return agent, lambda r: (r.batch(online=single([1, 0, 0, 1, 0, 0])), {
        "current": r.normal(BATCH, ACTION), "next": r.normal(BATCH, ACTION)})


def pairs(members, s, a):
    return values(members, s, a).reshape(BATCH, 2, 2).min(-1).values


def update(agent, b, n, count):
    s, s2, a = b["observations"], b["nextObservations"], b["actions"]
    r, mask = b["rewards"].unsqueeze(-1), b["masks"].unsqueeze(-1)
    alpha = agent["temperature"][0][0].exp().detach()
    now, log_prob = squashed(forward(agent["actor"][0], s), n["current"])
    with torch.no_grad():
        following, density = squashed(forward(agent["actor"][0], s2), n["next"])
        y = r + DISCOUNT * mask * (pairs(agent.targets["critic"], s2, following) - alpha * density)
    td = ((values(agent["critic"], s, a).reshape(BATCH, 2, 2) - y.unsqueeze(-1)) ** 2).mean(0).sum()
    policy = (alpha * log_prob - pairs(agent["critic"], s, now).mean(-1, keepdim=True)).mean()
    temperature = -(agent["temperature"][0][0] * (log_prob.detach() - ACTION)).mean()
    agent.gradient({"critic": td, "actor": policy, "temperature": temperature})
    agent.apply(["actor", "critic", "temperature"])

    online = b["online"] > 0
    w = torch.relu(forward(agent["ratio"][0], s, a).squeeze(-1) + 1.0)
    w_on, w_off = w[online], w[~online]
    assert (w == 0).sum() in (1, 2), "some ratios should be zero"
    bound = (-torch.log(2 / (w_off + 1) + 1e-10).mean()
             - torch.log(2 * w_on / (w_on + 1) + 1e-10).mean())
    with torch.no_grad():
        priorities = w ** (1 / T) / ((w_off ** (1 / T)).mean() + 1e-10)
        priorities = torch.clamp(priorities, 1e-3, 1e3)
    agent.minimize({"ratio": bound})
    return {
        "critic_loss": td / 4, "policy_loss": policy, "temperature_loss": temperature,
        "ratio_loss": bound, "ratio_online": w_on.mean(), "ratio_offline": w_off.mean(),
        "priority": priorities.mean(), "priorities": priorities}


write("off2on", {"off2on": case(make, update)})
