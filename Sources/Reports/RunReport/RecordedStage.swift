import Analysis
import Foundation
import Runs

/// One stage of a run, as its directory shows it.
struct RecordedStage {
  /// `pretrain`, `distill`, `finetune`, `sac`.
  let name: String
  let directory: String
  let table: RecordedRun
  let manifest: RunManifest?
  /// There once the stage is done.
  let summary: RunSummary?

  private init(_ name: String?, _ directory: String) throws(RunError) {
    self.directory = directory
    table = try RecordedRun(directory)
    manifest = RunManifest(in: directory)
    summary = RunSummary(in: directory)
    self.name = name ?? manifest?.stage ?? "run"
  }

  /// The stages of a run that have begun, in the order in which they run.
  static func all(of run: RecordedRun) throws(RunError) -> [RecordedStage] {
    func begun(_ name: String) -> Bool {
      FileManager.default.fileExists(atPath: "\(run.directory)/\(name)/progress.csv")
    }
    var result: [RecordedStage] = []
    // Fine-tuning distils below itself where nobody has before.
    let inside = run.stage.isEmpty ? ["distillation"] : RecordedRun.stages.reversed()
    for name in inside where begun(name) {
      result.append(try RecordedStage(name, "\(run.directory)/\(name)"))
    }
    if run.stage.isEmpty { result.append(try RecordedStage(nil, run.directory)) }
    return result
  }

  /// Of the evaluations: the first, the last and the best, with their places.
  struct Scores {
    let axis: String
    let first: Double
    let last: (step: Double, value: Double)
    let best: (step: Double, value: Double)
    let lastReturn: Double?
  }

  /// `nil` without an evaluation.
  var scores: Scores? {
    let axis = RecordedRun.axis(of: [table], vertical: RunReport.score)
    guard let x = try? table.column(axis), let y = try? table.column(RunReport.score) else {
      return nil
    }
    let points = zip(x, y).compactMap { x, y -> (step: Double, value: Double)? in
      guard let x, let y, y.isFinite else { return nil }
      return (x, y)
    }
    guard let first = points.first, let last = points.last else { return nil }
    let returns = (try? table.column("eval_return_mean"))?.compactMap { $0 }
    return Scores(
      axis: axis, first: first.value, last: last,
      best: points.max { $0.value < $1.value }!, lastReturn: returns?.last)
  }
}
