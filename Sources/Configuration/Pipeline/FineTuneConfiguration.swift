/// Online fine-tuning with balanced replay and the mean of N critics (BRED, section 5).
public struct FineTuneConfiguration: Codable, Sendable, Equatable {
  /// Who acts and learns: the distilled policy (BRED), or the live mixture of all members (Off2On).
  public var actor = ActorKind.distilled
  /// Environment steps in total, ≥ 1. 250,000 (BRED, section 6).
  public var environmentSteps = 250_000
  /// Environment steps collected at a time, and one epoch of `progress.csv`, ≥ 1. 1000 (BRED).
  public var blockSteps = 1000
  /// Gradient steps per environment step, (0, 1000]. 1 (BRED).
  public var updatesPerStep = 1.0
  /// Factor on the updates of the first block, (0, 1000]. 10 (BRED; Off2On's example has 5).
  public var firstBlockMultiplier = 10.0
  /// Which minibatches: `balanced` (eq. 7), `uniform` over all rows, or `online-only`.
  public var replay = ReplayScheme.balanced
  /// ρ₀, online share of a minibatch at the start, [0, 1]; only with `replay: balanced`.
  /// 0.5 (ours; BRED chooses among 0.25, 0.5, 0.75 and 0.9 without saying which for what).
  public var initialOnlineFraction = 0.5
  /// t_final, online steps after which minibatches are wholly online, ≥ 1. 125,000 (BRED, eq. 7).
  public var finalTimestep = 125_000
  /// How the online share rises from ρ₀ to 1. Linear (BRED, eq. 7); exponential in its appendix I.
  public var schedule = MixingScheduleKind.linear
  /// B, transitions per minibatch, 1…65,536. 256 (SAC, table 1).
  public var batchSize = 256
  /// Adam's step size for policy and temperature, (0, 1].
  /// 3e-4 (Off2On; BRED chooses among 3e-4, 3e-5 and 5e-6 for each dataset).
  public var policyLearningRate = 3e-4
  /// Adam's step size for the critics, (0, 1]. 3e-4 (BRED, appendix A).
  public var criticLearningRate = 3e-4
  /// γ, discount per step, [0, 1]. 0.99 (SAC, table 1).
  public var discount = 0.99
  /// τ, Polyak rate of the target critics per update, (0, 1]. 0.005 (SAC, table 1).
  public var tau = 0.005
  /// Where α starts: at `initialTemperature` (Off2On), or at the mean of the members' last α, which
  /// pretraining leaves in their files (ours).
  public var startTemperature = StartTemperature.fixed
  /// α at the start, (0, 1000]; tuned from the first update on; only with `startTemperature: fixed`.
  /// 1 (Off2On).
  public var initialTemperature = 1.0
  /// Blocks between checkpoints, ≥ 1; also written at the end and on interruption. Ours.
  public var checkpointInterval = 5

  public init() {}

  /// Gradient steps of block `index`.
  package func updates(inBlock index: Int) -> Int {
    let factor = index == 0 ? firstBlockMultiplier : 1
    return max(1, Int((Double(blockSteps) * updatesPerStep * factor).rounded()))
  }
}

public enum ActorKind: String, Codable, Sendable, CaseIterable {
  /// One network, distilled from the members' mixture before the first online step.
  case distilled
  /// The moment-matched mixture of the members' own networks, all of which go on learning.
  case mixture
}

public enum StartTemperature: String, Codable, Sendable, CaseIterable {
  case fixed
  case members
}

public enum ReplayScheme: String, Codable, Sendable, CaseIterable {
  case balanced, uniform
  case onlineOnly = "online-only"
}

public enum MixingScheduleKind: String, Codable, Sendable, CaseIterable {
  case linear, exponential
}
