// Written by `make library` from experiments/; change it there.

enum HalfCheetahTasks {
  static let texts: [String: String] = [
    "halfcheetah-expert-v0": """
    # D4RL's halfcheetah-expert-v0, as BRED used it.
    environment: halfcheetah

    dataset:
      path: halfcheetah-expert-v0
    """,
    "halfcheetah-expert-v2": """
    # D4RL's halfcheetah-expert-v2; scores on v0 and v2 cannot be compared.
    environment: halfcheetah

    dataset:
      path: halfcheetah-expert-v2
    """,
    "halfcheetah-full-replay-v2": """
    # D4RL's halfcheetah-full-replay-v2; scores on v0 and v2 cannot be compared.
    environment: halfcheetah

    dataset:
      path: halfcheetah-full-replay-v2
    """,
    "halfcheetah-medium-expert-v0": """
    # D4RL's halfcheetah-medium-expert-v0, as BRED used it.
    environment: halfcheetah

    dataset:
      path: halfcheetah-medium-expert-v0

    networks:
      # BRED, appendix A: 3 x 256 in policy and critics, for this dataset alone.
      hiddenLayers: 3

    offline:
      edac:
        # EDAC, table 5: 5 for this dataset, 1 for most.
        diversity: 5
      spot:
        # SPOT's code, for v2.
        supportWeight: 1

    online:
      spot:
        # As offline; it falls.
        supportWeight: 1
    """,
    "halfcheetah-medium-expert-v2": """
    # D4RL's halfcheetah-medium-expert-v2; scores on v0 and v2 cannot be compared.
    environment: halfcheetah

    dataset:
      path: halfcheetah-medium-expert-v2

    networks:
      # BRED, appendix A: 3 x 256 in policy and critics, for this dataset alone.
      hiddenLayers: 3

    offline:
      edac:
        # EDAC, table 5: 5 for this dataset, 1 for most.
        diversity: 5
      spot:
        # SPOT's code.
        supportWeight: 1

    online:
      spot:
        # As offline; it falls.
        supportWeight: 1
    """,
    "halfcheetah-medium-replay-v0": """
    # D4RL's halfcheetah-medium-replay-v0, as BRED used it.
    environment: halfcheetah

    dataset:
      path: halfcheetah-medium-replay-v0

    offline:
      spot:
        # SPOT's code, for v2.
        supportWeight: 0.05

    online:
      spot:
        # As offline; it falls.
        supportWeight: 0.05
    """,
    "halfcheetah-medium-replay-v2": """
    # D4RL's halfcheetah-medium-replay-v2; scores on v0 and v2 cannot be compared.
    environment: halfcheetah

    dataset:
      path: halfcheetah-medium-replay-v2

    offline:
      spot:
        # SPOT's code.
        supportWeight: 0.05

    online:
      spot:
        # As offline; it falls.
        supportWeight: 0.05
    """,
    "halfcheetah-medium-v0": """
    # D4RL's halfcheetah-medium-v0, as BRED used it.
    environment: halfcheetah

    dataset:
      path: halfcheetah-medium-v0

    offline:
      cql:
        # BRED is silent. d3rlpy's reproduction with the CQL authors' code: 10 for medium data, 5 elsewhere.
        conservativeWeight: 10
      spot:
        # SPOT's code, for v2.
        supportWeight: 0.05

    online:
      # Off2On's example; BRED, section 6.1: one of 0.25, 0.5, 0.75, 0.9, for which data is not published.
      initialOnlineFraction: 0.75
      cql:
        # Where the regulariser stays on (BRED, appendix B): as offline.
        conservativeWeight: 10
      spot:
        # As offline; it falls.
        supportWeight: 0.05
    """,
    "halfcheetah-medium-v2": """
    # D4RL's halfcheetah-medium-v2; scores on v0 and v2 cannot be compared.
    environment: halfcheetah

    dataset:
      path: halfcheetah-medium-v2

    offline:
      cql:
        # BRED is silent. d3rlpy's reproduction with the CQL authors' code: 10 for medium data, 5 elsewhere.
        conservativeWeight: 10
      spot:
        # SPOT's code.
        supportWeight: 0.05

    online:
      # Off2On's example; BRED, section 6.1: one of 0.25, 0.5, 0.75, 0.9, for which data is not published.
      initialOnlineFraction: 0.75
      cql:
        # Where the regulariser stays on (BRED, appendix B): as offline.
        conservativeWeight: 10
      spot:
        # As offline; it falls.
        supportWeight: 0.05
    """,
    "halfcheetah-random-v0": """
    # D4RL's halfcheetah-random-v0, as BRED used it.
    environment: halfcheetah

    dataset:
      path: halfcheetah-random-v0
    """,
    "halfcheetah-random-v2": """
    # D4RL's halfcheetah-random-v2; scores on v0 and v2 cannot be compared.
    environment: halfcheetah

    dataset:
      path: halfcheetah-random-v2
    """,
  ]
}
