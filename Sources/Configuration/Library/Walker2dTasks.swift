// Written by `make library` from experiments/; change it there.

enum Walker2dTasks {
  static let texts: [String: String] = [
    "walker2d-expert-v0": """
    # D4RL's walker2d-expert-v0, as BRED used it.
    environment: walker2d

    dataset:
      path: walker2d-expert-v0

    offline:
      sac-n:
        # CORL's SAC-N for walker2d: 20.
        critics: 20

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
    "walker2d-expert-v2": """
    # D4RL's walker2d-expert-v2; scores on v0 and v2 cannot be compared.
    environment: walker2d

    dataset:
      path: walker2d-expert-v2

    offline:
      sac-n:
        # CORL's SAC-N for walker2d: 20.
        critics: 20

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
    "walker2d-full-replay-v2": """
    # D4RL's walker2d-full-replay-v2; scores on v0 and v2 cannot be compared.
    environment: walker2d

    dataset:
      path: walker2d-full-replay-v2

    offline:
      sac-n:
        # CORL's SAC-N for walker2d: 20.
        critics: 20
    """,
    "walker2d-medium-expert-v0": """
    # D4RL's walker2d-medium-expert-v0, as BRED used it.
    environment: walker2d

    dataset:
      path: walker2d-medium-expert-v0

    offline:
      edac:
        # EDAC, table 5: 5 for this dataset, 1 for most.
        diversity: 5
      sac-n:
        # CORL's SAC-N for walker2d: 20.
        critics: 20
      spot:
        # SPOT's code, for v2.
        supportWeight: 0.5

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
        supportWeight: 0.5
      off2on:
        # As for SAC above.
        policyLearningRate: 5e-6
    """,
    "walker2d-medium-expert-v2": """
    # D4RL's walker2d-medium-expert-v2; scores on v0 and v2 cannot be compared.
    environment: walker2d

    dataset:
      path: walker2d-medium-expert-v2

    offline:
      edac:
        # EDAC, table 5: 5 for this dataset, 1 for most.
        diversity: 5
      sac-n:
        # CORL's SAC-N for walker2d: 20.
        critics: 20
      spot:
        # SPOT's code.
        supportWeight: 0.5

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
        supportWeight: 0.5
      off2on:
        # As for SAC above.
        policyLearningRate: 5e-6
    """,
    "walker2d-medium-replay-v0": """
    # D4RL's walker2d-medium-replay-v0, as BRED used it.
    environment: walker2d

    dataset:
      path: walker2d-medium-replay-v0

    offline:
      sac-n:
        # CORL's SAC-N for walker2d: 20.
        critics: 20
      spot:
        # SPOT's code, for v2.
        supportWeight: 0.2

    online:
      spot:
        # As offline; it falls.
        supportWeight: 0.2
    """,
    "walker2d-medium-replay-v2": """
    # D4RL's walker2d-medium-replay-v2; scores on v0 and v2 cannot be compared.
    environment: walker2d

    dataset:
      path: walker2d-medium-replay-v2

    offline:
      sac-n:
        # CORL's SAC-N for walker2d: 20.
        critics: 20
      spot:
        # SPOT's code.
        supportWeight: 0.2

    online:
      spot:
        # As offline; it falls.
        supportWeight: 0.2
    """,
    "walker2d-medium-v0": """
    # D4RL's walker2d-medium-v0, as BRED used it.
    environment: walker2d

    dataset:
      path: walker2d-medium-v0

    offline:
      cql:
        # BRED is silent. d3rlpy's reproduction with the CQL authors' code: 10 for medium data, 5 elsewhere.
        conservativeWeight: 10
      sac-n:
        # CORL's SAC-N for walker2d: 20.
        critics: 20
      spot:
        # SPOT's code, for v2.
        supportWeight: 0.2

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
      spot:
        # As offline; it falls.
        supportWeight: 0.2
      off2on:
        # As for SAC above.
        policyLearningRate: 3e-5
    """,
    "walker2d-medium-v2": """
    # D4RL's walker2d-medium-v2; scores on v0 and v2 cannot be compared.
    environment: walker2d

    dataset:
      path: walker2d-medium-v2

    offline:
      cql:
        # BRED is silent. d3rlpy's reproduction with the CQL authors' code: 10 for medium data, 5 elsewhere.
        conservativeWeight: 10
      sac-n:
        # CORL's SAC-N for walker2d: 20.
        critics: 20
      spot:
        # SPOT's code.
        supportWeight: 0.2

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
      spot:
        # As offline; it falls.
        supportWeight: 0.2
      off2on:
        # As for SAC above.
        policyLearningRate: 3e-5
    """,
    "walker2d-random-v0": """
    # D4RL's walker2d-random-v0, as BRED used it.
    environment: walker2d

    dataset:
      path: walker2d-random-v0

    offline:
      sac-n:
        # CORL's SAC-N for walker2d: 20.
        critics: 20
    """,
    "walker2d-random-v2": """
    # D4RL's walker2d-random-v2; scores on v0 and v2 cannot be compared.
    environment: walker2d

    dataset:
      path: walker2d-random-v2

    offline:
      sac-n:
        # CORL's SAC-N for walker2d: 20.
        critics: 20
    """,
  ]
}
