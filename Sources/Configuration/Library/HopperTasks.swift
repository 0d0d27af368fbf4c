// Written by `make library` from experiments/; change it there.

enum HopperTasks {
  static let texts: [String: String] = [
    "hopper-expert-v0": """
    # D4RL's hopper-expert-v0, as BRED used it.
    environment: hopper

    dataset:
      path: hopper-expert-v0

    offline:
      edac:
        # EDAC, table 5: 50 critics on hopper, 10 elsewhere.
        critics: 50
      sac-n:
        # EDAC: 200 to 500 on hopper; which for this dataset is ours.
        critics: 200

    online:
      sac:
        # Ours, as for medium-expert data; BRED did not use this dataset.
        policyLearningRate: 5e-6
      td3:
        # Ours, as for medium-expert data; BRED did not use this dataset.
        policyLearningRate: 5e-6
      cql:
        # As for SAC above.
        policyLearningRate: 5e-6
      off2on:
        # As for SAC above.
        policyLearningRate: 5e-6
    """,
    "hopper-expert-v2": """
    # D4RL's hopper-expert-v2; scores on v0 and v2 cannot be compared.
    environment: hopper

    dataset:
      path: hopper-expert-v2

    offline:
      edac:
        # EDAC, table 5: 50 critics on hopper, 10 elsewhere.
        critics: 50
      sac-n:
        # EDAC: 200 to 500 on hopper; which for this dataset is ours.
        critics: 200

    online:
      sac:
        # Ours, as for medium-expert data; BRED did not use this dataset.
        policyLearningRate: 5e-6
      td3:
        # Ours, as for medium-expert data; BRED did not use this dataset.
        policyLearningRate: 5e-6
      cql:
        # As for SAC above.
        policyLearningRate: 5e-6
      off2on:
        # As for SAC above.
        policyLearningRate: 5e-6
    """,
    "hopper-full-replay-v2": """
    # D4RL's hopper-full-replay-v2; scores on v0 and v2 cannot be compared.
    environment: hopper

    dataset:
      path: hopper-full-replay-v2

    offline:
      edac:
        # EDAC, table 5: 50 critics on hopper, 10 elsewhere.
        critics: 50
      sac-n:
        # EDAC: 200 to 500 on hopper; which for this dataset is ours.
        critics: 200
    """,
    "hopper-medium-expert-v0": """
    # D4RL's hopper-medium-expert-v0, as BRED used it.
    environment: hopper

    dataset:
      path: hopper-medium-expert-v0

    offline:
      edac:
        # EDAC, table 5: 50 critics on hopper, 10 elsewhere.
        critics: 50
      sac-n:
        # EDAC: 200 to 500 on hopper; which for this dataset is ours.
        critics: 200
      spot:
        # SPOT's code, for v2.
        supportWeight: 0.2

    online:
      sac:
        # BRED, appendix A: one of 3e-4, 3e-5, 5e-6. Which is ours: the policy is near the expert's already.
        policyLearningRate: 5e-6
      td3:
        # BRED, appendix A: one of 3e-4, 3e-5, 5e-6. Which is ours: the policy is near the expert's already.
        policyLearningRate: 5e-6
      cql:
        # As for SAC above.
        policyLearningRate: 5e-6
      spot:
        # As offline; it falls.
        supportWeight: 0.2
      off2on:
        # As for SAC above.
        policyLearningRate: 5e-6
    """,
    "hopper-medium-expert-v2": """
    # D4RL's hopper-medium-expert-v2; scores on v0 and v2 cannot be compared.
    environment: hopper

    dataset:
      path: hopper-medium-expert-v2

    offline:
      edac:
        # EDAC, table 5: 50 critics on hopper, 10 elsewhere.
        critics: 50
      sac-n:
        # EDAC: 200 to 500 on hopper; which for this dataset is ours.
        critics: 200
      spot:
        # SPOT's code.
        supportWeight: 0.2

    online:
      sac:
        # BRED, appendix A: one of 3e-4, 3e-5, 5e-6. Which is ours: the policy is near the expert's already.
        policyLearningRate: 5e-6
      td3:
        # BRED, appendix A: one of 3e-4, 3e-5, 5e-6. Which is ours: the policy is near the expert's already.
        policyLearningRate: 5e-6
      cql:
        # As for SAC above.
        policyLearningRate: 5e-6
      spot:
        # As offline; it falls.
        supportWeight: 0.2
      off2on:
        # As for SAC above.
        policyLearningRate: 5e-6
    """,
    "hopper-medium-replay-v0": """
    # D4RL's hopper-medium-replay-v0, as BRED used it.
    environment: hopper

    dataset:
      path: hopper-medium-replay-v0

    offline:
      edac:
        # EDAC, table 5: 50 critics on hopper, 10 elsewhere.
        critics: 50
      sac-n:
        # CORL's SAC-N for hopper-medium-replay-v2: 200.
        critics: 200
    """,
    "hopper-medium-replay-v2": """
    # D4RL's hopper-medium-replay-v2; scores on v0 and v2 cannot be compared.
    environment: hopper

    dataset:
      path: hopper-medium-replay-v2

    offline:
      edac:
        # EDAC, table 5: 50 critics on hopper, 10 elsewhere.
        critics: 50
      sac-n:
        # CORL's SAC-N for hopper-medium-replay-v2: 200.
        critics: 200
    """,
    "hopper-medium-v0": """
    # D4RL's hopper-medium-v0, as BRED used it.
    environment: hopper

    dataset:
      path: hopper-medium-v0

    offline:
      cql:
        # BRED is silent. d3rlpy's reproduction with the CQL authors' code: 10 for medium data, 5 elsewhere.
        conservativeWeight: 10
      edac:
        # EDAC, table 5: 50 critics on hopper, 10 elsewhere.
        critics: 50
      sac-n:
        # CORL's SAC-N for hopper-medium-v2: 500.
        critics: 500

    online:
      sac:
        # BRED, appendix A: one of 3e-4, 3e-5, 5e-6. Which is ours: small steps where data is narrow and robots fall.
        policyLearningRate: 3e-5
      td3:
        # BRED, appendix A: one of 3e-4, 3e-5, 5e-6. Which is ours: small steps where data is narrow and robots fall.
        policyLearningRate: 3e-5
      cql:
        # Where the regulariser stays on (BRED, appendix B): as offline.
        conservativeWeight: 10
        # As for SAC above.
        policyLearningRate: 3e-5
      off2on:
        # As for SAC above.
        policyLearningRate: 3e-5
    """,
    "hopper-medium-v2": """
    # D4RL's hopper-medium-v2; scores on v0 and v2 cannot be compared.
    environment: hopper

    dataset:
      path: hopper-medium-v2

    offline:
      cql:
        # BRED is silent. d3rlpy's reproduction with the CQL authors' code: 10 for medium data, 5 elsewhere.
        conservativeWeight: 10
      edac:
        # EDAC, table 5: 50 critics on hopper, 10 elsewhere.
        critics: 50
      sac-n:
        # CORL's SAC-N for hopper-medium-v2: 500.
        critics: 500

    online:
      sac:
        # BRED, appendix A: one of 3e-4, 3e-5, 5e-6. Which is ours: small steps where data is narrow and robots fall.
        policyLearningRate: 3e-5
      td3:
        # BRED, appendix A: one of 3e-4, 3e-5, 5e-6. Which is ours: small steps where data is narrow and robots fall.
        policyLearningRate: 3e-5
      cql:
        # Where the regulariser stays on (BRED, appendix B): as offline.
        conservativeWeight: 10
        # As for SAC above.
        policyLearningRate: 3e-5
      off2on:
        # As for SAC above.
        policyLearningRate: 3e-5
    """,
    "hopper-random-v0": """
    # D4RL's hopper-random-v0, as BRED used it.
    environment: hopper

    dataset:
      path: hopper-random-v0

    offline:
      edac:
        # EDAC, table 5: 50 critics on hopper, 10 elsewhere.
        critics: 50
      sac-n:
        # EDAC: 200 to 500 on hopper; which for this dataset is ours.
        critics: 200
    """,
    "hopper-random-v2": """
    # D4RL's hopper-random-v2; scores on v0 and v2 cannot be compared.
    environment: hopper

    dataset:
      path: hopper-random-v2

    offline:
      edac:
        # EDAC, table 5: 50 critics on hopper, 10 elsewhere.
        critics: 50
      sac-n:
        # EDAC: 200 to 500 on hopper; which for this dataset is ours.
        critics: 200
    """,
  ]
}
