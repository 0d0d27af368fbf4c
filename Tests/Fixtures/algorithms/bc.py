"""Writes bc.json: behaviour cloning with a tanh-Gaussian policy. Compare CORL's any_percent_bc.py,
which clones by squared error instead."""

from reference import *


def make(random):
    agent = Agent().add("actor", [network(random, OBSERVATION, 2 * ACTION, shift=[0.0, 0, -0.7, -0.7])])
    return agent, lambda r: (r.batch(), {"entropy": r.normal(BATCH, ACTION)})


def update(agent, b, n, count):
    head = forward(agent["actor"][0], b["observations"])
    loss = -squashed_density_of(head, b["actions"]).mean()
    entropy = -squashed(head, n["entropy"])[1].mean()
    agent.minimize({"actor": loss})
    return {"policy_loss": loss, "entropy": entropy}


write("bc", {"bc": case(make, update)})
