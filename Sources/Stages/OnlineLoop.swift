import Algorithms
import Configuration
import DenseMath
import Environments
import Foundation
import RLCore
import Replay
import Runs

/// Keeps what online training passes through, by the number of blocks behind it.
protocol OnlineKeeper {
  func keepPolicy(of agents: [Agent], block: Int) throws
  func keep(
    _ agents: [Agent], block: Int, rows: ReplayBuffer, environmentSteps: Int) throws
  /// Films what the agents do in the first episode of evaluation `round`.
  func film(_ agents: [Agent], round: Int, environmentSteps: Int)
}

/// Environment steps and the gradient steps that follow them: the loop of every online training.
///
/// Steps come in blocks. With `online.collection: blocks` a block begins with a reset and its last
/// episode is cut (rlkit, BRED); with `steps` episodes run on across blocks, which may then be as short as
/// one step; with `episodes` a block is one episode. The loop can stop after any update and go on from there.
final class OnlineLoop {
  /// Columns beside the learner's own.
  static func columns(of team: AgentTeam, _ settings: OnlineSettings) -> [String] {
    let metrics =
      team.agents.count == 1
      ? team.agents[0].metricNames
      : team.agents.indices.flatMap { member in
        team.agents[member].metricNames.map { "member\(member)_\($0)" }
      }
    return metrics + (settings.qVariance ? [QVarianceMeter.column] : [])
      + ["train_episode_return_mean", "train_episodes", "unstable_simulations", "online_rows"]
  }

  /// Updates between two looks at interruption and progress.
  private static let stride = 16

  private let settings: OnlineSettings
  private let team: AgentTeam
  private let replay: OnlineReplay
  private let collector: Collector
  private let task: ControlTask
  private let context: StageContext
  private let session: StageSession
  private let batchKey: RandomStream.Key
  private let random: UniformPolicy
  private let keeper: any OnlineKeeper
  /// With `online.qVariance`.
  private let meter: QVarianceMeter?

  // What a checkpoint holds beside agents, replay and collector.
  private var environmentSteps = 0
  private var block = 0
  private var epoch = 0
  /// Updates done in this block; −1 before it is collected.
  private var updatesInBlock = -1
  private var updatesDue = 0
  /// Updates that wait for the first episode's end, which alone tells its rows' returns.
  private var updatesOwed = 0
  /// Environment steps when the epoch began.
  private var epochStart = 0
  private var epochReturns: [Double] = []
  private let averages: MemberAverages
  private var pace = Pace()

  init(
    _ settings: OnlineSettings, team: AgentTeam, replay: OnlineReplay, task: ControlTask,
    context: StageContext, session: StageSession, purpose: String, keeper: any OnlineKeeper
  ) throws {
    self.settings = settings
    self.team = team
    self.replay = replay
    self.task = task
    self.context = context
    self.session = session
    self.keeper = keeper
    let seed = UInt64(context.configuration.seed)
    collector = try task.collector(seed: seed, purpose: "\(purpose)/collect")
    batchKey = RandomStream.Key(seed: seed, purpose: "\(purpose)/minibatch")
    random = UniformPolicy(
      observationSize: task.specification.observationSize,
      actionSize: task.specification.actionSize)
    averages = MemberAverages(team)
    meter =
      settings.qVariance
      ? QVarianceMeter(team, seed: seed, purpose: purpose, pool: context.pool) : nil
    if let state = session.restored {
      try session.restore { () throws(StateError) in try restore(state) }
    }
  }

  private var updateCount: Int { team.agents[0].updateCount }
  private var total: Int { settings.environmentSteps }
  private var isDone: Bool { environmentSteps >= total && updatesInBlock < 0 }

  func run(label: String, reporter: ProgressReporter) throws {
    reporter.begin(label, from: environmentSteps, to: total, unit: "steps", share: share)
    if session.rowCount == 0 { try recordStart(reporter) }
    while !isDone {
      if updatesInBlock < 0 { session.clock.measure(.collection) { collectBlock() } }
      while updatesInBlock < updatesDue {
        let stride = context.interruption.isRequested ? 1 : OnlineLoop.stride
        let count = min(stride, updatesDue - updatesInBlock)
        pace.resume()
        try session.clock.measure(.updates) { try update(count) }
        pace.pause()
        updatesInBlock += count
        reporter.update(
          environmentSteps, share: share,
          note: settings.blockSteps > 1 ? ", update \(updatesInBlock)/\(updatesDue)" : "")
        if context.interruption.isRequested { try stop() }
      }
      try finishBlock(reporter)
      if context.interruption.isRequested && !isDone { try stop() }
    }
  }

