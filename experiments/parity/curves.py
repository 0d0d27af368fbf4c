"""Learning curves of our algorithms beside those of d3rlpy, Stable-Baselines3 and CORL, on the same data.

A job is (program, algorithm, robot, seed), a process of its own. Scores go into one table, a row per
evaluation; a job whose rows reach as far as asked is passed over, so that a stopped comparison goes on where
it stood (a job that was stopped begins anew).

    python experiments/parity/curves.py list
    python experiments/parity/curves.py run --bred .build/release/bred --jobs 2
    python experiments/parity/curves.py run --bred .build/release/bred --only d3rlpy,awac,halfcheetah,0 --updates 5000
    python experiments/parity/curves.py report

Settings are in settings.py; both sides draw minibatches of the same rows, those of D4RL's qlearning_dataset.
Scores are D4RL's, of ten episodes of mean actions; peers play in Gymnasium's v4 robots.
"""

import argparse
import csv
import io
import math
import os
import pathlib
import statistics
import subprocess
import sys
import threading

from jobs import finish, run_all
from settings import (
    COMPARED, EPISODES, INTERVAL, OFFLINE, ONLINE, ONLINE_INTERVAL, ONLINE_STEPS, ROBOTS, ROWS, SEEDS, UPDATES)

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TABLE = ROOT / "docs" / "results" / "parity.csv"
# Losses are means since the row before, in our definitions; empty where a peer does not tell.
MEASURES = ["score", "deviation", "critic_loss", "policy_loss"]
COLUMNS = ["program", "algorithm", "robot", "seed", "step"] + MEASURES
# Student's t, two-sided 95 %, by degrees of freedom.
STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}


# Differences of a peer that a program leaves as they are (peers.py).
LEFT_ON = {"d3rlpy": ["log_temperature"], "d3rlpy-clamped": ["awac_unclamped"]}


def every_job():
    """In the order in which comparisons become whole: the cheap ones first, a seed at a time."""
    cheap = ["bc", "td3-bc", "iql", "awac", "bcq"]
    for robot in COMPARED:
        for seed in SEEDS:
            for name in cheap:
                yield from ((program, name, robot, seed) for program in ("bred", "d3rlpy"))
    for robot in COMPARED:
        for seed in SEEDS:
            yield from ((program, "cql", robot, seed) for program in ("bred", "d3rlpy"))
    for robot in COMPARED:
        for seed in SEEDS:
            for name in ONLINE:
                yield from ((program, name, robot, seed) for program in ("bred", "sb3"))
    # What explains: the peers' definitions as released, our likelihood, SPOT.
    for robot in COMPARED:
        for seed in SEEDS:
            yield "d3rlpy-clamped", "awac", robot, seed
            yield "d3rlpy-log-temperature", "cql", robot, seed
            for name in ("awac", "iql", "bcq", "cql"):
                yield "d3rlpy-as-released", name, robot, seed
            yield "bred", "bc-likelihood", robot, seed
            yield from ((program, "spot", robot, seed) for program in ("bred", "corl"))
    for seed in SEEDS:
        yield from ((program, "awac", "walker2d", seed) for program in ("bred", "d3rlpy"))


def setting_of(name):
    return (OFFLINE | ONLINE)[name]


