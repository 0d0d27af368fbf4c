import Configuration
import DenseMath
import Foundation
import Learners
import Networks
import RLCore
public import Runs

/// Soft actor-critic from scratch, on online data alone.
public struct SACStage {
  public static let name = "sac"
  private let context: StageContext
  private var configuration: SACConfiguration { context.configuration.sac }

  public init(_ context: StageContext) { self.context = context }

  /// Trains, or goes on training, in the run directory `output`.
  ///
  /// - Parameter replayDataset: D4RL v2 file to which the replay buffer is written at the end.
  /// - Returns: the file with the final policy.
  @discardableResult
  public func run(output: String, replayDataset: String? = nil) throws -> String {
    if let replayDataset, FileManager.default.fileExists(atPath: replayDataset), !context.resume {
      throw RunError.cannotWrite(path: replayDataset, reason: "the file exists already")
    }
    let file = "\(output)/weights/\(EnsembleFiles.policyName)"
    let isFinished = try RunDirectory.holdsFinishedRun(output, context: context)
    // A finished run can still give its replay: the last checkpoint holds it.
    let hasReplay = replayDataset.map { FileManager.default.fileExists(atPath: $0) } ?? true
    if isFinished && hasReplay { return file }
    let task = try ControlTask(context.configuration)
    let source = configuration
    let learner = SoftActorCritic(
      configuration: learnerConfiguration, observationSize: task.specification.observationSize,
      actionSize: task.specification.actionSize, seed: UInt64(context.configuration.seed),
      pool: context.pool)
    let directory = try RunDirectory(path: output, resume: context.resume)
    let session = try StageSession(
      stage: SACStage.name, directory: directory, context: context,
      columns: learner.metricNames + OnlineLoop.columns, inputs: [:])
    if source.policyInterval > 0 { try directory.makeDirectory(directory.file("policies")) }
    let replay = OnlineReplay(
      capacity: min(source.bufferCapacity, source.environmentSteps),
      specification: task.specification)
    let loop = try OnlineLoop(
      schedule: OnlineLoop.Schedule(
        environmentSteps: source.environmentSteps, blockSteps: source.blockSteps,
        updates: { _ in max(1, Int((Double(source.blockSteps) * source.updatesPerStep).rounded()))
        },
        checkpointInterval: source.checkpointInterval, batchSize: source.batchSize,
        afterBlock: { block in
          guard source.policyInterval > 0, block % source.policyInterval == 0 else { return }
          try EnsembleFiles.write(
            GaussianPolicy(network: learner.actors[0].network), environment: task.name,
            to: SACStage.policyFile(block: block, in: output))
        }),
      learner: learner, replay: replay, task: task, context: context, session: session,
      purpose: SACStage.name)
    try loop.run(label: SACStage.name, reporter: context.reporter)
    try EnsembleFiles.write(learner, environment: task.name, to: directory.weights)
    if let replayDataset {
      try ReplayDataset.write(
        replay.online, learner: learner, task: task, configuration: context.configuration,
        to: replayDataset, replacing: context.resume)
    }
    try session.finish(extra: ["environmentSteps": Double(source.environmentSteps)])
    return file
  }

  /// The policy kept after `block` blocks (`sac.policyInterval`).
  static func policyFile(block: Int, in output: String) -> String {
    "\(output)/policies/\(String(format: "%06d", block)).safetensors"
  }

  /// The policies kept in a run directory, by the number of blocks behind them.
  static func policies(in output: String) throws(RunError) -> [(iteration: Int, path: String)] {
    let folder = "\(output)/policies"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let blocks = names.compactMap { name in
      name.hasSuffix(".safetensors") ? Int(name.dropLast(".safetensors".count)) : nil
    }.sorted()
    guard !blocks.isEmpty else {
      throw .missing(path: folder, what: "policies that soft actor-critic kept")
    }
    return blocks.map { ($0, policyFile(block: $0, in: output)) }
  }

  private var learnerConfiguration: SoftActorCritic.Configuration {
    var result = SoftActorCritic.Configuration()
    result.hiddenSizes = context.configuration.networks.hiddenWidths
    result.batchSize = configuration.batchSize
    result.discount = Float(configuration.discount)
    result.tau = Float(configuration.tau)
    result.policyLearningRate = Float(configuration.policyLearningRate)
    result.criticLearningRate = Float(configuration.criticLearningRate)
    return result
  }
}
