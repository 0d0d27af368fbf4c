/// Soft actor-critic from scratch, as in rlkit: the baseline, and the maker of datasets.
public struct SACConfiguration: Codable, Sendable, Equatable {
  /// Environment steps in total, ≥ 1. 250,000 (the budget BRED compares with).
  public var environmentSteps = 250_000
  /// Environment steps collected at a time, and one epoch of `progress.csv`, ≥ 1. 1000 (rlkit).
  public var blockSteps = 1000
  /// Gradient steps per environment step, (0, 1000]. 1 (SAC, table 1).
  public var updatesPerStep = 1.0
  /// Rows of the replay buffer, ≥ 1; the oldest are overwritten. 1,000,000 (SAC, table 1).
  public var bufferCapacity = 1_000_000
  /// B, transitions per minibatch, 1…65,536. 256 (SAC, table 1).
  public var batchSize = 256
  /// Adam's step size for policy and temperature, (0, 1]. 3e-4 (SAC, table 1).
  public var policyLearningRate = 3e-4
  /// Adam's step size for the critics, (0, 1]. 3e-4 (SAC, table 1).
  public var criticLearningRate = 3e-4
  /// γ, discount per step, [0, 1]. 0.99 (SAC, table 1).
  public var discount = 0.99
  /// τ, Polyak rate of the target critics per update, (0, 1]. 0.005 (SAC, table 1).
  public var tau = 0.005
  /// Blocks between checkpoints, ≥ 1; also written at the end and on interruption. Ours.
  public var checkpointInterval = 5
  /// Blocks between policies kept in `policies/`, ≥ 0; 0 keeps none. 0 (ours; D4RL's `medium` and
  /// `expert` sets were made by policies kept along the way).
  public var policyInterval = 0

  public init() {}
}
