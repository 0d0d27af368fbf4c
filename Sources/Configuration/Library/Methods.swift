// Written by `make library` from experiments/; change it there.

enum Methods {
  static let texts: [String: String] = [
    "awac": """
    # AWAC (Nair et al. 2020) with the settings of rlkit's MuJoCo example, as an ensemble like all of BRED's
    # baselines.
    offline:
      algorithm: awac
      # rlkit's MuJoCo example.
      gradientSteps: 50000
      awac:
        # rlkit's example: minibatches are smaller offline than online, 1024.
        batchSize: 128

    online:
      algorithm: awac
      actor: independent
      replay: uniform
      # rlkit: 1000 updates for each 1000 steps.
      firstBlockMultiplier: 1
    """,
    "bc": """
    # Behaviour cloning of one stochastic policy, with CORL's minibatches and number of updates.
    offline:
      algorithm: bc
      members: 1

    online:
      algorithm: none
    """,
    "bcq-ft": """
    # BCQ (Fujimoto et al. 2019) that goes on with online rows added (BRED, section 6), as an ensemble like all
    # of BRED's baselines. Replay and pace are ours: one uniform buffer, one update for each step.
    offline:
      algorithm: bcq

    online:
      algorithm: bcq
      actor: independent
      replay: uniform
      firstBlockMultiplier: 1
    """,
    "bred-calibrated": """
    # Ours, not the paper's: BRED whose critics start at the data's returns, where CQL left them hundreds below
    # (docs/results/dip.md).
    online:
      startValues: data-returns
    """,
    "bred-density-ratio": """
    # BRED with Off2On's replay: the distilled policy learns, rows come as often as a learned density ratio says.
    # Neither paper has it.
    online:
      algorithm: off2on
      actor: distilled
      replay: density-ratio
    """,
    "bred-exponential": """
    # BRED with an online share that rises abruptly (BRED, appendix I, which gives no formula; ours is the
    # geometric one).
    online:
      schedule: exponential
    """,
    "bred-independent": """
    # BRED without distillation: each agent goes on with its own policy, critics and temperature; they act as
    # their mixture (BRED, figure 5 and appendix E).
    online:
      actor: independent
    """,
    "bred-online-only": """
    # BRED without the dataset after the hand-over (BRED, section 6.3 and appendix L).
    online:
      replay: online-only
    """,
    "bred-uniform": """
    # BRED with all rows of dataset and interaction drawn alike (BRED, section 6.3).
    online:
      replay: uniform
    """,
    "bred": """
    # BRED (arXiv:2107.00591v1): five agents of CQL, distilled into one policy; then SAC with their critics, on
    # balanced replay. The defaults are its settings; this names its parts.
    offline:
      algorithm: cql

    online:
      algorithm: sac
      actor: distilled
      replay: balanced
    """,
    "cal-ql": """
    # Cal-QL (Nakamoto et al. 2023): CQL whose regulariser spares what the data's returns allow. Not published for
    # locomotion: settings of its code, on as many steps as BRED.
    offline:
      algorithm: cal-ql
      members: 1
      cal-ql:
        # Cal-QL's code.
        policyLearningRate: 1e-4
        # Cal-QL's code: the best of ten actions, by the lower of the twins.
        backup: maximum-of-minima

    online:
      algorithm: cal-ql
      actor: independent
      # Cal-QL's code (conservative_sac_main.py): an episode, then as many updates as it had steps. Returns are known
      # at its end.
      collection: episodes
      firstBlockMultiplier: 1
      # Cal-QL's code (run_adroit.sh, run_antmaze.sh): mixing ratio 0.5.
      replay: half
      cal-ql:
        policyLearningRate: 1e-4
        backup: maximum-of-minima
    """,
    "cql-ft-online-only": """
    # CQL, then SAC without the regulariser and without the dataset (BRED, figure 8, appendix C).
    online:
      actor: independent
      replay: online-only
      # rlkit: as many updates as steps. BRED's longer first block is its own.
      firstBlockMultiplier: 1
    """,
    "cql-ft-regularized": """
    # CQL that goes on online with its regulariser (BRED, appendix B). Which replay is ours: that of cql-ft.
    online:
      algorithm: cql
      actor: independent
      replay: uniform
      # rlkit: as many updates as steps. BRED's longer first block is its own.
      firstBlockMultiplier: 1
    """,
    "cql-ft": """
    # CQL, then SAC without the regulariser on uniform replay (BRED, section 6). An ensemble like all of BRED's
    # baselines; how they act is unstated, here as their mixture, as in Off2On's code for AWAC.
    online:
      actor: independent
      replay: uniform
      # rlkit: as many updates as steps. BRED's longer first block is its own.
      firstBlockMultiplier: 1
    """,
    "edac": """
    # EDAC (An et al. 2021), offline alone, with the settings of its code; number of critics and diversity
    # depend on the task.
    networks:
      # EDAC's code.
      hiddenLayers: 3

    offline:
      algorithm: edac
      members: 1
      # EDAC's code: 3000 epochs of 1000.
      gradientSteps: 3000000

    online:
      algorithm: none
    """,
    "iql": """
    # IQL (Kostrikov et al. 2021), offline and on: settings of its code for locomotion, on as many steps as BRED.
    dataset:
      # IQL's code, for locomotion; online rewards here likewise.
      rewards: return-range

    offline:
      algorithm: iql
      members: 1

    online:
      algorithm: iql
      actor: independent
      collection: steps
      blockSteps: 1
      # IQL's code: one buffer, one update after each step.
      replay: uniform
      firstBlockMultiplier: 1
      iql:
        # IQL's code (configs/antmaze_finetune_config.py, opt_decay_schedule = None): no decay of the step size.
        # There, agents to be fine-tuned learn without it offline too; here those of its offline experiments go on.
        policyDecaySteps: 0
    """,
    "off2on": """
    # Off2On (Lee et al. 2021, arXiv:2107.00591): five agents of CQL, whose live mixture acts and learns; rows
    # come as often as a learned density ratio says. Settings of its code.
    online:
      algorithm: off2on
      actor: mixture
      replay: density-ratio
    """,
    "pex": """
    # PEX (Zhang et al. 2023): a new policy beside that of IQL; settings of its code, its example for
    # halfcheetah-random, without scaling of rewards.
    offline:
      algorithm: iql
      members: 1
      iql:
        # PEX's example.
        expectile: 0.9
        inverseTemperature: 10

    online:
      algorithm: pex
      actor: independent
      collection: steps
      blockSteps: 1
      # PEX's code: 5000 steps before the first update, then one for each.
      warmupSteps: 5000
      firstBlockMultiplier: 1
      # PEX's code: half offline, half online.
      replay: half
      pex:
        # PEX's example.
        expectile: 0.9
    """,
    "rlpd": """
    # RLPD (Ball et al. 2023): SAC from scratch with ten normalised critics, on minibatches half the dataset's.
    offline:
      algorithm: none

    online:
      algorithm: rlpd
      # RLPD's code: 20 updates after each step, from step 5000 on; random actions until then.
      collection: steps
      blockSteps: 1
      updatesPerStep: 20
      randomSteps: 5000
      firstBlockMultiplier: 1
      # RLPD, section 4.1: symmetric sampling.
      replay: half
    """,
    "sac-d-ft": """
    # CQL, then SAC whose critics' target has no entropy term, as in CQL's (BRED, appendix C: SAC-D).
    online:
      actor: independent
      replay: uniform
      # rlkit: as many updates as steps. BRED's longer first block is its own.
      firstBlockMultiplier: 1
      sac:
        backup: deterministic
    """,
    "sac-n": """
    # SAC-N (An et al. 2021), offline alone, with the settings of EDAC's code; the number of critics depends on the
    # task.
    networks:
      # EDAC's code.
      hiddenLayers: 3

    offline:
      algorithm: sac-n
      members: 1
      # EDAC's code: 3000 epochs of 1000.
      gradientSteps: 3000000

    online:
      algorithm: none
    """,
    "sac": """
    # SAC from scratch (Haarnoja et al. 2018) as in rlkit, on its own replay: the dataset plays no part.
    offline:
      algorithm: none

    online:
      algorithm: sac
      replay: online-only
      # rlkit: as many updates as steps.
      firstBlockMultiplier: 1
    """,
    "spot": """
    # SPOT (Wu et al. 2022), offline and on: settings of its code, offline those for locomotion. Its fine-tuning is
    # published for AntMaze alone; here on as many steps as BRED, with the offline settings and falling weight.
    dataset:
      # SPOT's code (main.py, train_vae.py).
      observations: normalized

    offline:
      algorithm: spot
      members: 1
      # SPOT's code: 1,000,000 after the autoencoder's 100,000.
      gradientSteps: 1100000

    online:
      algorithm: spot
      actor: independent
      collection: steps
      blockSteps: 1
      # SPOT's code (main_finetune.py): one buffer, one update after each step.
      replay: uniform
      firstBlockMultiplier: 1
    """,
    "td3-bc": """
    # TD3+BC (Fujimoto & Gu 2021), offline alone as in its paper, with the settings of its code.
    # 'online.algorithm=td3-bc', or 'td3', goes on online.
    dataset:
      # TD3+BC's code (main.py, --normalize).
      observations: normalized

    offline:
      algorithm: td3-bc
      members: 1

    online:
      algorithm: none
    """,
    "td3-ft": """
    # CQL, then TD3 (BRED, appendix C). The hand-over is ours: the policy keeps the means alone.
    online:
      algorithm: td3
      actor: independent
      replay: uniform
      # rlkit: as many updates as steps. BRED's longer first block is its own.
      firstBlockMultiplier: 1
    """,
    "wsrl": """
    # WSRL (Zhou et al. 2024): an offline agent collects warm-up steps as it is; then SAC with four updates for
    # each step, on its own replay alone. Settings of its code, but for the networks: its offline agent has ten
    # normalised critics, and CQL here has plain twins, with which the online agent goes on.
    offline:
      algorithm: cql
      members: 1
      # WSRL's code for locomotion.
      gradientSteps: 250000

    online:
      algorithm: rlpd
      actor: independent
      collection: steps
      blockSteps: 1
      # WSRL's code: 1024 rows cut into four critic updates.
      updatesPerStep: 4
      # WSRL, section 5: steps with the offline policy, without updates.
      warmupSteps: 5000
      firstBlockMultiplier: 1
      replay: online-only
      rlpd:
        # What there is to take over: see above.
        critics: 2
        normalizesCritics: false
        # WSRL's code, from here on.
        policyDelay: 4
        policyLearningRate: 1e-4
        entropyBackup: false
        targetEntropy: 0
    """,
  ]
}
