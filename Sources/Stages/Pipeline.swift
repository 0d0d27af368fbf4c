import Configuration
import Foundation
public import Runs

/// All stages of one configuration, each in a run directory of its own.
///
/// ```
/// output/config.yaml  summary.json  pretrain/  distill/  finetune/
/// ```
public struct Pipeline {
  private let context: StageContext

  public init(_ context: StageContext) { self.context = context }

  /// Runs what is not finished yet.
  ///
  /// - Returns: the file with the final policy; for a mixture of several its ensemble directory.
  @discardableResult
  public func run(output: String) throws -> String {
    if try RunDirectory.holdsFinishedRun(output, context: context) {
      return EnsembleFiles.finalPolicy(in: "\(output)/finetune/weights")
    }
    _ = try OfflineData(context.configuration, task: ControlTask(context.configuration))
    let directory = try RunDirectory(path: output, resume: context.resume)
    try directory.adopt(context.configuration)
    var stage = context
    stage.resume = true
    let ensemble = try PretrainStage(stage).run(output: directory.file("pretrain"))
    if context.configuration.pretrain.members > 1
      && context.configuration.finetune.actor == .distilled
    {
      try DistillStage(stage).run(
        ensemble: ensemble, output: directory.file("distill"), addToEnsemble: true)
    }
    let policy = try FineTuneStage(stage).run(
      ensemble: ensemble, output: directory.file("finetune"))
    try finish(directory)
    return policy
  }

  /// The last stage's scores, and every stage's time.
  private func finish(_ directory: RunDirectory) throws {
    var seconds: [String: Double] = [:]
    var summary: RunSummary?
    for stage in [PretrainStage.name, DistillStage.name, FineTuneStage.name] {
      let path = directory.file("\(stage)/summary.json")
      guard FileManager.default.fileExists(atPath: path) else { continue }
      let stageSummary = try JSONDecoder().decode(
        RunSummary.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
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
