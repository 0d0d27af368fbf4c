public import Configuration
public import DenseMath
import Foundation
public import Logging
package import RLCore

/// What a stage needs from its surroundings.
public struct StageContext {
  /// What determines the stage's bytes.
  public var configuration: ExperimentConfiguration
  /// The threads that do the work; no result depends on how many they are.
  public let pool: WorkerPool
  /// Told how far the stage is.
  public let reporter: ProgressReporter
  /// Looked at between updates; a stage that is asked to stop writes a checkpoint first.
  public let interruption: Interruption
  /// Gets warnings, such as those of odd data.
  public let logger: Logger
  /// Continue a run that was stopped, where there is one.
  public var resume: Bool
  /// Whether what is odd about the dataset has been said already; a pipeline says it for its stages.
  package var hasWarnedOfData = false
  /// The directory of the run that the stage is a part of; `nil` where it is a run by itself.
  package var owner: String?

  /// By default: all processors, no progress shown, nobody who interrupts, no resuming.
  public init(
    configuration: ExperimentConfiguration, pool: WorkerPool = WorkerPool(),
    reporter: ProgressReporter = ProgressReporter(style: .quiet),
    interruption: Interruption = Interruption(), logger: Logger = Logger(label: "bred"),
    resume: Bool = false
  ) {
    self.configuration = configuration
    self.pool = pool
    self.reporter = reporter
    self.interruption = interruption
    self.logger = logger
    self.resume = resume
  }

  /// Says at the start of a run, and once only, what is odd about its dataset.
  package func warn(ofData warnings: [String]) {
    guard !hasWarnedOfData else { return }
    for warning in warnings { logger.warning("\(warning)") }
  }
}

