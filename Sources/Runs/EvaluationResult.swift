import Foundation
public import RLCore

/// Undiscounted returns of a policy over some episodes.
public struct EvaluationResult: Codable, Sendable, Equatable {
  /// The task's canonical name, `hopper`.
  public var environment: String
  /// How many were played.
  public var episodes: Int
  /// Undiscounted, by episode.
  public var returns: [Double]
  /// Steps, by episode.
  public var lengths: [Int]
  /// Mean return; 0 without episodes.
  public var mean: Double
  /// Standard deviation over the episodes (n in the denominator).
  public var std: Double
  /// D4RL's score of the mean return.
  public var normalizedScore: Double

  /// - Parameters:
  ///   - returns: undiscounted, one for each episode.
  ///   - lengths: steps of each episode; they go into the result and nothing else.
  public init(specification: EnvironmentSpecification, returns: [Double], lengths: [Int]) {
    environment = specification.name
    episodes = returns.count
    self.returns = returns
    self.lengths = lengths
    let count = Double(max(1, returns.count))
    let mean = returns.reduce(0, +) / count
    self.mean = mean
    std = (returns.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
    normalizedScore = specification.normalizedScore(ofReturn: mean)
  }

  var columns: [String: Double] {
    [
      "eval_return_mean": mean, "eval_return_std": std, "eval_normalized_score": normalizedScore,
      "eval_episodes": Double(episodes),
    ]
  }
}
