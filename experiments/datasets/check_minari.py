"""Checks `bred dataset convert` against the minari package, both ways.

1. A collected D4RL file becomes a Minari dataset, which minari must list, load, iterate, filter and
   sample, whose spaces and environment it must recover, and to which it must be able to append.
2. What minari itself writes, collected by its DataCollector (many episodes) and made from buffers of
   float32 arrays, becomes a D4RL file with the same numbers.
3. Both again in file layouts that other versions of h5py and HDF5 use.
"""
import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import warnings

warnings.simplefilter("ignore")
parser = argparse.ArgumentParser()
parser.add_argument("--bred", default=".build/release/bred")
parser.add_argument("--episodes", type=int, default=300)
arguments = parser.parse_args()
work = pathlib.Path(tempfile.mkdtemp())
root = work / "minari"
root.mkdir()
os.environ["MINARI_DATASETS_PATH"] = str(root)
arguments.bred = os.path.abspath(arguments.bred)
# MuJoCo logs its warnings where it runs.
os.chdir(work)

import gymnasium  # noqa: E402
import h5py  # noqa: E402
import minari  # noqa: E402
import numpy as np  # noqa: E402
from minari.data_collector import EpisodeBuffer  # noqa: E402


def bred(*words):
    result = subprocess.run([arguments.bred, *map(str, words)], capture_output=True, text=True)
    assert result.returncode == 0, f"bred {' '.join(map(str, words))}: {result.stderr}"
    return result.stdout


def same(name, left, right):
    left, right = np.asarray(left), np.asarray(right)
    assert left.shape == right.shape, f"{name}: {left.shape} and {right.shape}"
    assert np.array_equal(left, right, equal_nan=True), f"{name} differs"


def report(text):
    print(f"ok  {text}")


def minari_reads(robot, environment):
    """A file of ours, converted, as minari sees it."""
    source = work / f"{robot}.hdf5"
    bred("dataset", "collect", "--env", robot, "--random", "--steps", 3000, "--seed", 3,
         "--output", source, "--quiet")
    identifier = f"bred/{robot}/random-v0"
    bred("dataset", "convert", source, "--id", identifier, "--output", root / identifier)
    assert identifier in minari.list_local_datasets(), minari.list_local_datasets()
    dataset = minari.load_dataset(identifier)
    assert dataset.id == identifier and dataset.total_steps == 3000
    assert minari.MinariDataset(root / identifier / "data").total_steps == 3000
    with h5py.File(source) as f:
        columns = {name: f[name][:] for name in (
            "observations", "actions", "rewards", "terminals", "timeouts", "next_observations",
            "infos/qpos", "infos/qvel", "infos/action_log_probs")}
    row = 0
    for number, episode in enumerate(dataset):
        steps = len(episode.rewards)
        rows = slice(row, row + steps)
        assert episode.id == number
        same("observations", episode.observations[:-1], columns["observations"][rows])
        same("next", episode.observations[1:], columns["next_observations"][rows])
        same("actions", episode.actions, columns["actions"][rows])
        same("rewards", episode.rewards, columns["rewards"][rows])
        same("terminations", episode.terminations, columns["terminals"][rows])
        same("truncations", episode.truncations, columns["timeouts"][rows])
        for name in ("qpos", "qvel", "action_log_probs"):
            assert len(episode.infos[name]) == steps + 1
            same(name, episode.infos[name][:-1], columns[f"infos/{name}"][rows])
        assert all(dataset.observation_space.contains(o) for o in episode.observations[:3])
        assert all(dataset.action_space.contains(a) for a in episode.actions)
        row += steps
    assert row == 3000
    for metadata in dataset.storage.get_episode_metadata(range(3)):
        assert set(metadata) == {"id", "total_steps"}, metadata
    env = dataset.recover_environment()
    assert env.spec.id == environment
    assert env.observation_space.shape == dataset.observation_space.shape
    assert env.action_space == dataset.action_space
    assert len(list(dataset.sample_episodes(3))) == 3
    long = dataset.filter_episodes(lambda episode: len(episode.rewards) > 15)
    assert long.total_episodes <= dataset.total_episodes and long.total_steps <= 3000
    # minari can add to it, and what it added is read again here.
    dataset.update_dataset_from_buffer([EpisodeBuffer(
        observations=np.zeros((5, dataset.observation_space.shape[0]), "f4"),
        actions=np.zeros((4, dataset.action_space.shape[0]), "f4"), rewards=[1.0] * 4,
        terminations=[False] * 4, truncations=[False] * 3 + [True])])
    added = work / f"{robot}-added.hdf5"
    bred("dataset", "convert", root / identifier, "--output", added)
    with h5py.File(added) as f:
        assert f["rewards"].shape == (3004,) and f["timeouts"][3003]
        same("observations", f["observations"][:3000], columns["observations"])
    report(f"minari {minari.__version__} reads and extends what bred writes ({robot})")


def converted(folder, name):
    target = work / f"{name}.hdf5"
    text = bred("dataset", "convert", folder, "--output", target, "--json", "--force")
    with h5py.File(target) as f:
        names = []
        f.visititems(lambda n, o: names.append(n) if isinstance(o, h5py.Dataset) else None)
        return {n: f[n][()] for n in names}, json.loads(text)