/// One stage at work in its run directory: table, events, checkpoints and clock together.
package final class StageSession {
  package let directory: RunDirectory
  let context: StageContext
  /// State from the checkpoint that the run goes on from.
  package let restored: NamedTensors?
  private let identity: RunIdentity
  private let store: CheckpointStore
  private let table: ProgressTable
  private let events: EventFile
  private let startTime = Date()
  package let clock = ActivityClock()
  private(set) var scores = ScoreRecord()

  /// - Parameters:
  ///   - columns: the stage's own columns of `progress.csv`.
  ///   - inputs: SHA-256 of each input file, by role.
  ///   - warnings: what is odd about them, for the manifest.
  package init(
    stage: String, directory: RunDirectory, context: StageContext, columns: [String],
    inputs: [String: String], warnings: [String] = []
  ) throws(RunError) {
    self.directory = directory
    self.context = context
    identity = RunIdentity(stage: stage, configuration: context.configuration, inputs: inputs)
    store = CheckpointStore(directory: directory, identity: identity, logger: context.logger)
    let started = try RunDirectory.exists(directory.file("config.yaml"))
    let restored = started ? try store.latest() : nil
    if started, restored == nil, try directory.isFinished() {
      throw .inconsistent(
        path: directory.path, reason: "the run has ended and no checkpoint is left to go on from")
    }
    self.restored = restored
    var rows = 0
    var eventCount = 0
    do {
      if let restored {
        rows = Int(try restored.integers("session/rows", count: 1)[0])
        eventCount = Int(try restored.integers("session/events", count: 1)[0])
        try scores.restore(restored.part("session/scores"))
      }
    } catch {
      throw .checkpointRefused(path: directory.checkpoints, reason: "\(error)")
    }
    if let restored { try StageSession.lengthen(restored, stage, directory, context) }
    try directory.writeConfiguration(context.configuration)
    try StageSession.writeManifest(
      identity, threads: context.pool.threads, warnings, resumed: restored != nil, in: directory,
      logger: context.logger)
    table = try ProgressTable(
      path: directory.file("progress.csv"), columns: columns, keeping: rows)
    events = try EventFile(directory: directory.path, keeping: eventCount)
    try directory.synchronizeNames()
    if let restored {
      context.reporter.note(
        "resuming \(stage) in \(directory.path) after "
          + "\(restored.metadata["progress"] ?? "\(rows) epochs")")
    }
  }

  /// Takes a finished run up again where more is asked of it, and says what stays.
  private static func lengthen(
    _ state: NamedTensors, _ stage: String, _ directory: RunDirectory, _ context: StageContext
  ) throws(RunError) {
    // The store has accepted the configuration already.
    guard try directory.isFinished(), let yaml = state.metadata["configuration"],
      let before = try? ExperimentConfiguration.parse(
        yaml: yaml, catalog: context.configuration.catalog, stages: context.configuration.stages)
    else { return }
    for longer in Lengthening.between(before, context.configuration).longer {
      try directory.reopen()
      context.reporter.note(
        "extending \(stage) in \(directory.path): \(longer.key) from \(longer.before) to "
          + "\(longer.now); kept are the state after \(state.metadata["progress"] ?? "its end") and "
          + "all rows of progress.csv, with the evaluation at the former end")
    }
  }

  /// Runs `body`, which takes up the checkpoint's state, and says which file did not fit.
  package func restore(_ body: () throws(StateError) -> Void) throws(RunError) {
    do throws(StateError) { try body() } catch {
      throw .checkpointRefused(path: directory.checkpoints, reason: error.description)
    }
  }

  /// Seconds this run has worked, those before an interruption included.
  package var elapsedSeconds: Double { table.elapsedSeconds + Date().timeIntervalSince(startTime) }

  /// Rows of `progress.csv` so far.
  package var rowCount: Int { table.rowCount }

  /// Writes one epoch to the table and the event file.
  ///
  /// - Parameter step: the horizontal axis in TensorBoard.
  package func record(_ values: [String: Double], evaluation: EvaluationResult?, step: Int)
    throws(RunError)
  {
    try clock.measure(.records) { () throws(RunError) in
      try append(values, evaluation: evaluation, step: step)
    }
  }

  private func append(
    _ values: [String: Double], evaluation: EvaluationResult?, step: Int
  ) throws(RunError) {
    var values = values
    values["wall_seconds"] = (elapsedSeconds * 1000).rounded() / 1000
    if let evaluation {
      values.merge(evaluation.columns) { _, new in new }
      scores.add(evaluation, step: step)
    }
    try table.append(values)
    let scalars = table.columns.compactMap { column -> (tag: String, value: Double)? in
      guard column != "epoch", let value = values[column], value.isFinite else { return nil }
      return (column.hasPrefix("eval_") ? "eval/\(column.dropFirst(5))" : "train/\(column)", value)
    }
    try events.append(step: step, scalars: scalars)
  }

  /// Writes a checkpoint of the stage's `state`.
  ///
  /// - Parameter progress: counts through the stage, e.g. gradient steps.
  package func checkpoint(_ state: NamedTensors, progress: Int, unit: String) throws(RunError) {
    var state = state
    state["session/rows"] = Tensor(.int64([Int64(table.rowCount)]))
    state["session/events"] = Tensor(.int64([Int64(events.eventCount)]))
    state.add(scores.state, under: "session/scores")
    state.metadata["progress"] = "\(progress) \(unit)"
    try clock.measure(.checkpoints) { () throws(RunError) in
      try store.save(state, progress: progress)
    }
  }

  /// Writes `summary.json`, the sign that the stage is done.
  package func finish(extra: [String: Double] = [:]) throws(RunError) {
    let summary = RunSummary(
      stage: identity.stage, configuration: context.configuration, scores: scores,
      wallSeconds: [identity.stage: (elapsedSeconds * 1000).rounded() / 1000], numbers: extra,
      activitySeconds: clock.seconds)
    try directory.write(json: summary, to: "summary.json")
    context.reporter.end()
  }

  private static func writeManifest(
    _ identity: RunIdentity, threads: Int, _ warnings: [String], resumed: Bool,
    in directory: RunDirectory,
    logger: Logger
  ) throws(RunError) {
    var manifest = RunManifest(identity: identity, threads: threads, warnings: warnings)
    let path = directory.file("manifest.json")
    let isThere = resumed ? try RunDirectory.exists(path) : false
    let data = Data(isThere ? try RunDirectory.contents(of: path) : [])
    if let before = try? JSONDecoder().decode(RunManifest.self, from: data) {
      manifest.startedAt = before.startedAt
      manifest.resumedAt = before.resumedAt + [RunManifest.timestamp()]
      let kernels = (before.machine.kernels, manifest.machine.kernels)
      if kernels.0 != kernels.1 {
        let text =
          "this run began with the kernels '\(kernels.0)' and goes on with '\(kernels.1)': "
          + "its bytes will differ from those of an undisturbed run"
        logger.warning("\(text)")
      }
    }
    try directory.write(json: manifest, to: "manifest.json")
  }
}
