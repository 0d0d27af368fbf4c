"""What is compared in curves.py: settings of both sides, made equal, once.

`ours` are keys below `offline.NAME` or `online.NAME` (docs/settings.md); what is not here is our default.
`keys` are whole keys. `theirs` are arguments of the peer's class. Values that agree by default are left out on
neither side where they matter; differences that no setting removes stand in docs/results/parity.md.
"""

ROBOTS = {
    # Score 0 and score 100 of D4RL.
    "halfcheetah": {"gymnasium": "HalfCheetah-v4", "scores": (-280.178953, 12135.0)},
    "hopper": {"gymnasium": "Hopper-v4", "scores": (-20.272305, 3234.3)},
    "walker2d": {"gymnasium": "Walker2d-v4", "scores": (1.629008, 4592.3)},
}
# Where everything is compared; on the other robot what has a question of its own.
COMPARED = ["halfcheetah", "hopper"]
ROWS, EPISODES, SEEDS = 200_000, 10, (0, 1, 2)

WIDE = {"firstWidth": 256, "secondWidth": 256, "autoencoderWidth": 256}

# name: our algorithm, settings of both sides, and how many updates with an evaluation each `interval`.
OFFLINE = {
    # Squared error: TD3+BC without its value term. Our `bc` is another loss, compared as bc-likelihood.
    "bc": {
        "algorithm": "td3-bc", "ours": {"valueWeight": 0, "policyDelay": 1, "batchSize": 256, "learningRate": 3e-4},
        "theirs": {"batch_size": 256, "learning_rate": 3e-4},
    },
    "td3-bc": {
        "algorithm": "td3-bc", "keys": {"dataset.observations": "normalized"},
        "ours": {"batchSize": 256, "discount": 0.99, "tau": 0.005, "learningRate": 3e-4, "valueWeight": 2.5,
                 "policyDelay": 2, "targetNoise": 0.2, "noiseClip": 0.5},
        "theirs": {"batch_size": 256, "gamma": 0.99, "tau": 0.005, "actor_learning_rate": 3e-4,
                   "critic_learning_rate": 3e-4, "alpha": 2.5, "update_actor_interval": 2,
                   "target_smoothing_sigma": 0.2, "target_smoothing_clip": 0.5},
    },
    "iql": {
        "algorithm": "iql", "keys": {"dataset.rewards": "return-range"},
        "ours": {"batchSize": 256, "discount": 0.99, "tau": 0.005, "expectile": 0.7, "inverseTemperature": 3.0,
                 "maximumWeight": 100.0, "policyLearningRate": 3e-4, "criticLearningRate": 3e-4,
                 "policyDecaySteps": 0},
        "theirs": {"batch_size": 256, "gamma": 0.99, "tau": 0.005, "expectile": 0.7, "weight_temp": 3.0,
                   "max_weight": 100.0, "actor_learning_rate": 3e-4, "critic_learning_rate": 3e-4},
    },
    "awac": {
        "algorithm": "awac",
        "ours": {"batchSize": 256, "discount": 0.99, "tau": 0.005, "advantageScale": 2.0, "weighting": "softmax",
                 "policyLayers": 2, "policyDecay": 0, "policyLearningRate": 3e-4, "criticLearningRate": 3e-4},
        "theirs": {"batch_size": 256, "gamma": 0.99, "tau": 0.005, "lam": 2.0, "n_action_samples": 1,
                   "actor_learning_rate": 3e-4, "critic_learning_rate": 3e-4},
    },
    "bcq": {
        "algorithm": "bcq",
        "ours": WIDE | {"batchSize": 100, "discount": 0.99, "tau": 0.005, "learningRate": 1e-3, "perturbation": 0.05,
                        "minimumShare": 0.75, "divergenceWeight": 0.5, "targetCandidates": 10,
                        "actingCandidates": 10},
        "theirs": {"batch_size": 100, "gamma": 0.99, "tau": 0.005, "actor_learning_rate": 1e-3,
                   "critic_learning_rate": 1e-3, "imitator_learning_rate": 1e-3, "action_flexibility": 0.05,
                   "lam": 0.75, "beta": 0.5, "n_action_samples": 10},
    },
    "cql": {
        "algorithm": "cql",
        "ours": {"batchSize": 256, "discount": 0.99, "tau": 0.005, "policyLearningRate": 3e-4,
                 "criticLearningRate": 3e-4, "conservativeWeight": 5.0, "sampledActions": 10,
                 "backup": "deterministic", "initialTemperature": 1.0},
        "theirs": {"batch_size": 256, "gamma": 0.99, "tau": 0.005, "actor_learning_rate": 3e-4,
                   "temp_learning_rate": 3e-4, "critic_learning_rate": 3e-4, "conservative_weight": 5.0,
                   "alpha_learning_rate": 0.0, "initial_alpha": 1.0, "alpha_threshold": 0.0, "n_action_samples": 10,
                   "soft_q_backup": False, "max_q_backup": False, "initial_temperature": 1.0},
        "updates": 10_000, "interval": 1_000,
    },
    "bc-likelihood": {"algorithm": "bc", "ours": {"batchSize": 256, "policyLearningRate": 3e-4}},
    # The autoencoder learns alone in the first 10,000 updates, a tenth of the published; 20,000 of the agent follow.
    "spot": {
        "algorithm": "spot", "keys": {"dataset.observations": "normalized"},
        "ours": {"batchSize": 256, "vaeSteps": 10_000, "supportWeight": 0.05, "dropout": 0},
        "theirs": {"vae_steps": 10_000, "lambd": 0.05},
    },
}
UPDATES, INTERVAL = 30_000, 3_000

