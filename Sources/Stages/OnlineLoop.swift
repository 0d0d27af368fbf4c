import Configuration
import DenseMath
import Environments
import Foundation
import Learners
import RLCore
import Replay
import Runs

/// Blocks of environment steps, each followed by its gradient steps: the loop of fine-tuning and of
/// soft actor-critic from scratch.
///
/// A block is collected in one go; the loop can stop after any update and go on from there.
final class OnlineLoop {
  struct Schedule {
    var environmentSteps: Int
    var blockSteps: Int
    /// Gradient steps of a block, by its index.
    var updates: (Int) -> Int
    var checkpointInterval: Int
    var batchSize: Int
    /// Called after each block with the number of blocks done, before a checkpoint that counts it.
    var afterBlock: (Int) throws -> Void = { _ in }
  }

  /// Columns beside the learner's own.
  static let columns = [
    "train_episode_return_mean", "train_episodes", "unstable_simulations", "online_rows",
  ]

  private let schedule: Schedule
  private let learner: any Learner
  private let replay: OnlineReplay
  private let collector: Collector
  private let task: ControlTask
  private let context: StageContext
  private let session: StageSession
  private let batchKey: RandomStream.Key

  // What a checkpoint holds beside learner, replay and collector.
  private var environmentSteps = 0
  private var block = 0
  /// Updates done in this block; −1 before it is collected.
  private var updatesInBlock = -1
  private var blockReturns: [Double] = []
  private var average: EpochAverage

  init(
    schedule: Schedule, learner: any Learner, replay: OnlineReplay, task: ControlTask,
    context: StageContext, session: StageSession, purpose: String
  ) throws {
    self.schedule = schedule
    self.learner = learner
    self.replay = replay
    self.task = task
    self.context = context
    self.session = session
    let seed = UInt64(context.configuration.seed)
    collector = try task.collector(seed: seed, purpose: "\(purpose)/collect")
    batchKey = RandomStream.Key(seed: seed, purpose: "\(purpose)/minibatch")
    average = EpochAverage(names: learner.metricNames)
    if let state = session.restored {
      try session.restore { () throws(StateError) in try restore(state) }
    }
  }

  func run(label: String, reporter: ProgressReporter) throws {
    reporter.begin(label, from: environmentSteps, to: schedule.environmentSteps, unit: "steps")
    if session.rowCount == 0 { try recordStart(reporter) }
    var batch = Batch(
      size: schedule.batchSize, observationSize: task.specification.observationSize,
      actionSize: task.specification.actionSize)
    while environmentSteps < schedule.environmentSteps || updatesInBlock >= 0 {
      if updatesInBlock < 0 { session.clock.measure(.collection) { collectBlock() } }
      let updates = schedule.updates(block)
      var pace = Pace()
      let before = updatesInBlock
      while updatesInBlock < updates {
        pace.resume()
        var stream = batchKey.stream(step: UInt64(learner.updateCount))
        try session.clock.measure(.sampling) {
          try replay.sample(into: &batch, environmentSteps: environmentSteps, using: &stream)
        }
        let metrics = try session.clock.measure(.updates) { () throws(TrainingError) in
          try learner.update(on: [batch])
        }
        average.add(metrics)
        pace.pause()
        updatesInBlock += 1
        if updatesInBlock % 16 == 0 {
          reporter.update(environmentSteps, note: ", update \(updatesInBlock)/\(updates)")
        }
        if context.interruption.isRequested {
          try checkpoint()
          throw Interrupted(directory: session.directory.path)
        }
      }
      try finishBlock(rate: pace.rate(of: updates - before), reporter)
    }
  }

  private func collectBlock() {
    let steps = min(schedule.blockSteps, schedule.environmentSteps - environmentSteps)
    let episodes = collector.collectBlock(of: steps, learner.policy) { replay.append($0) }
    environmentSteps += steps
    blockReturns = episodes.filter { !$0.unstable }.map(\.returnValue)
    updatesInBlock = 0
  }

  /// The agent before its first online step: epoch 0.
  private func recordStart(_ reporter: ProgressReporter) throws {
    let evaluation = try evaluate(round: 0)
    var values: [String: Double] = [
      "epoch": 0, "environment_steps": 0, "gradient_steps": 0, "online_rows": 0,
      "unstable_simulations": 0,
    ]
    values["online_fraction"] = replay.onlineFraction(environmentSteps: environmentSteps)
    try session.record(values, evaluation: evaluation, step: 0)
    reporter.epoch(0, EpochLine.text(values, evaluation, names: []))
  }

  private func finishBlock(rate: Double, _ reporter: ProgressReporter) throws {
    let last = environmentSteps >= schedule.environmentSteps
    var values = average.values
    values["epoch"] = Double(block + 1)
    values["environment_steps"] = Double(environmentSteps)
    values["gradient_steps"] = Double(learner.updateCount)
    values["online_fraction"] = replay.onlineFraction(environmentSteps: environmentSteps)
    values["updates_per_second"] = rate
    values["train_episodes"] = Double(blockReturns.count)
    if !blockReturns.isEmpty {
      values["train_episode_return_mean"] =
        blockReturns.reduce(0, +) / Double(blockReturns.count)
    }
    values["unstable_simulations"] = Double(collector.counts.unstableSteps)
    values["online_rows"] = Double(replay.online.count)
    average.reset()
    block += 1
    updatesInBlock = -1
    let due = last || block % context.configuration.evaluation.interval == 0
    let evaluation = due ? try evaluate(round: block) : nil
    try session.record(values, evaluation: evaluation, step: environmentSteps)
    reporter.epoch(
      environmentSteps,
      EpochLine.text(values, evaluation, names: ["online_fraction", "critic_loss", "temperature"]))
    try schedule.afterBlock(block)
    if last || block % schedule.checkpointInterval == 0 { try checkpoint() }
  }

  private func evaluate(round: Int) throws -> EvaluationResult {
    try session.clock.measure(.evaluation) {
      try task.evaluate(
        learner.policy, configuration: context.configuration, round: round, pool: context.pool)
    }
  }

  // MARK: State

  private func checkpoint() throws {
    var state = NamedTensors()
    state.add(learner.state, under: "learner")
    state.add(replay.state, under: "replay")
    state.add(collector.state, under: "collector")
    state.add(average.state, under: "average")
    state["loop/counters"] = Tensor(
      .int64([environmentSteps, block, updatesInBlock].map(Int64.init)))
    state["loop/returns"] = Tensor(.float64(blockReturns))
    // Several checkpoints can fall into one block, so updates order them.
    try session.checkpoint(state, progress: learner.updateCount, unit: "updates")
  }

  private func restore(_ state: NamedTensors) throws(StateError) {
    try learner.restore(state.part("learner"))
    try replay.restore(state.part("replay"))
    try collector.restore(state.part("collector"))
    try average.restore(state.part("average"))
    let counters = try state.integers("loop/counters", count: 3).map { Int($0) }
    (environmentSteps, block, updatesInBlock) = (counters[0], counters[1], counters[2])
    blockReturns = try state.doubles("loop/returns")
  }
}
