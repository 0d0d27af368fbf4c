"""Writes sac.json: losses and gradients of SAC and of its ensemble form (algorithm sheet 2, 4.3,
4.4, and 1.4 for the live mixture). Run by generate.sh.

In "mixture" the gradient of the policy's loss reaches all three policies.
"""

from losses import *


def case(seed, hidden, pairs=1, policies=1, entropy_backup=True):
    random = Random(seed)
    agent = make_agent(random, hidden, pairs, policies)
    b, n = batch(random), noise(random)
    losses = sac_losses(agent, b, n, entropy_backup)
    del n["uniformActions"], n["currentSampleNoise"], n["nextSampleNoise"]
    return {
        "inputs": {"agent": agent, "batch": b, "noise": n},
        "losses": losses,
        "gradients": all_gradients(agent, losses),
    }


write("sac", {
    "sac": case(11, [8, 8]),
    "threeLayers": case(12, [7, 6, 5]),
    "deterministic": case(13, [8, 8], entropy_backup=False),
    "ensemble": case(14, [8, 8], pairs=3),
    "mixture": case(15, [8, 8], pairs=3, policies=3),
})
