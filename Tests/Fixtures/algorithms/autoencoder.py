"""The autoencoder of BCQ and SPOT. Compare sfujim/BCQ's continuous_BCQ/BCQ.py (VAE) and thuml/SPOT's
vae.py (elbo_loss)."""

from reference import *

LATENT = 2 * ACTION


def add_autoencoder(agent, random, rate, width=9):
    return (
        agent
        .add("encoder", [network(
            random, OBSERVATION + ACTION, 2 * LATENT, hidden=[width, width])], rate=rate)
        .add("decoder", [network(
            random, OBSERVATION + LATENT, ACTION, hidden=[width, width])], rate=rate))


def decode(agent, s, z):
    return torch.tanh(forward(agent["decoder"][0], s, z))


def misfit(agent, s, a, epsilon):
    """[rows]: squared error and half the divergence, each a mean over dimensions."""
    mean, log_std = forward(agent["encoder"][0], s, a).chunk(2, -1)
    std = torch.clamp(log_std, -4, 15).exp()
    error = ((decode(agent, s, mean + std * epsilon) - a) ** 2).mean(-1)
    divergence = -0.5 * (1 + torch.log(std**2) - mean**2 - std**2).mean(-1)
    return error + 0.5 * divergence
