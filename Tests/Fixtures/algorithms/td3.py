"""Writes td3.json: TD3 and TD3+BC (algorithm sheet 6.3 and 12). Compare sfujim/TD3's TD3.py and
sfujim/TD3_BC's TD3_BC.py, whose first policy update is the second update, ours the first."""

from reference import *


def make(random):
    agent = (
        Agent()
        .add("actor", [network(random, OBSERVATION, ACTION)], targets=random)
        .add("critic", [network(random, OBSERVATION + ACTION, 1) for _ in range(2)], targets=random))
    return agent, lambda r: (r.batch(), {"smoothing": r.normal(BATCH, ACTION, scale=2.0)})


def critic_step(agent, b, n, moves, next_action=None):
    s2 = b["nextObservations"]
    r, mask = b["rewards"].unsqueeze(-1), b["masks"].unsqueeze(-1)
    with torch.no_grad():
        noise = torch.clamp(0.2 * n["smoothing"], -0.5, 0.5)
        assert (noise.abs() == 0.5).any(), "the noise should reach its bound"
        if next_action is None:
            next_action = torch.tanh(forward(agent.targets["actor"][0], s2))
        action = torch.clamp(next_action + noise, -1, 1)
        assert (action.abs() == 1).any(), "an action should reach its bound"
        y = r + DISCOUNT * mask * values(
            agent.targets["critic"], s2, action).min(-1, keepdim=True).values
    loss = ((values(agent["critic"], b["observations"], b["actions"]) - y) ** 2).mean(0).sum()
    agent.minimize({"critic": loss}, follow=moves)
    return {"critic_loss": loss / 2, "target_q_mean": y.mean()}


def update(value_weight):
    def run(agent, b, n, count):
        moves = count % 2 == 0
        losses = critic_step(agent, b, n, moves)
        if not moves:
            return losses
        s = b["observations"]
        action = torch.tanh(forward(agent["actor"][0], s))
        q = forward(agent["critic"][0], s, action)
        if value_weight is None:
            loss = -q.mean()
        else:
            imitation = ((action - b["actions"]) ** 2).mean()
            loss = -value_weight / q.abs().mean().detach() * q.mean() + imitation
            losses["imitation_error"] = imitation
        agent.minimize({"actor": loss})
        return losses | {"policy_loss": loss}
    return run


if __name__ == "__main__":
    write("td3", {"td3": case(make, update(None)), "td3-bc": case(make, update(2.5), seed=1)})
