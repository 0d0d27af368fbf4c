"""What both peer programs share: sizes, a fixture, a float64 reference, timing, the command line.

Parameters are a dictionary of arrays. A policy has w1 [17, 256], b1, w2 [256, 256], b2 and both
heads in one matrix w3 [256, 12], b3 (mean, then log-std). The 2N critics of N members are stacked,
twin j of member i at 2i + j: w1 [2N, 23, 256], b1 [2N, 1, 256], w2, b2, w3 [2N, 256, 1], b3.
"""

import argparse
import json
import os
import statistics
import sys
import time

import numpy as np

OBSERVATION, ACTION, HIDDEN, BATCH, SAMPLES = 17, 6, 256, 256, 10
DISCOUNT, TAU, RATE, CONSERVATIVE_WEIGHT = 0.99, 0.005, 3e-4, 5.0
TARGET_ENTROPY = -float(ACTION)
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
LOG_STD_BOUNDS = (-20.0, 2.0)
# Name of a benchmark to (members, whether it has the conservative term).
BENCHMARKS = {"cql-update-2x256": (1, True), "bred-update-n5": (5, False), "sac-update": (1, False)}


def fixture(members, conservative, seed=0, head_scale=1.0):
    """Parameters, one minibatch and the noise of one update, the same for every program.

    The heads are not as small as at the start of training: tiny heads would leave a wrong term
    in the loss below the tolerance of a check.
    """
    r = np.random.default_rng(seed)

    def uniform(bound, *shape):
        return r.uniform(-bound, bound, shape)

    def network(inputs, outputs, *stack):
        bias = stack + ((1,) if stack else ())
        return {
            "w1": uniform(0.2, *stack, inputs, HIDDEN), "b1": uniform(0.1, *bias, HIDDEN),
            "w2": uniform(0.0625, *stack, HIDDEN, HIDDEN), "b2": uniform(0.1, *bias, HIDDEN),
            "w3": uniform(0.1 * head_scale, *stack, HIDDEN, outputs),
            "b3": uniform(0.1 * head_scale, *bias, outputs),
        }

    nets = 2 * members
    critic = network(OBSERVATION + ACTION, 1, nets)
    target = {k: v + 0.02 * r.standard_normal(v.shape) for k, v in critic.items()}
    noise = {
        "current": r.standard_normal((BATCH, ACTION)), "next": r.standard_normal((BATCH, ACTION)),
    }
    if conservative:
        noise["uniform"] = r.uniform(-1, 1, (BATCH, SAMPLES, ACTION))
        noise["current_samples"] = r.standard_normal((BATCH, SAMPLES, ACTION))
        noise["next_samples"] = r.standard_normal((BATCH, SAMPLES, ACTION))
    data = {
        "policy": network(OBSERVATION, 2 * ACTION), "critic": critic, "target": target,
        "log_alpha": np.array(-0.3), "batch": batch(r), "noise": noise,
    }
    return map_tree(lambda a: np.asarray(a, np.float32), data)


def batch(r):
    return {
        "observations": r.standard_normal((BATCH, OBSERVATION)).astype(np.float32),
        "actions": r.uniform(-0.99, 0.99, (BATCH, ACTION)).astype(np.float32),
        "rewards": r.standard_normal(BATCH).astype(np.float32),
        "next_observations": r.standard_normal((BATCH, OBSERVATION)).astype(np.float32),
        "masks": (r.uniform(size=BATCH) > 0.02).astype(np.float32),
    }


def map_tree(function, tree):
    if isinstance(tree, dict):
        return {k: map_tree(function, v) for k, v in tree.items()}
    return function(tree)


def flatten(tree, prefix=""):
    """{"critic/w1": array, …} of a dictionary of dictionaries."""
    flat = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}/"))
        else:
            flat[prefix + key] = np.asarray(value)
    return flat


# The losses once more, slowly and literally, in float64: policy on repeated rows, dense first
# layer, every critic on its own. A mistake would have to be made three times to go unseen.