def compare(name, dataset, columns, infos):
    episodes = list(dataset)
    whole = {
        "observations": np.concatenate([e.observations[:-1] for e in episodes]).astype("f4"),
        "next_observations": np.concatenate([e.observations[1:] for e in episodes]).astype("f4"),
        "actions": np.concatenate([e.actions for e in episodes]).astype("f4"),
        "rewards": np.concatenate([e.rewards for e in episodes]).astype("f4"),
        "terminals": np.concatenate([e.terminations for e in episodes]),
    }
    truncations = [np.array(e.truncations) for e in episodes]
    for number, episode in enumerate(episodes[:-1]):
        if not episode.terminations[-1]:
            truncations[number][-1] = True
    whole["timeouts"] = np.concatenate(truncations)
    for info in infos:
        whole[f"infos/{info}"] = np.concatenate(
            [e.infos[info][: len(e.rewards)] for e in episodes])
    for column, values in whole.items():
        same(f"{name}: {column}", columns[column], values)


def bred_reads(environment, episodes):
    class States(minari.StepDataCallback):
        def __call__(self, env, obs, info, **more):
            step = super().__call__(env=env, obs=obs, info=info, **more)
            data = env.unwrapped.data
            step["info"] = {"qpos": data.qpos.copy(), "qvel": data.qvel.copy(),
                            "nested": {"x": np.float64(data.qpos[0])}}
            return step

    env = minari.DataCollector(
        gymnasium.make(environment), step_data_callback=States, record_infos=True)
    env.action_space.seed(1)
    for number in range(episodes):
        env.reset(seed=number)
        for step in range(40 if number % 7 == 3 else 1000):
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            if terminated or truncated:
                break
    identifier = f"test/{environment.lower()}/collected-v0"
    dataset = env.create_dataset(
        identifier, algorithm_name="random", author="A", author_email="a@b", code_permalink="c")
    env.close()
    columns, text = converted(root / identifier, "collected")
    compare("collected", dataset, columns, ["qpos", "qvel"])
    assert text["episodes"] == episodes
    assert any("infos/nested/x" in note for note in text["notes"]), text
    report(f"bred reads what minari collects ({environment}, {episodes} episodes, "
           f"{dataset.total_steps} steps)")
    return identifier, dataset, columns


def bred_reads_buffers():
    rng = np.random.default_rng(0)
    buffers = []
    for number, steps in enumerate([7, 1, 300, 5000]):
        buffers.append(EpisodeBuffer(
            observations=rng.standard_normal((steps + 1, 11)).astype("f4"),
            actions=rng.uniform(-1, 1, (steps, 3)).astype("f4"),
            rewards=rng.standard_normal(steps).astype("f4"),
            terminations=np.arange(steps) == (steps - 1 if number % 2 else -1),
            truncations=np.arange(steps) == (-1 if number % 2 else steps - 1),
            infos={"action_log_probs": rng.standard_normal(steps + 1).astype("f4")},
            seed=number))
    box = gymnasium.spaces.Box
    dataset = minari.create_dataset_from_buffers(
        "test/buffers-v3", buffers, observation_space=box(-np.inf, np.inf, (11,), "float32"),
        action_space=box(-1, 1, (3,), "float32"))
    columns, _ = converted(root / "test/buffers-v3", "buffers")
    compare("buffers", dataset, columns, ["action_log_probs"])
    report("bred reads what minari makes from arrays (4 episodes of 1 to 5000 steps)")


def other_layouts(identifier, dataset, expected):
    """The same episodes as other versions of h5py and HDF5 lay them out."""
    data = root / identifier / "data"
    for label, options in {
        "order of links tracked": {"track_order": True},
        "HDF5 1.8": {"libver": ("v108", "v108")},
        "HDF5 1.8, order tracked": {"libver": ("v108", "v108"), "track_order": True},
    }.items():
        copy = work / "layout" / "data"
        copy.mkdir(parents=True, exist_ok=True)
        (copy / "metadata.json").write_text((data / "metadata.json").read_text())
        with h5py.File(data / "main_data.hdf5") as old, \
                h5py.File(copy / "main_data.hdf5", "w", **options) as new:
            for name, group in old.items():
                made = new.create_group(name, track_order=options.get("track_order"))
                for key, value in group.attrs.items():
                    made.attrs[key] = value
                for number in range(20):
                    made.attrs[f"more_{number}"] = number
                def add(path, thing):
                    if isinstance(thing, h5py.Dataset):
                        made.create_dataset(
                            path, data=thing[()], chunks=True,
                            maxshape=(None, *thing.shape[1:]))
                group.visititems(add)
        columns, _ = converted(copy.parent, f"layout-{abs(hash(label))}")
        assert columns.keys() == expected.keys()
        for name in expected:
            if not name.startswith("metadata/"):
                same(f"{label}: {name}", columns[name], expected[name])
        report(f"bred reads the same episodes in another layout: {label}")


minari_reads("hopper", "Hopper-v4")
minari_reads("halfcheetah", "HalfCheetah-v4")
minari_reads("walker2d", "Walker2d-v4")
collected = bred_reads("Hopper-v5", arguments.episodes)
bred_reads("Walker2d-v4", 20)
bred_reads_buffers()
other_layouts(*collected)
