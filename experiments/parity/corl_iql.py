"""IQL of CORL on a file of ours, to be compared with `bred run --method iql` on the same file.

CORL's program is not part of this project: fetch algorithms/offline/iql.py of corl-team/CORL yourself and
give its path. Only its classes run; data, rewards and evaluation follow its `train`, with observations as they are
and rewards scaled by the range of returns (`normalize=False, normalize_reward=True`), as in the authors' settings.

    pip install torch h5py imageio gymnasium==1.0.0 mujoco==2.3.7
    python experiments/parity/corl_iql.py --program iql.py --dataset halfcheetah-medium-200k.hdf5 --seed 0
"""

import argparse

import gymnasium
import h5py
import numpy as np
import torch

from corl import load_program

SCORE_OF_NOTHING, SCORE_OF_EXPERT = -280.178953, 12135.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="CORL's algorithms/offline/iql.py")
    parser.add_argument("--dataset", required=True, help="a D4RL file of halfcheetah")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--updates", type=int, default=20_000)
    parser.add_argument("--interval", type=int, default=4_000, help="updates between evaluations")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()

    iql = load_program(options.program)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    file = h5py.File(options.dataset)
    observations, actions = file["observations"][()], file["actions"][()]
    rewards, following = file["rewards"][()], file["next_observations"][()]
    terminals = file["terminals"][()].astype(np.float32)
    ends = np.nonzero(file["timeouts"][()] | (terminals > 0))[0] + 1
    returns = [part.sum(dtype=np.float64) for part in np.split(rewards, ends) if len(part)]
    rewards = rewards / (max(returns) - min(returns)) * 1000

    columns = [observations, actions, rewards[:, None], following, terminals[:, None]]
    columns = [torch.tensor(column, dtype=torch.float32) for column in columns]
    sizes = (observations.shape[1], actions.shape[1])
    critic, value = iql.TwinQ(*sizes), iql.ValueFunction(sizes[0])
    actor = iql.GaussianPolicy(*sizes, 1.0)
    adam = lambda network: torch.optim.Adam(network.parameters(), lr=3e-4)
    trainer = iql.ImplicitQLearning(
        max_action=1.0, actor=actor, actor_optimizer=adam(actor), q_network=critic,
        q_optimizer=adam(critic), v_network=value, v_optimizer=adam(value), discount=0.99, tau=0.005,
        device="cpu", beta=3.0, iql_tau=0.7, max_steps=1_000_000)

    robot = gymnasium.make("HalfCheetah-v4")
    for update in range(1, options.updates + 1):
        rows = torch.randint(0, len(observations), (256,))
        log = trainer.train([column[rows] for column in columns])
        if update % options.interval:
            continue
        actor.eval()
        scores = []
        for episode in range(5):
            observation, _ = robot.reset(seed=100 * options.seed + episode)
            total, over = 0.0, False
            while not over:
                observation, reward, terminated, truncated, _ = robot.step(actor.act(observation))
                total, over = total + reward, terminated or truncated
            scores.append(100 * (total - SCORE_OF_NOTHING) / (SCORE_OF_EXPERT - SCORE_OF_NOTHING))
        actor.train()
        losses = {name: round(loss, 3) for name, loss in log.items()}
        print(update, f"score {np.mean(scores):.1f} ± {np.std(scores):.1f}", losses, flush=True)


if __name__ == "__main__":
    main()
