"""Writes awac.json: AWAC with both weightings, and with draws clipped to the data's range (algorithm sheet 6.1). Compare rlkit's
rlkit/torch/sac/awac_trainer.py (softmax) and CORL's awac.py (exponential, at most 100; draws clipped)."""

from reference import *


def make(random, low=0.5, high=1.5):
    agent = (
        Agent()
        .add("actor", [network(random, OBSERVATION, ACTION, hidden=[8, 8])], decay=1e-4)
        .add("actor-log-std", [[random.uniform(ACTION, low=low, high=high)]], decay=1e-4)
        .add("critic", [network(random, OBSERVATION + ACTION, 1, hidden=[8, 8]) for _ in range(2)],
             targets=random))
    return agent, lambda r: (
        r.batch(), {"current": r.normal(BATCH, ACTION), "next": r.normal(BATCH, ACTION)})


def policy(agent, observations):
    mean = torch.tanh(forward(agent["actor"][0], observations))
    return mean, (-6 + 6 * torch.sigmoid(agent["actor-log-std"][0][0])).expand_as(mean)


def clip(draws):
    assert draws.abs().max() > 1, "some draws should reach their bound"
    return draws.clamp(-1, 1)


def update(weigh, judged=lambda draws: draws):
    def run(agent, b, n, count):
        s, s2, a = b["observations"], b["nextObservations"], b["actions"]
        r, mask = b["rewards"].unsqueeze(-1), b["masks"].unsqueeze(-1)
        with torch.no_grad():
            mean, log_std = policy(agent, s2)
            next_actions = mean + log_std.exp() * n["next"]
            target = values(agent.targets["critic"], s2, judged(next_actions)).min(-1, keepdim=True).values
            y = r + DISCOUNT * mask * target
        q_loss = ((values(agent["critic"], s, a) - y) ** 2).mean(0).sum()
        agent.minimize({"critic": q_loss})
        mean, log_std = policy(agent, s)
        with torch.no_grad():
            sampled = mean + log_std.exp() * n["current"]
            q = values(agent["critic"], s, a).min(-1, keepdim=True).values
            advantage = q - values(agent["critic"], s, judged(sampled)).min(-1, keepdim=True).values
            weight = weigh(advantage)
        loss = -(weight * gaussian_density(a, mean, log_std)).mean()
        agent.minimize({("actor", "actor-log-std"): loss})
        return {
            "critic_loss": q_loss / 2, "policy_loss": loss, "advantage": advantage.mean(),
            "q_mean": q.mean()}
    return run


def exponential(advantage):
    raw = (advantage / 0.1).exp()
    assert raw.max() > 100 > raw.min(), "some weights should reach their bound"
    return torch.clamp(raw, max=100.0)


def softmax(advantage):
    return BATCH * torch.softmax(advantage / 2.0, 0)


write("awac", {
    "softmax": case(make, update(softmax)),
    "exponential": case(make, update(exponential)),
    "clipped": case(lambda random: make(random, low=3, high=5), update(softmax, clip)),
})
