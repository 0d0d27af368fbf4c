import Configuration
import DenseMath
import Foundation
import Learners
import Networks
import RLCore
import Replay
public import Runs

/// Offline training of N independent CQL agents on one dataset.
///
/// Member i of a run with seed s is the agent with seed s + 4·i, whatever N is, so the runs 0…3 share
/// no agent (Off2On's rule).
public struct PretrainStage {
  public static let name = "pretrain"
  private let context: StageContext
  private var configuration: PretrainConfiguration { context.configuration.pretrain }

  public init(_ context: StageContext) { self.context = context }

  /// Trains, or goes on training, in the run directory `output`.
  ///
  /// - Returns: the ensemble directory with the trained agents.
  /// - Throws: errors of configuration, dataset, run directory; ``TrainingError``; ``Interrupted``.
  @discardableResult
  public func run(output: String) throws -> String {
    if try RunDirectory.holdsFinishedRun(output, context: context) { return "\(output)/weights" }
    let task = try ControlTask(context.configuration)
    let data = try OfflineData(context.configuration, task: task)
    let seeds = PretrainStage.memberSeeds(of: context.configuration)
    let learner = ConservativeQLearning(
      configuration: learnerConfiguration, observationSize: task.specification.observationSize,
      actionSize: task.specification.actionSize, seeds: seeds, pool: context.pool)
    let directory = try RunDirectory(path: output, resume: context.resume)
    try train(learner, on: data, task: task, in: directory)
    return directory.weights
  }

  static func memberSeeds(of configuration: PipelineConfiguration) -> [UInt64] {
    (0..<configuration.pretrain.members).map { UInt64(configuration.seed + 4 * $0) }
  }

  private func train(
    _ learner: ConservativeQLearning, on data: OfflineData, task: ControlTask,
    in directory: RunDirectory
  ) throws {
    let memberColumns = (0..<configuration.members).map { "member\($0)_eval_normalized_score" }
    let session = try StageSession(
      stage: PretrainStage.name, directory: directory, context: context,
      columns: learner.metricNames + memberColumns, inputs: ["dataset": data.digest])
    var average = EpochAverage(names: learner.metricNames)
    if let state = session.restored {
      try session.restore { () throws(StateError) in
        try learner.restore(state.part("learner"))
        try average.restore(state.part("average"))
      }
    }
    func checkpoint() throws {
      var state = NamedTensors()
      state.add(learner.state, under: "learner")
      state.add(average.state, under: "average")
      try session.checkpoint(state, progress: learner.updateCount, unit: "updates")
    }
    let keys = PretrainStage.memberSeeds(of: context.configuration).map {
      RandomStream.Key(seed: $0, purpose: "pretrain/minibatch")
    }
    var batches = keys.map { _ in data.emptyBatch(size: configuration.batchSize) }
    let reporter = context.reporter
    let total = configuration.gradientSteps
    reporter.begin(PretrainStage.name, from: learner.updateCount, to: total, unit: "updates")
    var pace = Pace()
    while learner.updateCount < total {
      pace.resume()
      try session.clock.measure(.sampling) {
        for (member, key) in keys.enumerated() {
          var stream = key.stream(step: UInt64(learner.updateCount))
          try data.sample(into: &batches[member], using: &stream)
        }
      }
      let metrics = try session.clock.measure(.updates) { () throws(TrainingError) in
        try learner.update(on: batches)
      }
      average.add(metrics)
      pace.pause()
      let count = learner.updateCount
      reporter.update(count)
      if count % configuration.epochSteps == 0 || count == total {
        let epoch = (count + configuration.epochSteps - 1) / configuration.epochSteps
        var values = average.values
        values["epoch"] = Double(epoch)
        values["environment_steps"] = 0
        values["gradient_steps"] = Double(count)
        values["online_fraction"] = 0
        values["updates_per_second"] = pace.rate(of: average.count)
        average.reset()
        let evaluation = try session.clock.measure(.evaluation) {
          try evaluate(learner, task: task, epoch: epoch, last: count == total, into: &values)
        }
        try session.record(values, evaluation: evaluation, step: count)
        reporter.epoch(count, EpochLine.text(values, evaluation, names: ["member0_td_loss"]))
        pace = Pace()
        if epoch % configuration.checkpointInterval == 0 || count == total { try checkpoint() }
      }
      if context.interruption.isRequested {
        try checkpoint()
        throw Interrupted(directory: directory.path)
      }
    }
    try EnsembleFiles.write(learner, environment: task.name, to: directory.weights)
    try session.finish(extra: ["gradientSteps": Double(total)])
  }

  /// Every member plays; the table gets the mean over members and each member's own score.
  private func evaluate(
    _ learner: ConservativeQLearning, task: ControlTask, epoch: Int, last: Bool,
    into values: inout [String: Double]
  ) throws -> EvaluationResult? {
    guard last || epoch % context.configuration.evaluation.interval == 0 else { return nil }
    var results: [EvaluationResult] = []
    for member in 0..<configuration.members {
      let result = try task.evaluate(
        learner.policy(ofMember: member), configuration: context.configuration, round: epoch,
        pool: context.pool)
      values["member\(member)_eval_normalized_score"] = result.normalizedScore
      results.append(result)
    }
    return EvaluationResult(
      specification: task.specification, returns: results.flatMap(\.returns),
      lengths: results.flatMap(\.lengths))
  }

  private var learnerConfiguration: ConservativeQLearning.Configuration {
    let source = configuration
    var result = ConservativeQLearning.Configuration()
    result.hiddenSizes = context.configuration.networks.hiddenWidths
    result.batchSize = source.batchSize
    result.discount = Float(source.discount)
    result.tau = Float(source.tau)
    result.policyLearningRate = Float(source.policyLearningRate)
    result.criticLearningRate = Float(source.criticLearningRate)
    let weight = Float(source.conservativeWeight)
    let gap = Float(source.lagrangeGap)
    result.conservatism =
      switch source.weighting {
      case .fixed: .fixed(weight: weight)
      case .lagrange: .lagrange(weight: weight, gap: gap, form: .official)
      case .scaledLagrange: .lagrange(weight: weight, gap: gap, form: .scaled)
      }
    result.regularizer =
      switch source.regularizer {
      case .importanceSampled: .entropy
      case .plain: .density
      }
    result.backup =
      switch source.backup {
      case .deterministic: .deterministic
      case .entropy: .entropy
      case .minimumOfMaxima: .minimumOfMaxima
      case .maximumOfMinima: .maximumOfMinima
      }
    result.sampledActions = source.sampledActions
    result.behaviorCloningSteps = source.cloningSteps
    return result
  }
}
