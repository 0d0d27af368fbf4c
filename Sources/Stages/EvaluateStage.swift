import Agents
public import DenseMath
import Autodiff
import Foundation
public import RLCore
public import Runs

/// Plays episodes with a policy from a file.
public struct EvaluateStage {
  private let task: ControlTask?
  private let pool: WorkerPool

  /// - Parameter environment: any name of the robot, `hopper` or `hopper-medium-v2`; `nil`: the one that
  ///   the policy's file names.
  public init(environment: String? = nil, pool: WorkerPool = WorkerPool()) throws {
    task = try environment.map { try EvaluateStage.task($0) }
    self.pool = pool
  }

  /// - Parameters:
  ///   - policyFile: safetensors with D4RL's tensor names, an agent's folder, or an ensemble directory,
  ///     whose members then act as their moment-matched mixture.
  ///   - episodes: at least 1.
  ///   - selection: `mean` is what published scores use.
  /// - Throws: where the file cannot be read, does not fit the robot, or names no robot though none is given.
  public func run(
    policyFile: String, episodes: Int, seed: UInt64, selection: ActionSelection = .mean
  ) throws -> EvaluationResult {
    let (policy, task) = try EvaluateStage.read(policyFile, task: task)
    return try task.evaluate(
      policy, episodes: episodes, selection: selection, seed: seed, purpose: EvaluateStage.purpose,
      pool: pool)
  }

  /// Names the random numbers of the episodes.
  static let purpose = "evaluate/episode"

  /// The policy that a path stands for, and its robot.
  ///
  /// - Parameter task: `nil`: the one that the file names.
  static func read(
    _ path: String, task: ControlTask?
  ) throws -> (policy: any Policy, task: ControlTask) {
    let file = policy(in: path)
    let stored = try StoredPolicy.read(file)
    let task = try task ?? EvaluateStage.task(of: stored, file: file)
    return (try AgentStore.actingPolicy(stored, of: file, task: task), task)
  }

  /// What a run's directory stands for: that of its last stage, and of a distillation the distilled policy.
  package static func policy(in path: String) -> String {
    func names(_ folder: String) -> Set<String> {
      Set((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    }
    let stages = [OnlineStage.name, DistillStage.name, OfflineStage.name]
    if let stage = stages.first(where: { names("\(path)/\($0)").contains("weights") }) {
      return policy(in: "\(path)/\(stage)")
    }
    let isRun = names(path).contains("weights")
    let folder = isRun ? "\(path)/weights" : path
    let final = AgentStore.finalPolicy(in: folder)
    if isRun, final != folder { return final }
    return names(folder) == [AgentStore.distilledName]
      ? "\(folder)/\(AgentStore.distilledName)" : path
  }

  private static func task(of stored: StoredPolicy, file: String) throws -> ControlTask {
    guard let environment = stored.environment else {
      throw RunError.missing(
        path: file, what: "the task, which the metadata do not name and --env does not give,")
    }
    return try task(environment)
  }

  private static func task(_ environment: String) throws -> ControlTask {
    try ControlTask(environment)
  }
}
