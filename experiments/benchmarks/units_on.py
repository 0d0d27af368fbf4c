#!/usr/bin/env python3
"""How many hidden units are on for at least one of the actions that a CQL update evaluates in a state.

    python3 units_on.py
    python3 units_on.py --dataset halfcheetah-medium.hdf5 --ensemble agents

Prints, for each hidden layer of a critic, the share of units that are on for a single action and for
any of the 31 actions (the data's, ten uniform, ten of pi(.|s), ten of pi(.|s')) of a state, averaged over
500 states. Fresh networks follow rlkit's rule; --ensemble adds the first agent's first critic and its
policy (safetensors as this project writes them). Needs numpy; h5py and safetensors for the options.
"""
import argparse
import pathlib

import numpy as np

STATES, SAMPLES, WIDTH = 500, 10, 256


def layers(tensors, prefix):
    """Weights and biases by ascending layer: `prefix`0.weight, `prefix`0.bias, ..."""
    count = sum(name.startswith(prefix) and name.endswith(".weight") for name in tensors)
    return [(tensors[f"{prefix}{i}.weight"], tensors[f"{prefix}{i}.bias"]) for i in range(count)]


def fresh(generator, sizes):
    return [
        (generator.uniform(-1, 1, (rows, columns)) / np.sqrt(rows), np.zeros(rows))
        for columns, rows in zip(sizes, sizes[1:])
    ]


def hidden(network, inputs):
    activations = []
    for weight, bias in network:
        inputs = np.maximum(inputs @ weight.T + bias, 0)
        activations.append(inputs)
    return activations


def squashed(generator, mean, log_std):
    """Ten actions of a tanh-Gaussian for each state."""
    noise = generator.standard_normal((len(mean), SAMPLES, mean.shape[1]))
    return np.tanh(mean[:, None] + np.exp(np.clip(log_std, -20, 2))[:, None] * noise)


def report(name, critic, states, actions):
    inputs = np.concatenate([np.repeat(states[:, None], actions.shape[1], 1), actions], -1)
    for layer, activation in enumerate(hidden(critic, inputs), 1):
        on = activation > 0
        print(f"{name:44} layer {layer}: one action {on.mean():.3f}, any of {actions.shape[1]} "
              f"{on.any(1).mean():.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dataset", help="D4RL HDF5 file to take states from")
    parser.add_argument("--ensemble", help="folder of a CQL ensemble, needs --dataset")
    options = parser.parse_args()
    if options.ensemble and not options.dataset:
        parser.error("--ensemble needs --dataset")
    generator = np.random.default_rng(0)
    states, action_size = generator.standard_normal((STATES, 17)), 6
    data, following = None, states
    names = ["standard normal states, fresh networks"]
    sets = [states]
    if options.dataset:
        import h5py

        with h5py.File(options.dataset) as file:
            rows = np.sort(generator.choice(len(file["rewards"]) - 1, STATES, replace=False))
            sets.append(file["observations"][rows])
            following = file["observations"][rows + 1]
            data = file["actions"][rows]
        action_size = data.shape[1]
        names.append("states of the file, fresh networks")
    for name, states in zip(names, sets):
        shape = (STATES, 2 * SAMPLES, action_size if states is sets[-1] else 6)
        drawn = np.tanh(generator.standard_normal(shape))
        uniform = generator.uniform(-1, 1, (STATES, SAMPLES + 1, shape[2]))
        sizes = [states.shape[1] + shape[2]] + [WIDTH] * 3
        report(name, fresh(generator, sizes), states, np.concatenate([uniform, drawn], 1))
    if options.ensemble:
        from safetensors.numpy import load_file

        member = pathlib.Path(options.ensemble) / "member-0"
        actor = load_file(member / "actor.safetensors")
        critic = load_file(member / "critic1.safetensors")

        def policy(observations):
            top = hidden(layers(actor, "fc"), observations)[-1]
            return squashed(
                generator,
                top @ actor["last_fc.weight"].T + actor["last_fc.bias"],
                top @ actor["last_fc_log_std.weight"].T + actor["last_fc_log_std.bias"],
            )

        uniform = generator.uniform(-1, 1, (STATES, SAMPLES, action_size))
        actions = [data[:, None], uniform, policy(sets[-1]), policy(following)]
        report("states of the file, trained agent", layers(critic, "fc"), sets[-1],
               np.concatenate(actions, 1))


if __name__ == "__main__":
    main()