  private func stop() throws {
    try checkpoint()
    throw Interrupted(directory: context.owner ?? session.directory.path)
  }

  private func update(_ count: Int) throws {
    guard let meter else { return try updateTeam(count) }
    for _ in 0..<count {
      try meter.measure(team.agents) { try fill(0, team.agents[0], &$0) }
      try updateTeam(1)
    }
  }

  private func updateTeam(_ count: Int) throws {
    // All agents see the same minibatches, as all critics of one agent do, unless each has priorities.
    try team.update(
      count, fill: fill,
      done: { member, metrics in
        replay.learn(from: team.agents[member], member: member)
        averages.add(metrics, of: member)
      })
  }

  /// The minibatch of an agent's next update; asked again, it is the same.
  private func fill(_ member: Int, _ agent: Agent, _ batch: inout Batch) throws {
    var stream = batchKey.stream(step: UInt64(agent.updateCount))
    try replay.sample(
      into: &batch, member: member, environmentSteps: environmentSteps, using: &stream)
  }

  // MARK: Collection

  private func collectBlock() {
    var steps = min(settings.blockSteps, total - environmentSteps)
    let policy: any Policy =
      environmentSteps < settings.randomSteps ? random : ActingEnsemble.policy(of: team.agents)
    switch settings.collection {
    case .blocks:
      let episodes = collector.collectBlock(of: steps, policy) {
        replay.append($0)
      } ended: { _ in
        replay.endEpisode()
      }
      epochReturns += episodes.stableReturns
    case .steps: for _ in 0..<steps { collectStep(policy) }
    case .episodes:
      steps = 1
      while !collectStep(policy), environmentSteps + steps < total { steps += 1 }
    }
    let before = environmentSteps
    environmentSteps += steps
    updatesInBlock = 0
    updatesDue = updatesOwed + updates(from: before, to: environmentSteps)
    updatesOwed = 0
    if replay.isWaiting { swap(&updatesDue, &updatesOwed) }
  }

  /// - Returns: whether the episode ended with this step.
  @discardableResult
  private func collectStep(_ policy: any Policy) -> Bool {
    let outcome = collector.step(policy)
    if let transition = outcome.transition { replay.append(transition) }
    guard let episode = outcome.finished else { return false }
    replay.endEpisode()
    epochReturns += [episode].stableReturns
    return true
  }

  /// Gradient steps that follow environment steps `first` to `last`: none during the warm-up, the first
  /// block's multiplied, otherwise so many that their total keeps up with the steps.
  private func updates(from first: Int, to last: Int) -> Int {
    let start = max(settings.randomSteps, settings.warmupSteps)
    guard last > start else { return 0 }
    let (before, after) = (Double(max(first, start) - start), Double(last - start))
    let ratio = settings.updatesPerStep
    guard before > 0 else {
      return max(1, Int((after * ratio * settings.firstBlockMultiplier).rounded()))
    }
    return Int((after * ratio).rounded(.down)) - Int((before * ratio).rounded(.down))
  }

  /// How much of all work is done, 0…1. Nearly all of it is updates, and a block's come after its steps.
  private var share: Double {
    OnlineLoop.share(
      steps: environmentSteps, of: total, updates: updateCount, of: updates(through: total))
  }

  /// Gradient steps that belong to the first `steps` environment steps.
  private func updates(through steps: Int) -> Int {
    let start = max(settings.randomSteps, settings.warmupSteps)
    let first = min(total, (start / settings.blockSteps + 1) * settings.blockSteps)
    return updates(from: 0, to: min(steps, first))
      + (steps > first ? updates(from: first, to: steps) : 0)
  }

  /// - Parameters:
  ///   - steps: environment steps so far; one costs about a twentieth of an update.
  ///   - updates: gradient steps so far.
  static func share(steps: Int, of totalSteps: Int, updates: Int, of totalUpdates: Int) -> Double {
    if steps >= totalSteps, updates >= totalUpdates { return 1 }
    let all = Double(totalSteps) / 20 + Double(totalUpdates)
    return all > 0 ? min(0.999, (Double(steps) / 20 + Double(updates)) / all) : 1
  }

