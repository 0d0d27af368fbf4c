"""Writes edac.json: EDAC and SAC-N (algorithm sheet 12). Compare snu-mllab/EDAC's
lifelong_rl/trainers/q_learning/sac.py, in which the temperature steps first and its new value is used."""

from reference import *

MEMBERS = 4


def make(random):
    agent = (
        Agent()
        .add("actor", [network(random, OBSERVATION, 2 * ACTION, shift=[0.0, 0, -5.0, -0.7])])
        .add("critic", [network(random, OBSERVATION + ACTION, 1) for _ in range(MEMBERS)],
             targets=random)
        .add("temperature", [[single([-0.7])]]))
    return agent, lambda r: (
        r.batch(), {"current": r.normal(BATCH, ACTION), "next": r.normal(BATCH, ACTION)})


def diversity(agent, s, a):
    a = a.clone().requires_grad_(True)
    gradients = []
    for member in agent["critic"]:
        (g,) = torch.autograd.grad(forward(member, s, a).sum(), a, create_graph=True)
        gradients.append(g / (g.norm(dim=-1, keepdim=True) + 1e-10))
    g = torch.stack(gradients, 1)
    products = torch.einsum("bik,bjk->bij", g, g) * (1 - torch.eye(MEMBERS))
    return products.sum((1, 2)).mean() / (MEMBERS - 1)


def update(eta):
    def run(agent, b, n, count):
        s, s2, a = b["observations"], b["nextObservations"], b["actions"]
        r, mask = b["rewards"].unsqueeze(-1), b["masks"].unsqueeze(-1)
        alpha = agent["temperature"][0][0].exp().detach()
        head = forward(agent["actor"][0], s)
        assert head[:, 2].min() < -5 < head[:, 2].max(), "some deviations should reach their bound"
        now, log_prob = squashed(head, n["current"], -5.0)
        with torch.no_grad():
            following, next_log_prob = squashed(forward(agent["actor"][0], s2), n["next"], -5.0)
            value = values(agent.targets["critic"], s2, following).min(-1, keepdim=True).values
            y = r + DISCOUNT * mask * (value - alpha * next_log_prob)
        q = values(agent["critic"], s, a)
        td = ((q - y) ** 2).mean(0).sum()
        spread = eta * diversity(agent, s, a) if eta else torch.zeros(())
        policy = (alpha * log_prob - values(agent["critic"], s, now).min(-1, keepdim=True).values).mean()
        temperature = -(agent["temperature"][0][0] * (log_prob.detach() - ACTION)).mean()
        agent.gradient({"critic": td + spread, "actor": policy, "temperature": temperature})
        agent.apply(["actor", "critic", "temperature"])
        return {
            "critic_loss": td / MEMBERS, "diversity_loss": spread, "policy_loss": policy,
            "temperature_loss": temperature, "q_mean": q.mean(),
            "q_variance": q.var(-1).mean(), "target_q_mean": y.mean()}
    return run


write("edac", {"edac": case(make, update(1.0)), "sac-n": case(make, update(0.0), seed=2)})