def length_of(name, options):
    """(steps, interval): updates offline, where --updates and --interval count, or environment steps online."""
    if name in ONLINE:
        return ONLINE_STEPS, ONLINE_INTERVAL
    steps, interval = OFFLINE[name].get("updates", UPDATES), OFFLINE[name].get("interval", INTERVAL)
    if options.updates is not None and options.updates < steps:
        steps, interval = options.updates, min(interval, max(1, options.updates // 5))
    if options.interval is not None:
        interval = options.interval
    return steps, interval


def score(robot, total):
    low, high = ROBOTS[robot]["scores"]
    return 100 * (total - low) / (high - low)


# Our side


def data_of(options, robot):
    path = pathlib.Path(options.data) / f"{robot}-medium-{ROWS // 1000}k.hdf5"
    if not path.exists():
        policy = ROOT / "experiments" / "policies" / f"{robot}-medium.safetensors"
        if not policy.exists():
            sys.exit(f"there is neither {path} nor {policy}, with which it would be made")
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [options.bred, "dataset", "collect", "--env", robot, "--seed", "0", "--steps", str(ROWS), "--quiet",
             "--policy", policy, "--output", path],
            check=True)
    return path


def run_ours(options, name, robot, seed):
    """The rows of `bred`'s own progress.csv."""
    setting, (steps, interval) = setting_of(name), length_of(name, options)
    section = "online" if name in ONLINE else "offline"
    keys = {"evaluation.episodes": EPISODES} | setting.get("keys", {})
    keys |= {f"{section}.{setting['algorithm']}.{key}": value for key, value in setting["ours"].items()}
    output = pathlib.Path(options.runs) / f"bred-{name}-{robot}-{seed}-{steps}"
    command = [options.bred]
    if name in ONLINE:
        keys |= {
            "online.algorithm": setting["algorithm"], "online.environmentSteps": steps, "online.randomSteps": 1000,
            "online.warmupSteps": 1000, "online.firstBlockMultiplier": 1,
            "evaluation.interval": interval // 1000}
        command += ["sac"]
    else:
        keys |= {"offline.members": 1, "offline.gradientSteps": steps, "offline.epochSteps": interval}
        command += ["train", setting["algorithm"], "--dataset", data_of(options, robot)]
    command += ["--env", robot, "--seed", str(seed), "--threads", "1", "--quiet", "--resume", "--output", output]
    for key, value in keys.items():
        command += ["--set", f"{key}={value}"]
    subprocess.run(command, check=True)
    clock = "environment_steps" if name in ONLINE else "gradient_steps"
    table = output / "finetune" / "progress.csv"
    with open(table if table.exists() else output / "progress.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["eval_return_mean"]]
    low, high = ROBOTS[robot]["scores"]
    prefix = "" if name in ONLINE else "member0_"
    return [
        (int(float(row[clock])), score(robot, float(row["eval_return_mean"])),
         100 * float(row["eval_return_std"]) / (high - low),
         *(row.get(f"{prefix}{loss}") or "nan" for loss in ("critic_loss", "policy_loss")))
        for row in rows if int(float(row[clock])) > 0]


# Peers


class Evaluation:
    """Ten robots side by side, so that a policy is asked once for all."""

    def __init__(self, robot, seed):
        import gymnasium

        self.robot, self.seed = robot, 10_000 * (seed + 1)
        self.robots = [gymnasium.make(ROBOTS[robot]["gymnasium"]) for _ in range(EPISODES)]

    def __call__(self, act):
        import numpy as np

        seen = [robot.reset(seed=self.seed + i)[0] for i, robot in enumerate(self.robots)]
        totals, running = np.zeros(EPISODES), list(range(EPISODES))
        while running:
            actions = act(np.stack([seen[i] for i in running]))
            for i, action in zip(list(running), np.asarray(actions, dtype=np.float64)):
                seen[i], reward, terminated, truncated, _ = self.robots[i].step(action)
                totals[i] += reward
                if terminated or truncated:
                    running.remove(i)
        scores = [score(self.robot, total) for total in totals]
        return statistics.fmean(scores), statistics.pstdev(scores)


class Means:
    """Means of a peer's losses since they were last asked for, as our names and definitions have them."""

    def __init__(self, sums_over_rows=1):
        self.names = {
            "critic_loss": ("critic_loss", 2), "q_loss": ("critic_loss", 2), "loss": ("policy_loss", 1),
            "actor_loss": ("policy_loss", sums_over_rows)}
        self.sums = {}

    def add(self, metrics):
        if "q_loss" in metrics:  # IQL's critic_loss is that of Q and V
            metrics = {key: value for key, value in metrics.items() if key != "critic_loss"}
        for key, value in metrics.items():
            if key in self.names:
                name, divisor = self.names[key]
                count, total = self.sums.get(name, (0, 0.0))
                self.sums[name] = (count + 1, total + value / divisor)

    def take(self):
        found = [self.sums.get(name, (1, math.nan)) for name in ("critic_loss", "policy_loss")]
        self.sums = {}
        return [total / count for count, total in found]


class Rows:
    """Transitions of a D4RL file: the following row is the next observation, and a row at which the time
    ran out, or the last, is none."""

    def __init__(self, path, keys):
        import h5py
        import numpy as np
        import torch

        with h5py.File(path) as file:
            observations, actions, rewards = (file[key][()] for key in ("observations", "actions", "rewards"))
            terminals, timeouts = file["terminals"][()].astype(bool), file["timeouts"][()].astype(bool)
        if keys.get("dataset.rewards") == "return-range":
            ends = np.nonzero(timeouts | terminals)[0] + 1
            returns = [part.sum(dtype=np.float64) for part in np.split(rewards, ends)[:-1]]
            rewards = rewards * (1000 / (max(returns) - min(returns)))
        kept = np.nonzero(~timeouts[:-1])[0]
        self.mean, self.scale = 0.0, 1.0
        if keys.get("dataset.observations") == "normalized":
            self.mean, self.scale = observations[kept].mean(0), observations[kept].std(0) + 1e-3
        observations = (observations - self.mean) / self.scale
        columns = (observations[kept], actions[kept], rewards[kept, None], observations[kept + 1],
                   terminals[kept, None])
        self.columns = [torch.tensor(np.asarray(column), dtype=torch.float32) for column in columns]
        self.sizes = (observations.shape[1], actions.shape[1])

    def minibatch(self, size):
        import torch

        rows = torch.randint(0, len(self.columns[0]), (size,))
        return [column[rows] for column in self.columns]

    def asked(self, policy):
        """A policy of observations as the robot gives them."""
        import torch

        def act(observations):
            with torch.no_grad():
                seen = torch.tensor((observations - self.mean) / self.scale, dtype=torch.float32)
                return policy(seen).numpy()
        return act


def d3rlpy_updates(options, name, robot, seed, as_released=False, without=()):
    """(updates, agent, rows, the update's metrics) after each update."""
    import torch

    import peers

    torch.manual_seed(seed)
    setting, (steps, _) = OFFLINE[name], length_of(name, options)
    rows = Rows(data_of(options, robot), setting.get("keys", {}))
    agent = peers.d3rlpy_agent(name, rows.sizes, [256, 256], setting["theirs"], as_released, without)
    if not as_released:
        peers.start_like_ours(name, agent)
    size = setting["theirs"]["batch_size"]
    zeros, ones, nothing = torch.zeros(size, 1), torch.ones(size, 1), torch.zeros(size, rows.sizes[1])
    for step in range(steps):
        observations, actions, rewards, following, terminals = rows.minibatch(size)
        metrics = agent.impl.update(peers.d3rlpy.torch_utility.TorchMiniBatch(
            observations=observations, actions=actions, rewards=rewards, next_observations=following,
            next_actions=nothing, returns_to_go=zeros, terminals=terminals, intervals=ones, device="cpu:0"), step)
        yield step + 1, agent, rows, metrics


def run_d3rlpy(options, name, robot, seed, **definitions):
    evaluate, interval = Evaluation(robot, seed), length_of(name, options)[1]
    # AWAC's loss of the policy is a sum over rows there.
    means = Means(sums_over_rows=OFFLINE[name]["theirs"]["batch_size"] if name == "awac" else 1)
    for step, agent, rows, metrics in d3rlpy_updates(options, name, robot, seed, **definitions):
        means.add(metrics)
        if step % interval == 0:
            yield step, *evaluate(rows.asked(agent.impl.predict_best_action)), *means.take()


def run_corl(options, name, robot, seed):
    import torch

    from corl import load_corl

    assert name == "spot" and options.corl, "CORL's programs: --corl FOLDER, for spot"
    program = load_corl(options.corl, name)
    torch.manual_seed(seed)
    setting, (steps, interval) = OFFLINE[name], length_of(name, options)
    rows = Rows(data_of(options, robot), setting.get("keys", {}))
    adam = lambda module, rate=3e-4: torch.optim.Adam(module.parameters(), lr=rate)
    vae = program.VAE(*rows.sizes, 2 * rows.sizes[1], 1.0, 750)
    actor, critics = program.Actor(*rows.sizes, 1.0), [program.Critic(*rows.sizes) for _ in range(2)]
    trainer = program.SPOT(
        1.0, actor, adam(actor), critics[0], adam(critics[0]), critics[1], adam(critics[1]), vae, adam(vae, 1e-3),
        lambd=setting["theirs"]["lambd"])
    evaluate, means = Evaluation(robot, seed), Means()
    for step in range(steps):
        learn = trainer.vae_train if step < setting["theirs"]["vae_steps"] else trainer.train
        means.add(learn(rows.minibatch(256)))
        if (step + 1) % interval == 0:
            yield step + 1, *evaluate(rows.asked(actor)), *means.take()


def run_sb3(options, name, robot, seed):
    import gymnasium
    import numpy as np
    import torch

    import peers

    setting, (steps, interval) = ONLINE[name], length_of(name, options)
    theirs = setting["theirs"] | {"seed": seed}
    environment = gymnasium.make(ROBOTS[robot]["gymnasium"])
    if setting["algorithm"] == "td3":
        size = environment.action_space.shape[0]
        theirs["action_noise"] = peers.sb3.common.noise.NormalActionNoise(np.zeros(size), 0.1 * np.ones(size))
    agent = peers.sb3_agent(setting["algorithm"], environment, [256, 256], theirs)
    peers.start_sb3_like_ours(agent)
    evaluate, found = Evaluation(robot, seed), []

    class Watch(peers.sb3.common.callbacks.BaseCallback):
        """Looks after the updates that belong to the steps, as we do, and not before them."""

        def _on_step(self):
            return True

        def _on_rollout_start(self):
            if self.num_timesteps > 0 and self.num_timesteps % interval == 0:
                found.append((self.num_timesteps, *evaluate(
                    lambda seen: self.model.predict(seen.astype(np.float32), deterministic=True)[0]), math.nan, math.nan))
                print(*found[-1], flush=True)

        _on_training_end = _on_rollout_start

    torch.manual_seed(seed)
    agent.learn(steps, callback=Watch())
    return found


def run_one(options, job):
    program, name, robot, seed = job
    if program == "bred":
        return run_ours(options, name, robot, seed)
    import torch

    torch.set_num_threads(1)
    if program == "sb3":
        return run_sb3(options, name, robot, seed)
    if program == "corl":
        return run_corl(options, name, robot, seed)
    return run_d3rlpy(
        options, name, robot, seed, as_released=program == "d3rlpy-as-released",
        without=LEFT_ON.get(program, ()))


# The table


def read_table():
    if not TABLE.exists():
        return {}
    table = {}
    with open(TABLE) as file:
        reader = csv.DictReader(file)
        for row in reader:
            try:
                job = (row["program"], row["algorithm"], row["robot"], int(row["seed"]))
                measures = [float(row[key] or "nan") for key in MEASURES]
                table.setdefault(job, []).append((int(row["step"]), *measures))
            except (KeyError, TypeError, ValueError) as problem:
                sys.exit(f"{TABLE}, line {reader.line_num}: not a row of {', '.join(COLUMNS)}: {problem}")
    return table


def write_table(table):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for job in sorted(table, key=str):
        for step, mean, deviation, *losses in table[job]:
            shown = ["" if math.isnan(loss) else f"{loss:.5g}" for loss in losses]
            writer.writerow([*job, step, f"{mean:.2f}", f"{deviation:.2f}", *shown])
    temporary = TABLE.with_suffix(".tmp")
    temporary.write_text(text.getvalue())
    temporary.replace(TABLE)


def wanted(options):
    """Jobs that --only leaves: of each kind of word given, one must fit."""
    words = set(options.only.split(",")) if options.only else set()
    known = [set(map(str, column)) for column in zip(*every_job())]
    unknown = words - set().union(*known)
    if unknown:
        sys.exit(f"curves.py: no job has {', '.join(sorted(unknown))}; see `curves.py list`")
    jobs = []
    for job in every_job():
        if all(not words & kind or str(value) in words for value, kind in zip(job, known)):
            jobs.append(job)
    return jobs


def run(options):
    lock = threading.Lock()
    done = {job: rows[-1][0] for job, rows in read_table().items()}
    jobs = [job for job in wanted(options) if done.get(job, 0) < length_of(job[1], options)[0]]
    if not options.corl:
        jobs = [job for job in jobs if job[0] != "corl"]
    pathlib.Path(options.runs).mkdir(parents=True, exist_ok=True)
    for robot in {job[2] for job in jobs}:
        data_of(options, robot)
    failed = []

    def work(job):
        title = "-".join(map(str, job))
        arguments = [sys.executable, __file__, "one", *map(str, job)]
        arguments += [part for key in ("bred", "data", "runs", "corl", "updates", "interval") if getattr(options, key)
                      for part in (f"--{key}", str(getattr(options, key)))]
        log = pathlib.Path(options.runs) / f"{title}.log"
        with open(log, "w") as output:
            environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            code = finish(arguments, stdout=output, stderr=output, env=environment)
        rows = [line.split()[1:] for line in log.read_text().splitlines() if line.startswith("score:")]
        with lock:
            if code or not rows:
                failed.append(title)
                print(f"{title}: failed, see {log}", file=sys.stderr, flush=True)
                return
            table = read_table()
            table[job] = [(int(step), *map(float, measures)) for step, *measures in rows]
            write_table(table)
            print(f"{title}: {table[job][-1][1]:.1f} at the end", flush=True)

    try:
        run_all(work, jobs, options.jobs)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(1 if failed else 0)


def interval_of(values):
    """Mean and half of Student's 95 % interval; no interval of one value."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, math.nan
    return mean, STUDENT[len(values) - 1] * statistics.stdev(values) / math.sqrt(len(values))


def disjoint(one, other):
    return abs(one[0] - other[0]) > one[1] + other[1]


def shown(mean, half):
    digits = 1 if abs(mean) >= 10 else 2 if abs(mean) >= 1 else 3
    return f"{mean:.{digits}f}" if math.isnan(half) else f"{mean:.{digits}f} ± {half:.{digits}f}"


def report(_):
    table = read_table()
    for robot in ROBOTS:
        for name in OFFLINE | ONLINE:
            programs, intervals = {}, {}
            for (program, algorithm, of, seed), rows in table.items():
                if algorithm == name and of == robot:
                    programs.setdefault(program, {})[seed] = rows
            if not programs:
                continue
            # Where one seed has come further, or was evaluated more often, the others have no number.
            steps = sorted({step for seeds in programs.values() for rows in seeds.values() for step, *_ in rows})
            print(f"\n**{name}, {robot}**\n")
            print("| program | seeds | measure | " + " | ".join(f"{step:,}" for step in steps) + " | mean of all |")
            print("|---" * (len(steps) + 4) + "|")
            for place, measure in enumerate(MEASURES):
                if measure == "deviation":
                    continue
                for program in sorted(programs):
                    curves = [{row[0]: row[1 + place] for row in rows} for rows in programs[program].values()]
                    if any(math.isnan(value) for curve in curves for value in curve.values()):
                        continue
                    cells = []
                    for step in steps:
                        values = [curve[step] for curve in curves if step in curve]
                        found = interval_of(values) if len(values) == len(curves) else None
                        cells.append(shown(*found) if found else "")
                        if found and len(values) > 1:
                            intervals.setdefault(program, {})[measure, step] = found
                    whole = all(len(curve) == len(curves[0]) for curve in curves)
                    means = [statistics.fmean(curve.values()) for curve in curves]
                    cells.append(shown(*interval_of(means)) if whole else "")
                    names = " ".join(map(str, sorted(programs[program])))
                    print(f"| {program} | {names} | {measure.replace('_', ' ')} | " + " | ".join(cells) + " |")
            ours = intervals.get("bred", {})
            for peer in sorted(set(intervals) - {"bred"}):
                common = sorted(set(ours) & set(intervals[peer]))
                apart = [key for key in common if disjoint(ours[key], intervals[peer][key])]
                print(f"\n{peer}: {len(apart)} of {len(common)} pairs of intervals lie apart"
                      + "".join(f", {measure} at {step:,}" for measure, step in apart))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("list", "name the jobs"), ("run", "run those that are not in the table"),
                       ("one", "run one job, its scores to standard output"), ("report", "the table in Markdown")):
        command = commands.add_parser(name, help=text)
        if name in ("list", "run"):
            command.add_argument("--only", help="comma-separated programs, algorithms, robots, seeds")
        if name == "one":
            for key in ("program", "algorithm", "robot"):
                command.add_argument(key)
            command.add_argument("seed", type=int)
        if name in ("run", "one"):
            command.add_argument("--bred", default=ROOT / ".build" / "release" / "bred")
            command.add_argument("--data", default=ROOT / "runs" / "parity" / "data")
            command.add_argument("--runs", default=ROOT / "runs" / "parity")
            command.add_argument("--updates", type=int, help="at most so many offline")
            command.add_argument("--interval", type=int, help="between evaluations offline")
            command.add_argument("--corl", help="folder of CORL's programs; its jobs are left out without")
        if name == "run":
            command.add_argument("--jobs", type=int, default=1, help="processes at a time, of one thread each")
    options = parser.parse_args()
    if options.command == "list":
        done = read_table()
        for job in wanted(options):
            print(*job, "done" if job in done else "")
    elif options.command == "one":
        for row in run_one(options, (options.program, options.algorithm, options.robot, options.seed)):
            print("score:", *row, flush=True)
    else:
        {"run": run, "report": report}[options.command](options)


if __name__ == "__main__":
    main()
