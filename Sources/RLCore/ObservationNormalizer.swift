public import DenseMath

/// Observations as an agent was trained on them: (s − mean)/std, for each element.
public struct ObservationNormalizer: Sendable, Equatable {
  /// `[observationSize]`.
  public let mean: [Float]
  /// `[observationSize]`, above 0.
  public let std: [Float]

  /// What TD3+BC's code adds to deviations (`utils.py`, `normalize_states`).
  public static let margin = 1e-3

  /// - Precondition: as many means as deviations, all finite, deviations above 0.
  public init(mean: [Float], std: [Float]) {
    precondition(
      ObservationNormalizer.fault(mean: mean, std: std) == nil,
      "\(mean.count) means and \(std.count) deviations, which must be finite and above 0")
    self.mean = mean
    self.std = std
  }

  /// What is wrong with these numbers.
  private static func fault(mean: [Float], std: [Float]) -> String? {
    if mean.count != std.count { return "\(mean.count) means, \(std.count) deviations" }
    guard mean.allSatisfy(\.isFinite), std.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      return "means must be finite, deviations finite and above 0"
    }
    return nil
  }

  /// One observation, `[observationSize]`.
  public func callAsFunction(_ observation: [Float]) -> [Float] {
    precondition(
      observation.count == mean.count,
      "an observation of \(observation.count) for a normaliser of \(mean.count)")
    var result = observation
    result.withUnsafeMutableBufferPointer { normalize($0.baseAddress!, rows: 1) }
    return result
  }

  /// All rows of a matrix of observations.
  public func callAsFunction(_ observations: Matrix) -> Matrix {
    precondition(
      observations.columns == mean.count,
      "observations of \(observations.columns) for a normaliser of \(mean.count)")
    var result = observations
    result.elements.withUnsafeMutableBufferPointer {
      if let base = $0.baseAddress { normalize(base, rows: observations.rows) }
    }
    return result
  }

  /// In place, `[rows, observationSize]`.
  package func normalize(_ values: UnsafeMutablePointer<Float>, rows: Int) {
    let size = mean.count
    for row in 0..<rows {
      for column in 0..<size {
        let place = row * size + column
        values[place] = (values[place] - mean[column]) / std[column]
      }
    }
  }
}

extension ObservationNormalizer: Codable {
  private enum CodingKeys: String, CodingKey { case mean, std }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let mean = try container.decode([Float].self, forKey: .mean)
    let std = try container.decode([Float].self, forKey: .std)
    if let fault = ObservationNormalizer.fault(mean: mean, std: std) {
      throw DecodingError.dataCorruptedError(forKey: .std, in: container, debugDescription: fault)
    }
    self.init(mean: mean, std: std)
  }
}

/// A policy that sees normalised observations.
public struct NormalizedPolicy: Policy {
  /// What acts, and is shown normalised observations alone.
  public let policy: any Policy
  /// What each observation goes through first.
  public let normalizer: ObservationNormalizer

  /// - Precondition: policy and normaliser take observations of one size.
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
