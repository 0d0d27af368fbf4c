import Configuration
import DenseMath
import Environments
import RLCore
import Runs

/// The robot of a run, and how policies are tried on it.
final class ControlTask {
  let kind: EnvironmentKind
  let specification: EnvironmentSpecification
  private var rollouts: Rollouts?

  convenience init(_ configuration: ExperimentConfiguration) throws {
    try self.init(configuration.environment)
  }

  /// - Parameter environment: any name of the robot, `hopper` or `hopper-medium-v2`.
  init(_ environment: String) throws {
    kind = try EnvironmentKind(named: environment)
    specification = kind.specification
  }

  var name: String { specification.name }

  /// Plays `evaluation.episodes` episodes with the mean action; each round has starts of its own.
  func evaluate(
    _ policy: any Policy, configuration: ExperimentConfiguration, round: Int, pool: WorkerPool
  ) throws -> EvaluationResult {
    try evaluate(
      policy, episodes: configuration.evaluation.episodes, selection: .mean,
      seed: UInt64(configuration.seed), purpose: ControlTask.evaluationPurpose(round: round),
      pool: pool)
  }

  /// Names the random numbers of a run's evaluation.
  static func evaluationPurpose(round: Int) -> String { "evaluation/\(round)" }

  func evaluate(
    _ policy: any Policy, episodes: Int, selection: ActionSelection, seed: UInt64, purpose: String,
    pool: WorkerPool
  ) throws -> EvaluationResult {
    let rollouts = try self.rollouts ?? Rollouts(kind, pool: pool)
    self.rollouts = rollouts
    let found = rollouts.evaluate(
      policy, budget: .episodes(episodes), selection: selection, seed: seed, purpose: purpose)
    return EvaluationResult(
      specification: specification, returns: found.returns, lengths: found.lengths)
  }

  /// What steps the robot for training.
  func collector(seed: UInt64, purpose: String) throws -> Collector {
    Collector(try kind.makeEnvironment(), seed: seed, purpose: purpose)
  }
}
