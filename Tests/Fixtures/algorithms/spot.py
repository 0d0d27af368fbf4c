"""Writes spot.json: SPOT (algorithm sheet 12): one update of the autoencoder, then of TD3 with the support
term, both with dropout of the policy's hidden units. Compare thuml/SPOT's SPOT.py (train, train_online) and vae.py (elbo_loss). In "online" two updates
of ten have cooled lambda when the last one moves the policy."""

from autoencoder import *
from td3 import critic_step


def make(random):
    agent = (
        add_autoencoder(Agent(), random, 1e-3)
        .add("actor", [network(random, OBSERVATION, ACTION)], targets=random)
        .add("critic", [network(random, OBSERVATION + ACTION, 1) for _ in range(2)], targets=random))
    return agent, lambda r: (r.batch(), {
        "reconstruction": r.normal(BATCH, LATENT), "smoothing": r.normal(BATCH, ACTION, scale=2.0),
        "dropout": r.uniform(BATCH, sum(HIDDEN), low=0.0),
        "target-dropout": r.uniform(BATCH, sum(HIDDEN), low=0.0)})


class Dropping:
    """torch.nn.Dropout in front of each ReLU, with given uniform numbers in place of its own."""

    def __init__(self, uniform, rate):
        self.uniform, self.rate, self.start = uniform, rate, 0

    def __call__(self, x):
        uniform = self.uniform[:, self.start:self.start + x.shape[-1]]
        self.start += x.shape[-1]
        kept = (uniform >= self.rate).to(x.dtype)
        assert 0 < kept.mean() < 1, "some units should be left out"
        return x * kept / (1 - self.rate)


def policy(tensors, s, uniform):
    drop = Dropping(uniform, 0.25)
    for i in range(0, len(tensors) - 2, 2):
        s = torch.relu(drop(s @ tensors[i].T + tensors[i + 1]))
    return torch.tanh(s @ tensors[-2].T + tensors[-1])


def update(online):
    def run(agent, b, n, count):
        s = b["observations"]
        if not online and count == 0:
            loss = misfit(agent, s, b["actions"], n["reconstruction"]).mean()
            agent.minimize({("encoder", "decoder"): loss})
            return {"vae_loss": loss}
        moves = count % 2 == 0
        next_action = policy(agent.targets["actor"][0], b["nextObservations"], n["target-dropout"])
        losses = critic_step(agent, b, n, moves, next_action.detach())
        if not moves:
            return losses
        weight = 0.1 * max(0.2, 1 - count / 10) if online else 0.1
        action = policy(agent["actor"][0], s, n["dropout"])
        q = forward(agent["critic"][0], s, action)
        distance = misfit(agent, s, action, n["reconstruction"]).mean()
        loss = -q.mean() / q.abs().mean().detach() + weight * distance
        agent.minimize({"actor": loss})
        return losses | {"policy_loss": loss, "misfit": distance, "support_weight": weight}
    return run


write("spot", {"offline": case(make, update(False), updates=5), "online": case(make, update(True), seed=5)})
