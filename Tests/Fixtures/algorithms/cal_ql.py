"""Writes cal-ql.json: Cal-QL with both regularisers (algorithm sheet 3 and 12). Compare
nakamotoo/Cal-QL's JaxCQL/conservative_sac.py (enable_calql: lower_bounds = mc_returns)."""

from reference import *

SAMPLES = 3


def make(random):
    agent = (
        Agent()
        .add("actor", [network(random, OBSERVATION, 2 * ACTION, shift=[0.0, 0, -0.7, -0.7])])
        .add("critic", [network(random, OBSERVATION + ACTION, 1) for _ in range(2)], targets=random)
        .add("temperature", [[single([-0.7])]]))

    def inputs(r):
        return r.batch(returnToGo=r.normal(BATCH, scale=0.7)), {
            "current": r.normal(BATCH, ACTION), "next": r.normal(BATCH, ACTION),
            "uniform": r.uniform(BATCH, SAMPLES, ACTION),
            "current-samples": r.normal(BATCH, SAMPLES, ACTION),
            "next-samples": r.normal(BATCH, SAMPLES, ACTION)}
    return agent, inputs


def update(corrected):
    def run(agent, b, n, count):
        s, s2, a = b["observations"], b["nextObservations"], b["actions"]
        r, mask = b["rewards"].unsqueeze(-1), b["masks"].unsqueeze(-1)
        alpha = agent["temperature"][0][0].exp().detach()
        head = forward(agent["actor"][0], s)
        now, log_prob = squashed(head, n["current"])

        def expand(x):
            return x.unsqueeze(1).expand(BATCH, SAMPLES, x.shape[-1])

        with torch.no_grad():
            next_head = forward(agent["actor"][0], s2)
            following, _ = squashed(next_head, n["next"])
            y = r + DISCOUNT * mask * values(
                agent.targets["critic"], s2, following).min(-1, keepdim=True).values
            current, current_density = squashed(expand(head), n["current-samples"])
            ahead, ahead_density = squashed(expand(next_head), n["next-samples"])
        floor = b["returnToGo"].reshape(BATCH, 1, 1)
        loss, td_total, gaps, floored = 0, 0, 0, 0
        for member in agent["critic"]:
            q = forward(member, s, a)
            td = ((q - y) ** 2).mean()
            uniform = forward(member, expand(s), n["uniform"])
            mine, theirs = forward(member, expand(s), current), forward(member, expand(s), ahead)
            share = (torch.cat([mine, theirs], 1) < floor).double().mean()
            assert 0.1 < share < 0.9, "the floor should win sometimes"
            mine, theirs = torch.maximum(mine, floor), torch.maximum(theirs, floor)
            if corrected:
                entries = torch.cat([
                    uniform + ACTION * math.log(2), mine - current_density,
                    theirs - ahead_density], 1)
            else:
                entries = torch.cat([uniform, q.unsqueeze(1), mine, theirs], 1)
            gap = (torch.logsumexp(entries, 1) - q).mean()
            loss, td_total, gaps = loss + td + 5.0 * gap, td_total + td, gaps + gap
            floored = floored + share
        policy = (alpha * log_prob - values(agent["critic"], s, now).min(-1, keepdim=True).values).mean()
        temperature = -(agent["temperature"][0][0] * (log_prob.detach() - ACTION)).mean()
        agent.gradient({"critic": loss, "actor": policy, "temperature": temperature})
        agent.apply(["actor", "critic", "temperature"])
        return {
            "critic_loss": loss / 2, "td_loss": td_total / 2, "conservative_gap": gaps / 2,
            "floored_share": floored / 2, "policy_loss": policy, "temperature_loss": temperature}
    return run


write("cal-ql", {"corrected": case(make, update(True)), "plain": case(make, update(False), seed=3)})
