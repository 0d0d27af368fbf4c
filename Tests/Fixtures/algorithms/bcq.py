"""Writes bcq.json: BCQ (algorithm sheet 6.2). Compare sfujim/BCQ's continuous_BCQ/BCQ.py (train)."""

from autoencoder import *

CANDIDATES = 3


def make(random):
    agent = (
        add_autoencoder(Agent(), random, 1e-3)
        .add("perturbation", [network(random, OBSERVATION + ACTION, ACTION)], rate=1e-3,
             targets=random)
        .add("critic", [network(random, OBSERVATION + ACTION, 1) for _ in range(2)], rate=1e-3,
             targets=random))
    return agent, lambda r: (r.batch(), {
        "reconstruction": r.normal(BATCH, LATENT), "next": r.normal(BATCH * CANDIDATES, LATENT),
        "current": r.normal(BATCH, LATENT)})


def perturbed(member, s, a):
    return torch.clamp(a + 0.05 * torch.tanh(forward(member, s, a)), -1, 1)


def update(agent, b, n, count):
    s, s2, a = b["observations"], b["nextObservations"], b["actions"]
    r, mask = b["rewards"].unsqueeze(-1), b["masks"].unsqueeze(-1)
    vae_loss = misfit(agent, s, a, n["reconstruction"]).mean()
    agent.minimize({("encoder", "decoder"): vae_loss})
    with torch.no_grad():
        states = s2.repeat_interleave(CANDIDATES, 0)
        decoded = decode(agent, states, torch.clamp(n["next"], -0.5, 0.5))
        q = values(
            agent.targets["critic"], states, perturbed(agent.targets["perturbation"][0], states, decoded))
        mixed = 0.75 * q.min(-1).values + 0.25 * q.max(-1).values
        y = r + DISCOUNT * mask * mixed.reshape(BATCH, -1).max(1, keepdim=True).values
    q = values(agent["critic"], s, a)
    q_loss = ((q - y) ** 2).mean(0).sum()
    agent.minimize({"critic": q_loss})
    with torch.no_grad():
        shown = decode(agent, s, torch.clamp(n["current"], -0.5, 0.5))
    loss = -forward(agent["critic"][0], s, perturbed(agent["perturbation"][0], s, shown)).mean()
    agent.minimize({"perturbation": loss})
    return {
        "autoencoder_loss": vae_loss, "critic_loss": q_loss / 2, "policy_loss": loss,
        "q_mean": q.mean(), "target_q_mean": y.mean()}


write("bcq", {"bcq": case(make, update)})
