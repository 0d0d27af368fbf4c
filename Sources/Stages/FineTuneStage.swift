import Configuration
import DenseMath
import FineTuning
import Foundation
import Learners
import Networks
import RLCore
public import Runs

/// Online fine-tuning of an ensemble (BRED, section 5): one distilled policy or the members' live
/// mixture, N twin critics, replay that moves from offline to online data.
public struct FineTuneStage {
  public static let name = "finetune"
  private let context: StageContext
  private var configuration: FineTuneConfiguration { context.configuration.finetune }

  public init(_ context: StageContext) { self.context = context }

  /// Fine-tunes the agents in `ensemble`, or goes on with it, in the run directory `output`.
  ///
  /// Without `distilled.safetensors` in the ensemble it is distilled first, in
  /// `output/distillation`; an ensemble of one acts itself. A live mixture needs no distillation, and
  /// a distilled policy in the ensemble is then left aside.
  /// - Returns: the file with the final policy, `output/weights/policy.safetensors`; for a mixture
  ///   of several the ensemble directory `output/weights`.
  @discardableResult
  public func run(ensemble: String, output: String) throws -> String {
    if try RunDirectory.holdsFinishedRun(output, context: context) {
      return EnsembleFiles.finalPolicy(in: "\(output)/weights")
    }
    let task = try ControlTask(context.configuration)
    let agents = try EnsembleFiles.read(ensemble, task: task)
    let learnerConfiguration = try learnerConfiguration(agents)
    // A distilled policy of other members is refused before anything is written.
    let distilled =
      configuration.actor == .distilled
      ? try agents.distilled(noting: context.reporter.note) : nil
    let data = try OfflineData(context.configuration, task: task)
    let directory = try RunDirectory(path: output, resume: context.resume)
    let actors =
      switch configuration.actor {
      case .distilled:
        [try distilled ?? distilledActor(agents, ensemble: ensemble, directory: directory)]
      case .mixture: agents.actors
      }
    let learner = SoftActorCritic(
      configuration: learnerConfiguration,
      observationSize: task.specification.observationSize,
      actionSize: task.specification.actionSize, actors: actors.map(\.network),
      critics: agents.critics, seed: UInt64(context.configuration.seed), pool: context.pool)
    var inputs = EnsembleFiles.digests(in: ensemble, distilled: configuration.actor == .distilled)
    inputs["dataset"] = data.digest
    let session = try StageSession(
      stage: FineTuneStage.name, directory: directory, context: context,
      columns: learner.metricNames + OnlineLoop.columns, inputs: inputs)
    let source = configuration
    let loop = try OnlineLoop(
      schedule: OnlineLoop.Schedule(
        environmentSteps: source.environmentSteps, blockSteps: source.blockSteps,
        updates: { source.updates(inBlock: $0) }, checkpointInterval: source.checkpointInterval,
        batchSize: source.batchSize),
      learner: learner,
      replay: try OnlineReplay(source, data: data, specification: task.specification),
      task: task, context: context, session: session, purpose: FineTuneStage.name)
    try loop.run(label: FineTuneStage.name, reporter: context.reporter)
    try EnsembleFiles.write(learner, environment: task.name, to: directory.weights)
    try session.finish(extra: ["environmentSteps": Double(source.environmentSteps)])
    return EnsembleFiles.finalPolicy(in: directory.weights)
  }

  private func distilledActor(
    _ agents: LoadedEnsemble, ensemble: String, directory: RunDirectory
  ) throws -> GaussianPolicy {
    if agents.actors.count == 1 { return agents.actors[0] }
    context.reporter.note("no distilled policy in \(ensemble): distilling first")
    var inner = context
    inner.resume = true
    let file = try DistillStage(inner).run(
      ensemble: ensemble, output: directory.file("distillation"), addToEnsemble: false)
    return try EnsembleFiles.policy(file, task: try ControlTask(context.configuration))
  }

  private func learnerConfiguration(
    _ agents: LoadedEnsemble
  ) throws(RunError) -> SoftActorCritic.Configuration {
    var result = SoftActorCritic.Configuration()
    result.hiddenSizes = agents.actors[0].network.shape.hiddenSizes
    result.batchSize = configuration.batchSize
    result.discount = Float(configuration.discount)
    result.tau = Float(configuration.tau)
    result.policyLearningRate = Float(configuration.policyLearningRate)
    result.criticLearningRate = Float(configuration.criticLearningRate)
    result.criticPairs = agents.actors.count
    result.initialLogTemperature =
      switch configuration.startTemperature {
      case .fixed: log(configuration.initialTemperature)
      case .members: log(try agents.meanTemperature())
      }
    return result
  }
}
