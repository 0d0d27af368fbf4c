import Agents
import Algorithms
import Configuration
import DenseMath
import Foundation
import Autodiff
import RLCore
public import Runs

/// The policies of an ensemble into one, on the states of a dataset (BRED eq. 8).
public struct DistillStage {
  /// Name of the stage in manifests and summaries, and of its folder in a pipeline's directory.
  public static let name = "distill"
  private let context: StageContext
  private var configuration: DistillationSettings { context.configuration.distillation }

  public init(_ context: StageContext) { self.context = context }

  /// Distils the ensemble in `ensemble`, or goes on with it, in the run directory `output`.
  ///
  /// - Parameter addToEnsemble: also write the policy into the ensemble directory, where
  ///   fine-tuning looks for it; a `distilled.safetensors` from elsewhere is not overwritten.
  /// - Returns: the file with the distilled policy, `output/weights/distilled.safetensors`.
  @discardableResult
  public func run(ensemble: String, output: String, addToEnsemble: Bool = true) throws -> String {
    let file = "\(output)/weights/\(AgentStore.distilledName)"
    let isFinished = try RunDirectory.holdsFinishedRun(
      output, context: context, agents: EnsembleDirectory.weights(of: ensemble))
    if isFinished { return file }
    let task = try ControlTask(context.configuration)
    let agents = try AgentStore.read(ensemble, task: task)
    try agents.check(context.configuration.networks)
    let shared = "\(agents.path)/\(AgentStore.distilledName)"
    if addToEnsemble { try DistillStage.refuseOverwriting(shared, output: output) }
    let data = try OfflineData(context.configuration, task: task)
    var inputs = try AgentStore.digests(of: agents, policiesOnly: true)
    inputs[RunInput.dataset] = data.digest
    let directory = try RunDirectory(path: output, context: context)
    context.warn(ofData: data.warnings)
    let distillation = PolicyDistillation(
      configuration: stageConfiguration, members: try agents.gaussianPolicies(),
      observations: agents.normalizer.map { $0(data.observations) } ?? data.observations,
      seed: UInt64(context.configuration.seed), pool: context.pool)
    let session = try distil(
      distillation, agents.normalizer, task: task, inputs: inputs, warnings: data.warnings,
      in: directory)
    try directory.makeDirectory(directory.weights)
    for path in addToEnsemble ? [file, shared] : [file] {
      try AgentStore.write(
        distilled: distillation.policy, from: inputs, normalizer: agents.normalizer, task: task,
        to: path)
    }
    try session.finish(extra: [
      "epochs": Double(distillation.epoch), "bestEpoch": Double(distillation.bestEpoch),
      "bestValidationLoss": distillation.bestLoss,
    ])
    return file
  }

  /// A distilled policy that is there although this run has not begun is somebody else's.
  private static func refuseOverwriting(_ file: String, output: String) throws {
    do {
      try RunDirectory.checkWritable((file as NSString).deletingLastPathComponent)
    } catch RunError.cannotWrite(let path, let reason) {
      throw RunError.cannotWrite(
        path: path, reason: "\(reason); pass --no-add-to-ensemble to leave it as it is")
    }
    guard try RunDirectory.exists(file) else { return }
    let begun = try RunDirectory.names(in: "\(output)/checkpoints")
    guard begun.isEmpty else { return }
    throw RunError.cannotWrite(
      path: file, reason: "the file exists already; pass --no-add-to-ensemble to leave it as it is")
  }

  private func distil(
    _ distillation: PolicyDistillation, _ normalizer: ObservationNormalizer?, task: ControlTask,
    inputs: [String: String], warnings: [String], in directory: RunDirectory
  ) throws -> StageSession {
    let session = try StageSession(
      stage: DistillStage.name, directory: directory, context: context,
      columns: ["distillation_loss", "validation_loss", "best_validation_loss"], inputs: inputs,
      warnings: warnings)
    if let state = session.restored {
      try session.restore { () throws(StateError) in
        try distillation.restore(state.part("distillation"))
      }
    }
    func checkpoint() throws {
      var state = NamedTensors()
      state.add(distillation.state, under: "distillation")
      try session.checkpoint(state, progress: distillation.epoch, unit: "epochs")
    }
    let reporter = context.reporter
    reporter.begin(
      DistillStage.name, from: distillation.epoch, to: configuration.epochs, unit: "epochs")
    if session.restored != nil, distillation.isFinished, distillation.epoch < configuration.epochs {
      reporter.note(
        "\(DistillStage.name) has ended after \(distillation.epoch) epochs, by its patience of "
          + "\(configuration.patience): more epochs change nothing")
    }
    while !distillation.isFinished {
      var pace = Pace()
      pace.resume()
      // With the loss on the held-out states after each epoch.
      let report = try session.clock.measure(.updates) { () throws(TrainingError) in
        try distillation.runEpoch()
      }
      pace.pause()
      var values = [
        "epoch": Double(report.epoch), "environment_steps": 0, "online_fraction": 0,
        "gradient_steps": Double(report.epoch * configuration.epochSteps),
        "distillation_loss": report.trainingLoss, "validation_loss": report.validationLoss,
        "best_validation_loss": distillation.bestLoss,
      ]
      values["updates_per_second"] = pace.rate(of: configuration.epochSteps)
      let last = distillation.isFinished
      let evaluation =
        last
        ? try session.clock.measure(.evaluation) {
          let policy = distillation.policy
          return try task.evaluate(
            normalizer.map { NormalizedPolicy(policy, normalizer: $0) } ?? policy,
            configuration: context.configuration, round: report.epoch, pool: context.pool)
        } : nil
      try session.record(values, evaluation: evaluation, step: report.epoch)
      reporter.update(report.epoch)
      reporter.epoch(
        report.epoch,
        EpochLine.text(values, evaluation, names: ["distillation_loss", "validation_loss"]))
      if last || report.epoch % configuration.checkpointInterval == 0 { try checkpoint() }
      if context.interruption.isRequested && !last {
        try checkpoint()
        throw Interrupted(directory: context.owner ?? directory.path)
      }
    }
    return session
  }

  private var stageConfiguration: PolicyDistillation.Configuration {
    var result = PolicyDistillation.Configuration()
    result.epochs = configuration.epochs
    result.stepsPerEpoch = configuration.epochSteps
    result.patience = configuration.patience
    result.validationFraction = configuration.validationFraction
    result.batchSize = configuration.batchSize
    result.learningRate = configuration.learningRate
    return result
  }
}
