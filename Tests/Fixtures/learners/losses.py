"""Losses of SAC and CQL as functions of parameters, minibatch and noise (algorithm sheet 2 to 4).

`agent`: {"policy": [parameters, ...] (several: the live mixture), "critics": [[Q1, Q2], ...],
"targets": [[...], ...], "logAlpha": scalar, "logMultiplier": scalar}.
"""

from problem import *


def heads_of(agent, observations):
    members = agent["policy"]
    if len(members) == 1:
        return policy_heads(members[0], observations)
    return mixture_heads(members, observations)


def twin_min(twins, observations, actions):
    return torch.min(
        critic(twins[0], observations, actions), critic(twins[1], observations, actions))


def sac_losses(agent, b, n, entropy_backup=True):
    alpha = agent["logAlpha"].exp().detach()
    actions, log_prob = draw(heads_of(agent, b["observations"]), n["currentNoise"])
    with torch.no_grad():
        next_actions, next_log_prob = draw(
            heads_of(agent, b["nextObservations"]), n["nextNoise"])
        targets = []
        for twins in agent["targets"]:
            value = twin_min(twins, b["nextObservations"], next_actions)
            if entropy_backup:
                value = value - alpha * next_log_prob
            targets.append(b["rewards"] + DISCOUNT * b["masks"] * value)
    critic_losses = [
        [((critic(q, b["observations"], b["actions"]) - y) ** 2).mean() for q in twins]
        for twins, y in zip(agent["critics"], targets)]
    values = torch.stack(
        [twin_min(twins, b["observations"], actions) for twins in agent["critics"]])
    return {
        "temperature": -(agent["logAlpha"] * (log_prob.detach() - ACTION)).mean(),
        "policy": (alpha * log_prob - values.mean(0)).mean(),
        "critics": critic_losses,
        "targets": targets,
        "actions": actions,
        "logProb": log_prob,
        "nextActions": next_actions,
        "nextLogProb": next_log_prob,
    }


def cql_losses(
    agent, b, n, weight=5.0, temperature=1.0, density=False, lagrange=None, gap=0.0,
    backup="deterministic", cloning=False
):
    """One agent. lagrange: None, "scaled" or "official"."""
    alpha = agent["logAlpha"].exp().detach()
    policy, twins, target_twins = agent["policy"][0], agent["critics"][0], agent["targets"][0]
    s, s2 = b["observations"], b["nextObservations"]
    heads = policy_heads(policy, s)
    actions, log_prob = draw(heads, n["currentNoise"])

    def expand(x):
        return x.unsqueeze(1).expand(BATCH, SAMPLES, x.shape[-1])

    with torch.no_grad():
        next_heads = policy_heads(policy, s2)
        next_actions, next_log_prob = draw(next_heads, n["nextNoise"])
        current_samples, current_log_probs = draw(
            [expand(h) for h in heads], n["currentSampleNoise"])
        next_samples, next_log_probs = draw(
            [expand(h) for h in next_heads], n["nextSampleNoise"])
        if backup in ("minimumOfMaxima", "maximumOfMinima"):
            q = [critic(t, expand(s2), next_samples) for t in target_twins]
            if backup == "minimumOfMaxima":
                value = torch.min(q[0].max(1).values, q[1].max(1).values)
            else:
                value = torch.min(q[0], q[1]).max(1).values
        else:
            value = twin_min(target_twins, s2, next_actions)
            if backup == "entropy":
                value = value - alpha * next_log_prob
        y = b["rewards"] + DISCOUNT * b["masks"] * value

    uniform_log_prob = -ACTION * math.log(2)
    td, regularizers = [], []
    for q in twins:
        data = critic(q, s, b["actions"])
        td.append(((data - y) ** 2).mean())
        uniform = critic(q, expand(s), n["uniformActions"])
        current = critic(q, expand(s), current_samples)
        following = critic(q, expand(s), next_samples)
        if density:
            entries = torch.cat([uniform, data.unsqueeze(1), following, current], 1)
        else:
            entries = torch.cat([
                uniform - uniform_log_prob, following - next_log_probs,
                current - current_log_probs], 1)
        pushed = temperature * torch.logsumexp(entries / temperature, 1)
        regularizers.append((pushed - data).mean())

    multiplier_loss = None
    if lagrange is None:
        penalties = [weight * r for r in regularizers]
    else:
        multiplier = torch.clamp(agent["logMultiplier"].exp(), 0.0, 1e6)

        def penalty(factor, r):
            inner = weight * r - gap if lagrange == "official" else weight * (r - gap)
            return factor * inner

        penalties = [penalty(multiplier.detach(), r) for r in regularizers]
        multiplier_loss = -0.5 * sum(penalty(multiplier, r.detach()) for r in regularizers)
    critic_losses = [t + p for t, p in zip(td, penalties)]
    if cloning:
        policy_loss = (alpha * log_prob - log_density_of(heads, b["actions"])).mean()
    else:
        policy_loss = (alpha * log_prob - twin_min(twins, s, actions)).mean()
    return {
        "temperature": -(agent["logAlpha"] * (log_prob.detach() - ACTION)).mean(),
        "policy": policy_loss,
        "critics": [critic_losses],
        "td": td,
        "regularizers": regularizers,
        "multiplier": multiplier_loss,
        "targets": [y],
        "logProb": log_prob,
    }


def make_agent(random, hidden, pairs=1, policies=1, log_alpha=-0.7, log_multiplier=0.0):
    def scalar(x):
        return single(x).requires_grad_(True)

    critics = [[critic_parameters(random, hidden) for _ in range(2)] for _ in range(pairs)]
    return {
        "policy": [trainable(policy_parameters(random, hidden)) for _ in range(policies)],
        "critics": [[trainable(q) for q in twins] for twins in critics],
        "targets": [[perturbed(random, q) for q in twins] for twins in critics],
        "logAlpha": scalar(log_alpha),
        "logMultiplier": scalar(log_multiplier),
    }


def all_gradients(agent, losses):
    result = {
        "policy": [gradients(losses["policy"], p) for p in agent["policy"]],
        "critics": [
            [gradients(loss, q) for loss, q in zip(pair, twins)]
            for pair, twins in zip(losses["critics"], agent["critics"])],
        "logAlpha": torch.autograd.grad(
            losses["temperature"], agent["logAlpha"], retain_graph=True)[0],
    }
    if losses.get("multiplier") is not None:
        result["logMultiplier"] = torch.autograd.grad(
            losses["multiplier"], agent["logMultiplier"], retain_graph=True)[0]
    return result
