/// Offline training of N independent CQL agents (BRED, section 4; CQL, section 3).
public struct PretrainConfiguration: Codable, Sendable, Equatable {
  /// N, agents, 1…64. 5 (BRED, section 6).
  public var members = 5
  /// Gradient steps of each agent, ≥ 1. 1,000,000 (BRED, appendix A).
  public var gradientSteps = 1_000_000
  /// Gradient steps per epoch, that is, per row of `progress.csv`, ≥ 1. 1000 (CQL's code).
  public var epochSteps = 1000
  /// Epochs between checkpoints, ≥ 1; also written at the end and on interruption. Ours.
  public var checkpointInterval = 1
  /// B, transitions per minibatch and member, 1…65,536. 256 (SAC, table 1).
  public var batchSize = 256
  /// Adam's step size for policy and temperature, (0, 1]. 3e-4 (rlkit's default, which BRED kept).
  public var policyLearningRate = 3e-4
  /// Adam's step size for the critics, (0, 1]. 3e-4 (BRED, appendix A).
  public var criticLearningRate = 3e-4
  /// γ, discount per step, [0, 1]. 0.99 (SAC, table 1).
  public var discount = 0.99
  /// τ, Polyak rate of the target critics per update, (0, 1]. 0.005 (SAC, table 1).
  public var tau = 0.005
  /// w, weight of the conservative regulariser beside an unhalved squared error, [0, 1e6].
  /// 5 (CQL's code; 10 for `medium` data).
  public var conservativeWeight = 5.0
  /// How w is found: fixed, or multiplied by a Lagrange multiplier. Fixed (BRED).
  public var weighting = ConservativeWeighting.fixed
  /// τ of CQL's eq. 30, the allowed gap of Q values, [0, 1e6]; only with a Lagrange weighting.
  public var lagrangeGap = 0.0
  /// The regulariser: CQL(H) with importance sampling, or CQL(ρ) without. CQL(H) (CQL's code).
  public var regularizer = ConservativeRegularizer.importanceSampled
  /// n, actions drawn per state of each of the three kinds, and for the max-Q backups, 1…256.
  /// 10 (CQL's code).
  public var sampledActions = 10
  /// Bootstrap value of s′. Without an entropy term (CQL's code and eq. 5).
  public var backup = CriticBackup.deterministic
  /// Updates in whose policy loss the critic is replaced by behaviour cloning, ≥ 0.
  /// 0 (young-geng/CQL; 40,000 in CQL's own code).
  public var cloningSteps = 0

  public init() {}
}

public enum ConservativeWeighting: String, Codable, Sendable, CaseIterable {
  case fixed
  /// α′·(w·R − gap), log α′ starts at 0 (the CQL authors' code).
  case lagrange
  /// α′·w·(R − gap), log α′ starts at 1 (young-geng/CQL, CORL).
  case scaledLagrange = "scaled-lagrange"
}

public enum ConservativeRegularizer: String, Codable, Sendable, CaseIterable {
  /// CQL(H): log-sum-exp of Q less the log-density of each sampled action.
  case importanceSampled = "importance-sampled"
  /// CQL(ρ): log-sum-exp of the plain Q values, the dataset's action among them.
  case plain
}

public enum CriticBackup: String, Codable, Sendable, CaseIterable {
  case deterministic, entropy
  /// minⱼ maxᵢ Q̄ⱼ(s′, aᵢ) (the CQL authors' order).
  case minimumOfMaxima = "min-max-q"
  /// maxᵢ minⱼ Q̄ⱼ(s′, aᵢ) (CORL's and Cal-QL's order).
  case maximumOfMinima = "max-min-q"
}
