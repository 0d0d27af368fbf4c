#!/usr/bin/env python3
"""Proves our robots equal Gymnasium's and writes the fixtures that keep the proof in `swift test`.

Needs mujoco 2.3.7 from PyPI (a throw-away virtual environment), with gymnasium 0.29.1 for version 4
and with gymnasium 1.0.0 for version 5, which 0.29.1 has not; then

    python Tests/Fixtures/environments/generate.py                       # committed fixtures
    python Tests/Fixtures/environments/generate.py --version 5           # those of version 5
    python Tests/Fixtures/environments/generate.py --full DIRECTORY      # all states as well

Part 1 compiles our MJCF and Gymnasium's with the same MuJoCo and compares every numeric field of
the two mjModel structures, options, statistics and visual settings included, for exact equality.

Part 2 takes single steps of Gymnasium's v4 or v5 environments from varied states (see `states`).

Files, one per robot; NAME is hopper for version 4 and hopper-v5 for version 5:
  NAME-model.json   {field: [numbers]} of Gymnasium's compiled model; textures as a digest
  NAME-steps.f64    little-endian float64, rows of
                    [case | qpos | qvel | action | observation | reward | terminated]
                    where case is an index into CASES below and the state is that before the step
`--full` writes NAME-steps.f64 with every state into DIRECTORY; tests read it when the environment
variable BRED_CONFORMANCE names that directory.
"""

import argparse
import json
import importlib.util
import pathlib
import sys
import types

if importlib.util.find_spec("imageio") is None:  # Gymnasium imports it for rendering only
    sys.modules["imageio"] = types.ModuleType("imageio")

import gymnasium
import mujoco
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
RESOURCES = HERE.parents[2] / "Sources" / "Environments" / "Resources"
# Name of the fixtures, Gymnasium's environment, our MJCF and Gymnasium's.
ROBOTS = {
    4: {
        "hopper": ("Hopper-v4", "hopper.xml", "hopper.xml"),
        "walker2d": ("Walker2d-v4", "walker2d.xml", "walker2d.xml"),
        "halfcheetah": ("HalfCheetah-v4", "halfcheetah.xml", "half_cheetah.xml"),
    },
    5: {
        "hopper-v5": ("Hopper-v5", "hopper.xml", "hopper.xml"),
        "walker2d-v5": ("Walker2d-v5", "walker2d-v5.xml", "walker2d_v5.xml"),
        "halfcheetah-v5": ("HalfCheetah-v5", "halfcheetah.xml", "half_cheetah.xml"),
    },
}
CASES = ["rollout", "lying", "limits", "contact", "fast", "air", "threshold"]
STATES_PER_CASE = 800
COMMITTED_PER_CASE = 34


def numeric_fields(model):
    """Every numeric attribute of an mjModel and of the structures inside it, by dotted name."""
    fields = {}

    def visit(value, prefix):
        for name in dir(value):
            if name.startswith("_") or name in ("signature",):
                continue
            item = getattr(value, name)
            if callable(item):
                continue
            if isinstance(item, (int, float, np.ndarray, np.number)):
                fields[prefix + name] = np.asarray(item)
            elif type(item).__module__.startswith("mujoco"):
                visit(item, prefix + name + ".")

    visit(model, "")
    # Not numbers, but the table of names in their compiled order settles every index.
    fields["names"] = np.frombuffer(bytes(model.names), dtype=np.uint8)
    return fields


def compare_models(name, ours, theirs):
    a, b = numeric_fields(ours), numeric_fields(theirs)
    different = sorted(set(a) ^ set(b))
    numbers = 0
    for key in sorted(set(a) & set(b)):
        numbers += a[key].size
        if a[key].shape != b[key].shape or not np.array_equal(a[key], b[key]):
            different.append(key)
            print(f"{name}: {key}\n  ours   {a[key]}\n  theirs {b[key]}")
    print(f"{name}: {len(a)} fields, {numbers} numbers, {len(different)} different")
    return not different


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & (2**64 - 1)
    return value


def write_model(name, model):
    fields = {}
    for key, value in numeric_fields(model).items():
        if key == "tex_rgb":
            fields["tex_rgb.fnv1a"] = [str(fnv(value.astype(np.uint8).tobytes()))]
        else:
            fields[key] = np.ravel(value).tolist()
    path = HERE / f"{name}-model.json"
    path.write_text(json.dumps(fields, separators=(",", ":"), sort_keys=True) + "\n")


def touch_ground(model, data, depth):
    """Shifts the robot vertically until its lowest shape reaches `depth` below the floor."""
    mujoco.mj_kinematics(model, data)
    lowest = np.inf
    for geom in range(1, model.ngeom):
        radius, half = model.geom_size[geom, :2]
        axis_z = data.geom_xmat[geom, 8]
        lowest = min(lowest, data.geom_xpos[geom, 2] - radius - half * abs(axis_z))
    data.qpos[1] -= lowest + depth


