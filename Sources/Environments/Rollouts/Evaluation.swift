public import RLCore

/// How long an evaluation lasts.
public enum EvaluationBudget: Sendable, Equatable {
  /// So many whole episodes.
  case episodes(Int)
  /// rlkit's rule: episodes until so many steps are done; an episode which the budget cuts is not
  /// counted, so there may be none when the budget is shorter than an episode.
  case steps(Int)
}

/// What an evaluation of a policy found.
public struct Evaluation: Sendable, Equatable {
  /// The task, whose reference returns scale the score.
  public let specification: EnvironmentSpecification
  /// In the order of their numbers, unstable ones included.
  public let episodes: [EpisodeResult]

  public init(specification: EnvironmentSpecification, episodes: [EpisodeResult]) {
    self.specification = specification
    self.episodes = episodes
  }

  /// Undiscounted returns, by episode.
  public var returns: [Double] { episodes.map(\.returnValue) }
  /// Steps, by episode.
  public var lengths: [Int] { episodes.map(\.length) }
  /// Episodes in which the simulation broke down; their returns are among ``returns``.
  public var unstableCount: Int { episodes.count { $0.unstable } }

  /// Mean return; nan without episodes.
  public var meanReturn: Double { returns.reduce(0, +) / Double(episodes.count) }

  /// Standard deviation of the returns over episodes (divided by the count, like NumPy's).
  public var returnDeviation: Double {
    let mean = meanReturn
    return (returns.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(episodes.count))
      .squareRoot()
  }

  /// D4RL's score of the mean return.
  public var normalizedScore: Double { specification.normalizedScore(ofReturn: meanReturn) }

  /// Standard deviation on the scale of the score.
  public var normalizedDeviation: Double {
    specification.normalizedDeviation(returnDeviation)
  }
}