# Both ways of collecting: blocks of 1,000 steps and as many updates, or an update after each step.
ONLINE = {
    f"{algorithm}-{pace}": {
        "algorithm": algorithm, "keys": keys,
        "ours": {"batchSize": 256, "discount": 0.99, "tau": 0.005, "policyLearningRate": 3e-4,
                 "criticLearningRate": 3e-4},
        "theirs": {"batch_size": 256, "gamma": 0.99, "tau": 0.005, "learning_rate": 3e-4,
                   "buffer_size": 1_000_000, "learning_starts": 1_000} | theirs,
    }
    for algorithm in ("sac", "td3")
    for pace, keys, theirs in (
        ("blocks", {"online.collection": "blocks", "online.blockSteps": 1000},
         {"train_freq": 1000, "gradient_steps": 1000}),
        ("steps", {"online.collection": "steps", "online.blockSteps": 1},
         {"train_freq": 1, "gradient_steps": 1}),
    )
}
ONLINE_STEPS, ONLINE_INTERVAL = 100_000, 5_000


def published_updates(algorithm):
    return 3_000_000 if algorithm in ("edac", "sac-n") else 1_000_000


def published(algorithm, task):
    """(our algorithm, keys that differ from the task's settings) for a task of D4RL, such as hopper-medium-v2: CORL's
    configurations (configs/offline) for v2 data; for v0 the CQL authors' program as d3rlpy-benchmarks ran it."""
    robot, data, version = task.split("-")[0], "-".join(task.split("-")[1:-1]), task.split("-")[-1]
    name = "td3-bc" if algorithm == "bc" else algorithm  # CORL's is squared error
    offline = f"offline.{name}."
    if version == "v0":
        return name, {"networks.hiddenLayers": 3, offline + "policyLearningRate": 1e-4,
                      offline + "conservativeWeight": 10 if data == "medium" else 5}
    narrow_hopper = robot == "hopper" and data in ("medium", "medium-replay")
    scaled = {"dataset.rewards": "return-range"}
    keys = {} if algorithm in ("edac", "sac-n", "awac") else {"dataset.observations": "normalized"}
    if algorithm == "bc":
        keys |= {offline + "valueWeight": 0, offline + "policyDelay": 1}
    elif algorithm == "iql" and narrow_hopper:
        keys |= scaled | {offline + "tau": 0.001}
    elif algorithm == "iql" and task == "hopper-medium-expert-v2":
        keys |= {offline + "inverseTemperature": 6.0, offline + "expectile": 0.5}
    elif algorithm == "awac":
        keys |= {"networks.hiddenLayers": 3, offline + "policyLayers": 3, offline + "batchSize": 256,
                 offline + "advantageScale": 0.3333, offline + "weighting": "exponential",
                 offline + "clipsDraws": "true", offline + "policyDecay": 0}
    elif algorithm == "cql":
        keys |= {"networks.hiddenLayers": 3, offline + "policyLearningRate": 3e-5, offline + "conservativeWeight": 10}
        keys |= scaled if task == "hopper-medium-v2" else {}
    elif algorithm in ("edac", "sac-n"):
        keys |= {"networks.hiddenLayers": 3}
    return name, keys
