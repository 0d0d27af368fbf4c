import Algorithms
package import Configuration
import Foundation
import RLCore
public import Runs

/// All stages of one configuration, each in a run directory of its own; those that the configuration has
/// no use for are left out.
///
/// ```
/// output/config.yaml  summary.json  pretrain/  distill/  finetune/
/// ```
public struct Pipeline {
  private let context: StageContext
  private var configuration: ExperimentConfiguration { context.configuration }

  public init(_ context: StageContext) { self.context = context }

  /// Runs what is not finished yet.
  ///
  /// - Returns: the file with the final policy; for several policies the directory with the agents.
  @discardableResult
  public func run(output: String) throws -> String {
    let last = configuration.trainsOnline ? OnlineStage.name : OfflineStage.name
    if try RunDirectory.holdsFinishedRun(output, context: context) {
      return AgentStore.finalPolicy(in: "\(output)/\(last)/weights")
    }
    // Everything that can be refused is refused before hours are spent.
    let task = try ControlTask(configuration)
    try OnlineStageCheck.settings(configuration)
    try OnlineStageCheck.handOver(configuration, task: task)
    let data = configuration.readsDataset ? try checkedData(task) : nil
    let directory = try RunDirectory(path: output, context: context)
    context.warn(ofData: data?.warnings ?? [])
    try directory.adopt(configuration) { try refuseLengthening($0, directory) }
    var ensemble: String?
    if configuration.trainsOffline {
      ensemble = try OfflineStage(stage(.offline, of: output)).run(
        output: directory.file(OfflineStage.name))
    }
    if let ensemble, try Pipeline.distils(configuration) {
      try DistillStage(stage(.distillation, of: output)).run(
        ensemble: ensemble, output: directory.file(DistillStage.name), addToEnsemble: true)
    }
    var policy = ensemble ?? ""
    if configuration.trainsOnline {
      policy = try OnlineStage(stage(.online, of: output)).run(
        ensemble: ensemble, output: directory.file(OnlineStage.name))
    }
    try finish(directory)
    return policy
  }

  /// Whether a run of this configuration distils: several agents, and something that takes their policy.
  package static func distils(_ configuration: ExperimentConfiguration) throws -> Bool {
    let members = configuration.online.members ?? configuration.offline.members
    let isOfUse =
      try !configuration.trainsOnline || configuration.distillation.enabled == true
      || AlgorithmRegistry.named(configuration.online.algorithm).takesEnsemble
    return configuration.distils && isOfUse && members > 1
  }

  /// The dataset with the columns that any stage asks for.
  private func checkedData(_ task: ControlTask) throws -> OfflineData {
    let (offline, online) = (configuration.offline, configuration.online)
    for (runs, name, settings) in [
      (configuration.trainsOffline, offline.algorithm, configuration.offlineAlgorithm),
      (configuration.trainsOnline, online.algorithm, configuration.onlineAlgorithm),
    ] where runs {
      let type = try AlgorithmRegistry.named(name)
      guard type.extraColumns.contains(.returnToGo) else { continue }
      return try OfflineData(configuration, task: task, for: type, settings)
    }
    return try OfflineData(configuration, task: task)
  }

  /// A stage cannot grow when a later one has begun with its result.
  private func refuseLengthening(_ longer: [Lengthening], _ directory: RunDirectory) throws {
    let later = [
      "offline.gradientSteps": [DistillStage.name, OnlineStage.name],
      "distillation.epochs": [OnlineStage.name],
    ]
    for length in longer {
      for stage in later[length.key] ?? []
      where try RunDirectory.exists(directory.file("\(stage)/config.yaml")) {
        throw RunError.inconsistent(
          path: directory.path,
          reason:
            "\(length.key) cannot grow from \(length.before) to \(length.now): '\(stage)' has begun "
            + "with the result; a longer run needs a directory of its own")
      }
    }
  }

  private func stage(_ stage: ExperimentStage, of output: String) -> StageContext {
    var result = context
    result.configuration = configuration.restricted(to: [stage])
    result.resume = true
    result.hasWarnedOfData = true
    result.owner = output
    return result
  }

  /// The last stage's scores, and every stage's time.
  private func finish(_ directory: RunDirectory) throws {
    var seconds: [String: Double] = [:]
    var summary: RunSummary?
    for stage in [OfflineStage.name, DistillStage.name, OnlineStage.name] {
      let path = directory.file("\(stage)/summary.json")
      guard try RunDirectory.exists(path) else { continue }
      let stageSummary = try JSONDecoder().decode(
        RunSummary.self, from: Data(RunDirectory.contents(of: path)))
      seconds.merge(stageSummary.wallSeconds) { _, new in new }
      summary = stageSummary
    }
    guard var summary else { return }
    summary.stage = "run"
    summary.wallSeconds = seconds
    summary.activitySeconds = nil
    try directory.write(json: summary, to: "summary.json")
  }
}
