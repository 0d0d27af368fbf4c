"""Writes policy.json: the tanh-Gaussian policy (algorithm sheet 1.3). Run by generate.sh.

Results per case: sampled action, its log-density, log-density of given actions (clipped to
+-0.999999, some of them beyond), and gradients of the means of both log-densities.
"""

from problem import *


def case(seed, hidden, shift):
    random = Random(seed)
    parameters = trainable(policy_parameters(random, hidden, shift))
    observations = random.normal(BATCH, OBSERVATION)
    epsilon = random.normal(BATCH, ACTION)
    given = random.uniform(BATCH, ACTION)
    given[0, 0], given[1, 1], given[2, 0] = 1.0, -1.0, float(np.float32(0.9999995))
    heads = policy_heads(parameters, observations)
    actions, log_prob = draw(heads, epsilon)
    given_log_prob = log_density_of(heads, given)
    raw = hidden_layers(parameters, observations) @ parameters["last_fc_log_std.weight"].T
    raw = raw + parameters["last_fc_log_std.bias"]
    clipped = (raw > LOG_STD_HIGH) | (raw < LOG_STD_LOW)
    assert bool(clipped.any()) == (shift[1] > 0) and not bool(clipped.all())
    return {
        "inputs": {
            "policy": parameters, "observations": observations, "noise": epsilon,
            "givenActions": given},
        "mean": heads[0],
        "logStd": heads[1],
        "actions": actions,
        "logProb": log_prob,
        "givenLogProb": given_log_prob,
        "meanLogProbGradient": gradients(log_prob.mean(), parameters),
        "meanGivenLogProbGradient": gradients(given_log_prob.mean(), parameters),
    }


write("policy", {
    "plain": case(1, [8, 8], (-0.7, -0.7)),
    "threeLayers": case(2, [7, 6, 5], (-0.7, -0.7)),
    "clippedLogStd": case(3, [8, 8], (-0.7, 2.0)),
})
