"""Writes rlpd.json: RLPD and WSRL's choice of settings (algorithm sheet 12). Compare ikostrikov/rlpd's
rlpd/agents/sac/sac_learner.py (update_critic, update_actor, update_temperature) and temperature.py; its
critic loss is the mean over critics, ours the sum, which Adam does not see."""

from reference import *

MEMBERS = 4


def make(policy_norm):
    def run(random):
        agent = (
            Agent()
            .add("actor", [network(
                random, OBSERVATION, 2 * ACTION, layer_norm=policy_norm,
                shift=[0.0, 0, -0.7, -0.7])], rate=1e-4 if policy_norm else 3e-4)
            .add("critic", [
                network(random, OBSERVATION + ACTION, 1, layer_norm=True) for _ in range(MEMBERS)],
                targets=random)
            .add("temperature", [[single([-0.7])]], rate=1e-4 if policy_norm else 3e-4))

        def inputs(r):
            subset = r.generator.permutation(MEMBERS)[:2]
            return r.batch(), {
                "current": r.normal(BATCH, ACTION), "next": r.normal(BATCH, ACTION),
                "subset": single(subset)}
        return agent, inputs
    return run


def update(policy_norm, entropy_backup, target_entropy):
    def run(agent, b, n, count):
        s, s2, a = b["observations"], b["nextObservations"], b["actions"]
        r, mask = b["rewards"].unsqueeze(-1), b["masks"].unsqueeze(-1)
        alpha = agent["temperature"][0][0].exp().detach()
        with torch.no_grad():
            following, density = squashed(
                forward(agent["actor"][0], s2, layer_norm=policy_norm), n["next"])
            subset = [agent.targets["critic"][int(i)] for i in n["subset"]]
            y = values(subset, s2, following, layer_norm=True).min(-1, keepdim=True).values
            if entropy_backup:
                y = y - alpha * density
            y = r + DISCOUNT * mask * y
        q = values(agent["critic"], s, a, layer_norm=True)
        td = ((q - y) ** 2).mean(0).sum()
        agent.minimize({"critic": td})
        losses = {"critic_loss": td / MEMBERS, "q_mean": q.mean(), "target_q_mean": y.mean()}
        if (count + 1) % 2 != 0:
            return losses
        now, log_prob = squashed(forward(agent["actor"][0], s, layer_norm=policy_norm), n["current"])
        policy = (alpha * log_prob
                  - values(agent["critic"], s, now, layer_norm=True).mean(-1, keepdim=True)).mean()
        agent.minimize({"actor": policy})
        temperature = agent["temperature"][0][0].exp() * (-log_prob.detach().mean() - target_entropy)
        agent.minimize({"temperature": temperature.sum()})
        return losses | {
            "policy_loss": policy, "temperature_loss": temperature, "entropy": -log_prob.mean()}
    return run


write("rlpd", {
    "rlpd": case(make(False), update(False, True, -ACTION / 2), updates=4),
    "wsrl": case(make(True), update(True, False, 0.0), updates=4, seed=4),
})
