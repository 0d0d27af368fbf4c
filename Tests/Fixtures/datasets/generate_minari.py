"""Makes the files that the tests of Minari datasets and of newer HDF5 structures read.

Run with minari[hdf5,create] and gymnasium[mujoco] (any version of the last years):
    python generate_minari.py
links-earliest.hdf5   groups of the newer kind, few and many members and attributes, superblock 0
links-v108.hdf5       the same with superblock 2 and object headers of version 2
minari/               three episodes of Hopper-v5 that Minari's own collector wrote
minari.json           what Minari itself reads from it
"""
import json
import os
import pathlib
import shutil
import tempfile
import warnings

warnings.simplefilter("ignore")
here = pathlib.Path(__file__).parent
root = tempfile.mkdtemp()
os.environ["MINARI_DATASETS_PATH"] = root

import gymnasium  # noqa: E402
import h5py  # noqa: E402
import minari  # noqa: E402
import numpy as np  # noqa: E402


def links(name, **options):
    with h5py.File(here / name, "w", track_order=True, **options) as f:
        f.attrs["title"] = "links"
        few = f.create_group("few", track_order=True)
        for index in range(3):
            few[f"value_{index}"] = np.float32(index) / 4
        many = f.create_group("many", track_order=True)
        for index in range(200):
            many.create_group(f"member_{index}", track_order=True)
        few.attrs["integer"] = np.int64(-5)
        few.attrs["small"] = np.uint8(200)
        few.attrs["real"] = np.float64(0.1)
        few.attrs["single"] = np.float32(0.25)
        few.attrs["flag"] = np.bool_(True)
        few.attrs["text"] = "variable é"
        few.attrs["bytes"] = np.bytes_(b"fixed")
        few.attrs["vector"] = np.arange(3)
        dense = f.create_group("dense", track_order=True)
        for index in range(40):
            dense.attrs[f"number_{index}"] = np.int64(index * index)
        f.create_dataset("array", data=np.arange(12, dtype="<f4").reshape(4, 3), chunks=(2, 3))
        f["array"].attrs["unit"] = "m"
        f.create_dataset("fixed", data=np.arange(5, dtype="<i4"))


links("links-earliest.hdf5")
links("links-v108.hdf5", libver=("v108", "v108"))


class States(minari.StepDataCallback):
    def __call__(self, env, obs, info, **more):
        step = super().__call__(env=env, obs=obs, info=info, **more)
        step["info"] = {
            "qpos": env.unwrapped.data.qpos.copy(),
            "qvel": env.unwrapped.data.qvel.copy(),
            "x_position": np.float64(info["x_position"]),
        }
        return step


env = minari.DataCollector(
    gymnasium.make("Hopper-v5"), step_data_callback=States, record_infos=True)
env.action_space.seed(1)
for episode in range(3):
    env.reset(seed=100 + episode)
    for step in range(12):
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            break
dataset = env.create_dataset(
    "bred/hopper/fixture-v0", algorithm_name="random", author="BRED", author_email="nobody@example.org",
    code_permalink="https://example.org")
env.close()
shutil.rmtree(here / "minari", ignore_errors=True)
shutil.copytree(pathlib.Path(root) / "bred/hopper/fixture-v0", here / "minari")
episodes = []
for episode in dataset:
    episodes.append({
        "steps": len(episode.rewards),
        "observations": episode.observations.tolist(),
        "actions": episode.actions.tolist(),
        "rewards": episode.rewards.tolist(),
        "terminations": episode.terminations.astype(int).tolist(),
        "truncations": episode.truncations.astype(int).tolist(),
        "qpos": episode.infos["qpos"].tolist(),
        "qvel": episode.infos["qvel"].tolist(),
    })
(here / "minari.json").write_text(json.dumps({"episodes": episodes}) + "\n")
shutil.rmtree(root)
