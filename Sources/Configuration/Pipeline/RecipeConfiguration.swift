/// A full set of datasets of one robot by D4RL's recipe (D4RL, section 4.6 and appendix; its
/// `gym_mujoco` files).
public struct RecipeConfiguration: Codable, Sendable, Equatable {
  /// Environment steps of soft actor-critic, and rows of the full-replay set, ≥ 1; at most
  /// `sac.bufferCapacity`. 1,000,000 (D4RL's full-replay sets). Takes the place of
  /// `sac.environmentSteps`.
  public var environmentSteps = 1_000_000
  /// Blocks between candidate policies, and between evaluations, ≥ 1. 10 (ours). Takes the place of
  /// `sac.policyInterval` and `evaluation.interval`.
  public var policyInterval = 10
  /// Rows of the random, the medium and the expert set, ≥ 1; the medium-expert set has twice as many.
  /// 1,000,000 (D4RL).
  public var rows = 1_000_000
  /// Episodes of sampled actions by which each candidate is judged, ≥ 1. 10 (ours).
  public var candidateEpisodes = 10
  /// The medium policy is the first candidate whose score reaches this share of the expert's, (0, 1].
  /// 1/3 (D4RL: about a third of the performance of the expert).
  public var mediumFraction = 1.0 / 3

  public init() {}
}
