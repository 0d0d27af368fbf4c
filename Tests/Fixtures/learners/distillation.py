"""Writes distillation.json: the loss of BRED eq. 8 with targets by eq. 9, and the mixture itself
(algorithm sheet 1.4, 1.5). Run by generate.sh."""

from problem import *


def case(seed, hidden, count):
    random = Random(seed)
    members = [policy_parameters(random, hidden) for _ in range(count)]
    student = trainable(policy_parameters(random, hidden))
    observations = random.normal(BATCH, OBSERVATION)
    epsilon = random.normal(BATCH, ACTION)
    mean, log_std = mixture_heads(members, observations)
    own_mean, own_log_std = policy_heads(student, observations)
    loss = (
        ((own_mean - mean) ** 2).sum(-1) + ((own_log_std.exp() - log_std.exp()) ** 2).sum(-1)
    ).mean()
    actions, log_prob = draw((mean, log_std), epsilon)
    return {
        "inputs": {
            "members": members, "student": student, "observations": observations,
            "noise": epsilon},
        "mixtureMean": mean,
        "mixtureLogStd": log_std,
        "mixtureActions": actions,
        "mixtureLogProb": log_prob,
        "loss": loss,
        "gradient": gradients(loss, student),
    }


write("distillation", {
    "three": case(31, [8, 8], 3), "one": case(32, [8, 8], 1), "five": case(33, [7, 6, 5], 5)})
