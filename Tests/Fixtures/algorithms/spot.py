"""Writes spot.json: SPOT (algorithm sheet 12): one update of the autoencoder, then of TD3 with the support
term. Compare thuml/SPOT's SPOT.py (train, train_online) and vae.py (elbo_loss). In "online" two updates
of ten have cooled lambda when the last one moves the policy."""

from autoencoder import *
from td3 import critic_step


def make(random):
    agent = (
        add_autoencoder(Agent(), random, 1e-3)
        .add("actor", [network(random, OBSERVATION, ACTION)], targets=random)
        .add("critic", [network(random, OBSERVATION + ACTION, 1) for _ in range(2)], targets=random))
    return agent, lambda r: (r.batch(), {
        "reconstruction": r.normal(BATCH, LATENT), "smoothing": r.normal(BATCH, ACTION, scale=2.0)})


def update(online):
    def run(agent, b, n, count):
        s = b["observations"]
        if not online and count == 0:
            loss = misfit(agent, s, b["actions"], n["reconstruction"]).mean()
            agent.minimize({("encoder", "decoder"): loss})
            return {"vae_loss": loss}
        moves = count % 2 == 0
        losses = critic_step(agent, b, n, moves)
        if not moves:
            return losses
        weight = 0.1 * max(0.2, 1 - count / 10) if online else 0.1
        action = torch.tanh(forward(agent["actor"][0], s))
        q = forward(agent["critic"][0], s, action)
        distance = misfit(agent, s, action, n["reconstruction"]).mean()
        loss = -q.mean() / q.abs().mean().detach() + weight * distance
        agent.minimize({"actor": loss})
        return losses | {"policy_loss": loss, "misfit": distance, "support_weight": weight}
    return run


write("spot", {"offline": case(make, update(False), updates=5), "online": case(make, update(True), seed=5)})
