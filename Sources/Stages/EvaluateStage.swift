import Configuration
public import DenseMath
import Networks
public import RLCore
public import Runs

/// Plays episodes with a policy from a file.
public struct EvaluateStage {
  private let task: ControlTask
  private let pool: WorkerPool

  /// - Parameter environment: any name of the robot, `hopper` or `hopper-medium-v2`.
  public init(environment: String, pool: WorkerPool = WorkerPool()) throws {
    var configuration = PipelineConfiguration()
    configuration.environment = environment
    task = try ControlTask(configuration)
    self.pool = pool
  }

  /// - Parameters:
  ///   - policyFile: safetensors with D4RL's tensor names, or an ensemble directory, whose members
  ///     then act as their moment-matched mixture.
  ///   - episodes: at least 1.
  ///   - selection: `mean` is what published scores use.
  /// - Throws: where the file cannot be read or does not fit the robot.
  public func run(
    policyFile: String, episodes: Int, seed: UInt64, selection: ActionSelection = .mean
  ) throws -> EvaluationResult {
    let policy = try EnsembleFiles.actingPolicy(policyFile, task: task)
    return try task.evaluate(
      policy, episodes: episodes, selection: selection, seed: seed, purpose: "evaluate/episode",
      pool: pool)
  }
}
