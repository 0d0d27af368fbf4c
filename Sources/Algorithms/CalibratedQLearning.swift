import Autodiff
public import RLCore

/// Calibrated Q-learning, Cal-QL (Nakamoto et al. 2023, arXiv:2303.05479): CQL that does not push a value
/// below what the data's own behaviour earned.
///
///     Rⱼ = mean_s[ T·log Σᵢ exp((Qⱼ′(s, aᵢ) − log μ(aᵢ))/T) − Qⱼ(s, a) ]
///     Qⱼ′(s, aᵢ) = max(Qⱼ(s, aᵢ), G)  for the actions of π(·∣s) and π(·∣s′),  Qⱼ(s, aᵢ) for the uniform ones
///
/// with G the discounted return of the transition's episode from there on (section 5). Where G is the greater
/// Q has no gradient. Everything else, settings included, is ``ConservativeQLearning``.
public final class CalibratedQLearning: Algorithm {
  public static let name = "cal-ql"
  public static let summary = "CQL calibrated by the data's returns (Nakamoto et al. 2023)"
  public static let extraColumns: [ExtraColumn] = [.returnToGo]
  public typealias Settings = CQLSettings

  private let conservative: ConservativeQLearning

  public init(_ settings: CQLSettings, _ parts: AgentParts) {
    conservative = ConservativeQLearning(settings, parts, floor: .returnToGo)
  }

  public func update(_ batch: Rows, _ step: Step) throws(TrainingError) {
    try conservative.update(batch, step)
  }

  public var policy: any Policy { conservative.policy }
}