def states(name, env, generator):
    """Yields (case, qpos, qvel, action): standing, falling, lying, in contact, at limits, fast."""
    model, data = env.model, env.data
    nq, nv, nu = model.nq, model.nv, model.nu
    low, high = model.jnt_range[3:, 0], model.jnt_range[3:, 1]
    initial = env.init_qpos

    def action(index):
        kind = index % 4
        if kind == 0:  # outside the range: the motor clamps, the cost does not
            return generator.uniform(-2, 2, nu)
        if kind == 1:  # on the corners
            return generator.choice([-1.0, 1.0], nu)
        return generator.uniform(-1, 1, nu)

    def pose():
        qpos = initial.copy()
        qpos[0] = generator.uniform(-5, 50)
        qpos[2] = generator.uniform(-1.2, 1.2)
        qpos[3:] = generator.uniform(low, high)
        return qpos

    def rollout(case, first, last):
        """States number `first` to `last` of episodes that go on after the robot has fallen."""
        count = 0
        while count < STATES_PER_CASE:
            env.reset(seed=int(generator.integers(1 << 30)))
            scale = generator.uniform(0, 1)
            for step in range(last):
                if step >= first and step % 7 == 0 and count < STATES_PER_CASE:
                    yield CASES.index(case), data.qpos.copy(), data.qvel.copy(), action(count)
                    count += 1
                env.do_simulation(scale * generator.uniform(-1, 1, nu), env.frame_skip)

    # The generator above is paused while its caller steps the same simulation: copy first.
    yield from list(rollout("rollout", 0, 120))
    yield from list(rollout("lying", 150, 500))
    for case in CASES[2:]:
        for index in range(STATES_PER_CASE):
            qpos, qvel = pose(), generator.normal(0, 1, nv)
            if case == "limits":
                side = np.where(generator.random(nq - 3) < 0.5, low, high)
                qpos[3:] = side + generator.uniform(-0.05, 0.05, nq - 3)
                qpos[1] = initial[1] + generator.uniform(0, 0.6)
            elif case == "contact":
                data.qpos[:] = qpos
                touch_ground(model, data, generator.uniform(-0.002, 0.01))
                qpos = data.qpos.copy()
            elif case == "fast":  # both sides of the clip at 10, and far above it
                qvel = generator.choice([9.9, 10.0, 10.1, 20.0], nv) * generator.choice([-1, 1], nv)
                qvel *= generator.uniform(0.95, 1.05, nv)
                qpos[1] = initial[1] + generator.uniform(0.2, 1.0)
            elif case == "air":
                qpos[1] = initial[1] + generator.uniform(0.7, 3.0)
            elif case == "threshold":  # where terminations flip within one step
                qpos[1] = generator.choice([0.7, 0.8, 2.0, 1.25]) + generator.uniform(-0.02, 0.02)
                angle = generator.choice([-1.0, -0.2, 0.0, 0.2, 1.0])
                qpos[2] = angle + generator.uniform(-0.02, 0.02)
                if index % 8 == 0:  # hopper: every velocity must stay within 100
                    qvel[generator.integers(nv)] = generator.choice([-1, 1]) * generator.uniform(90, 110)
            yield CASES.index(case), qpos, qvel, action(index)


def record(name, env, seed):
    """Rows of single steps, each started as Gymnasium starts an episode: reset, set, forward."""
    rows = []
    unstable = 0
    for case, qpos, qvel, action in list(states(name, env, np.random.default_rng(seed))):
        mujoco.mj_resetData(env.model, env.data)
        env.set_state(qpos, qvel)
        observation, reward, terminated, _, _ = env.step(action)
        bad = [mujoco.mjtWarning.mjWARN_BADQPOS, mujoco.mjtWarning.mjWARN_BADQVEL,
               mujoco.mjtWarning.mjWARN_BADQACC]
        if any(env.data.warning[int(kind)].number for kind in bad):
            unstable += 1
            continue
        rows.append(np.concatenate(
            [[case], qpos, qvel, action, observation, [reward, float(terminated)]]))
    rows = np.array(rows)
    counts = {case: int(np.sum(rows[:, 0] == i)) for i, case in enumerate(CASES)}
    print(f"{name}: {len(rows)} steps {counts}, {int(rows[:, -1].sum())} terminated, "
          f"{unstable} unstable left out")
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", type=pathlib.Path, help="also write every state here")
    parser.add_argument("--version", type=int, choices=ROBOTS, default=4, help="Gymnasium's")
    arguments = parser.parse_args()
    print(f"gymnasium {gymnasium.__version__}, mujoco {mujoco.__version__}")
    assets = pathlib.Path(gymnasium.__file__).parent / "envs" / "mujoco" / "assets"
    same = True
    for seed, (name, (identifier, our_file, file)) in enumerate(
            ROBOTS[arguments.version].items()):
        ours = mujoco.MjModel.from_xml_path(str(RESOURCES / our_file))
        theirs = mujoco.MjModel.from_xml_path(str(assets / file))
        same = compare_models(name, ours, theirs) and same
        write_model(name, theirs)
        rows = record(name, gymnasium.make(identifier).unwrapped, seed)
        few = np.concatenate(
            [rows[rows[:, 0] == i][:COMMITTED_PER_CASE] for i in range(len(CASES))])
        few.astype("<f8").tofile(HERE / f"{name}-steps.f64")
        if arguments.full:
            arguments.full.mkdir(parents=True, exist_ok=True)
            rows.astype("<f8").tofile(arguments.full / f"{name}-steps.f64")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