  // MARK: Records

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
    filmIfDue(since: nil)
  }

  private func finishBlock(_ reporter: ProgressReporter) throws {
    block += 1
    updatesInBlock = -1
    func isDue(_ interval: Int) -> Bool { interval > 0 && block % interval == 0 }
    if isDue(settings.policyInterval) { try keeper.keepPolicy(of: team.agents, block: block) }
    if isDue(settings.agentInterval) {
      try keeper.keep(
        team.agents, block: block, rows: replay.online, environmentSteps: environmentSteps)
    }
    let last = environmentSteps >= total
    let length = settings.collection == .blocks ? settings.blockSteps : settings.epochSteps
    guard last || environmentSteps - epochStart >= length else { return }
    try finishEpoch(last: last, reporter)
  }

  private func finishEpoch(last: Bool, _ reporter: ProgressReporter) throws {
    epoch += 1
    var values = averages.values(prefixed: team.agents.count > 1)
    values["epoch"] = Double(epoch)
    values["environment_steps"] = Double(environmentSteps)
    values["gradient_steps"] = Double(updateCount)
    values["online_fraction"] = replay.onlineFraction(environmentSteps: environmentSteps)
    values["updates_per_second"] = pace.rate(of: averages.count)
    values["train_episodes"] = Double(epochReturns.count)
    if !epochReturns.isEmpty {
      values["train_episode_return_mean"] =
        epochReturns.reduce(0, +) / Double(epochReturns.count)
    }
    values["unstable_simulations"] = Double(collector.counts.unstableSteps)
    values["online_rows"] = Double(replay.online.count)
    values[QVarianceMeter.column] = meter?.mean
    meter?.reset()
    averages.reset()
    pace = Pace()
    epochReturns = []
    let start = epochStart
    epochStart = environmentSteps
    let due = last || epoch % context.configuration.evaluation.interval == 0
    let evaluation = due ? try evaluate(round: epoch) : nil
    try session.record(values, evaluation: evaluation, step: environmentSteps)
    reporter.epoch(
      environmentSteps, share: share,
      EpochLine.text(values, evaluation, names: ["online_fraction", "critic_loss", "temperature"]))
    filmIfDue(since: start)
    if last || epoch % settings.checkpointInterval == 0 { try checkpoint() }
  }

  /// - Parameter start: environment steps when the epoch began; `nil` before the first one.
  private func filmIfDue(since start: Int?) {
    let interval = settings.videoInterval
    guard interval > 0, start.map({ $0 / interval < environmentSteps / interval }) ?? true else {
      return
    }
    session.clock.measure(.evaluation) {
      keeper.film(team.agents, round: epoch, environmentSteps: environmentSteps)
    }
  }

  private func evaluate(round: Int) throws -> EvaluationResult {
    try session.clock.measure(.evaluation) {
      try task.evaluate(
        ActingEnsemble.policy(of: team.agents), configuration: context.configuration,
        round: round, pool: context.pool)
    }
  }

  // MARK: State

  private func checkpoint() throws {
    var state = NamedTensors()
    for (member, agent) in team.agents.enumerated() {
      state.add(agent.state, under: "member-\(member)")
    }
    state.add(replay.state, under: "replay")
    state.add(collector.state, under: "collector")
    state.add(averages.state, under: "averages")
    if let meter { state.add(meter.state, under: "q-variance") }
    state["loop/counters"] = Tensor(
      .int64(
        [
          environmentSteps, block, epoch, updatesInBlock, updatesDue, epochStart, updatesOwed,
        ].map(Int64.init)))
    state["loop/returns"] = Tensor(.float64(epochReturns))
    // Several checkpoints can fall into one block, and blocks without updates exist, so both order them.
    try session.checkpoint(
      state, progress: updateCount + environmentSteps, unit: "steps and updates")
  }

  private func restore(_ state: NamedTensors) throws(StateError) {
    for (member, agent) in team.agents.enumerated() {
      try agent.restore(state.part("member-\(member)"))
    }
    try replay.restore(state.part("replay"))
    try collector.restore(state.part("collector"))
    try averages.restore(state.part("averages"))
    try meter?.restore(state.part("q-variance"))
    let counters = try state.integers("loop/counters", count: 7).map { Int($0) }
    (environmentSteps, block, epoch) = (counters[0], counters[1], counters[2])
    (updatesInBlock, updatesDue, epochStart) = (counters[3], counters[4], counters[5])
    updatesOwed = counters[6]
    epochReturns = try state.doubles("loop/returns")
  }
}
