public import DenseMath
public import RLCore

/// Observations as a network was trained on them: (s − mean)/std, for each element.
public struct ObservationNormalizer: Sendable, Equatable {
  /// `[observationSize]`.
  public let mean: [Float]
  /// `[observationSize]`, above 0.
  public let std: [Float]

  public init(mean: [Float], std: [Float]) {
    precondition(
      mean.count == std.count && std.allSatisfy { $0 > 0 && $0.isFinite }
        && mean.allSatisfy(\.isFinite),
      "\(mean.count) means and \(std.count) deviations, which must be finite and above 0")
    self.mean = mean
    self.std = std
  }

  public func callAsFunction(_ observation: [Float]) -> [Float] {
    precondition(
      observation.count == mean.count,
      "an observation of \(observation.count) for a normaliser of \(mean.count)")
    return observation.indices.map { (observation[$0] - mean[$0]) / std[$0] }
  }
}

/// A policy that sees normalised observations.
public struct NormalizedPolicy: Policy {
  public let policy: any Policy
  public let normalizer: ObservationNormalizer

  public init(_ policy: any Policy, normalizer: ObservationNormalizer) {
    precondition(
      policy.observationSize == normalizer.mean.count,
      "a normaliser of \(normalizer.mean.count) for \(policy.observationSize) observations")
    self.policy = policy
    self.normalizer = normalizer
  }

  public var observationSize: Int { policy.observationSize }
  public var actionSize: Int { policy.actionSize }

  public func action(
    for observation: [Float], selection: ActionSelection, using generator: inout RandomStream
  ) -> ChosenAction {
    policy.action(for: normalizer(observation), selection: selection, using: &generator)
  }
}