def reference_losses(data, members, conservative):
    data = map_tree(lambda a: np.asarray(a, np.float64), data)
    b, noise, alpha = data["batch"], data["noise"], float(np.exp(data["log_alpha"]))

    def layers(p, x):
        h = np.maximum(x @ p["w1"] + p["b1"], 0)
        return np.maximum(h @ p["w2"] + p["b2"], 0) @ p["w3"] + p["b3"]

    def act(observations, eps):
        out = layers(data["policy"], observations)
        mean, log_std = out[:, :ACTION], np.clip(out[:, ACTION:], *LOG_STD_BOUNDS)
        z = mean + np.exp(log_std) * eps
        action = np.tanh(z)
        density = -0.5 * eps**2 - log_std - 0.5 * np.log(2 * np.pi)
        return action, (density - np.log1p(-action**2)).sum(1)

    def q(p, net, observations, actions):
        one = {k: v[net] for k, v in p.items()}
        return layers(one, np.concatenate([observations, actions], 1))[:, 0]

    s, s2 = b["observations"], b["next_observations"]
    action, log_prob = act(s, noise["current"])
    next_action, next_log_prob = act(s2, noise["next"])
    critic_loss, member_q = 0.0, []
    for i in range(members):
        pair = (2 * i, 2 * i + 1)
        value = np.minimum(*(q(data["target"], j, s2, next_action) for j in pair))
        if not conservative:
            value = value - alpha * next_log_prob
        y = b["rewards"] + DISCOUNT * b["masks"] * value
        for j in pair:
            data_q = q(data["critic"], j, s, b["actions"])
            critic_loss += np.mean((data_q - y) ** 2)
            if conservative:
                rows = np.repeat(s, SAMPLES, 0)
                entries = [
                    q(data["critic"], j, rows, noise["uniform"].reshape(-1, ACTION))
                    + ACTION * np.log(2)
                ]
                for where, eps in ((s, "current_samples"), (s2, "next_samples")):
                    a, lp = act(np.repeat(where, SAMPLES, 0), noise[eps].reshape(-1, ACTION))
                    entries.append(q(data["critic"], j, rows, a) - lp)
                entries = np.concatenate([e.reshape(BATCH, SAMPLES) for e in entries], 1)
                top = entries.max(1)
                lse = top + np.log(np.exp(entries - top[:, None]).sum(1))
                critic_loss += CONSERVATIVE_WEIGHT * np.mean(lse - data_q)
        member_q.append(np.minimum(*(q(data["critic"], j, s, action) for j in pair)))
    policy_loss = np.mean(alpha * log_prob - np.mean(member_q, 0))
    alpha_loss = -float(data["log_alpha"]) * (log_prob.mean() + TARGET_ENTROPY)
    return {"critic": critic_loss, "policy": policy_loss, "alpha": alpha_loss}


def threads_option(parser):
    parser.add_argument("--threads", type=int, default=2)


def use_processors():
    """Keeps this process on as many processors as it may use threads, for programs that size their
    pools by what they see, which is before they have read their arguments."""
    parser = argparse.ArgumentParser(add_help=False)
    threads_option(parser)
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, allowed[:parser.parse_known_args()[0].threads])


def measure(run_block, seconds):
    """Times blocks of updates of about 50 ms. `run_block(n)` does n updates and waits for them."""
    run_block(3)
    start = time.perf_counter()
    run_block(5)
    per_update = (time.perf_counter() - start) / 5
    block = max(1, round(0.05 / per_update))
    times, updates = [], 0
    processor = time.process_time()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        run_block(block)
        times.append(1e3 * (time.perf_counter() - start) / block)
        updates += block
    return {
        "milliseconds": statistics.median(times), "minimumMilliseconds": min(times),
        "maximumMilliseconds": max(times), "updates": updates,
        # Time of all threads together: steadier than the clock on a busy machine.
        "processorMilliseconds": 1e3 * (time.process_time() - processor) / updates,
    }


def arguments(description, benchmarks, extra):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--benchmark", choices=benchmarks, required=True)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument(
        "--serve", action="store_true",
        help="measure once for every line on standard input, one JSON line each",
    )
    parser.add_argument("--check", metavar="FILE.npz", help="write losses and updated parameters")
    threads_option(parser)
    extra(parser)
    return parser.parse_args()


def main(arguments, framework, version, program, data):
    """Measures or checks an object with `run_block` and `check`, the latter on a fixture."""
    if arguments.check:
        np.savez(arguments.check, **flatten(program.check(data)))
        return

    def once():
        result = {"name": arguments.benchmark, "framework": framework, "version": version}
        result.update(measure(program.run_block, arguments.seconds))
        result["threads"] = arguments.threads
        result["perSecond"] = 1e3 / result["milliseconds"]
        result["notes"] = program.notes
        return result

    if arguments.serve:
        program.run_block(10)
        print(json.dumps({"ready": True}), flush=True)
        for _ in sys.stdin:
            print(json.dumps(once()), flush=True)
        return
    program.run_block(10)
    result = once()
    if arguments.json:
        print(json.dumps(result))
    else:
        print(f"{result['name']} {framework} {version}: {result['milliseconds']:.2f} ms")
