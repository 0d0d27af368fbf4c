import Algorithms
import Configuration
import DenseMath
import Foundation
import RLCore
public import Runs

/// Offline training of N independent agents of any algorithm on one dataset.
///
/// Member i of a run has a seed of its own, made of the run's seed and i, so that runs with different
/// seeds share nothing, and agent i is the same whatever N is.
public struct OfflineStage {
  /// Name of the stage in manifests and summaries, and of its folder in a pipeline's directory.
  public static let name = "pretrain"
  private let context: StageContext
  private var configuration: ExperimentConfiguration { context.configuration }

  /// Updates of each agent between two looks at interruption and progress.
  private static let stride = 8

  public init(_ context: StageContext) { self.context = context }

  /// Trains, or goes on training, in the run directory `output`.
  ///
  /// - Returns: the directory with the trained agents.
  /// - Throws: errors of configuration, dataset, run directory; `TrainingError`; `Interrupted`.
  @discardableResult
  public func run(output: String) throws -> String {
    if try RunDirectory.holdsFinishedRun(output, context: context) { return "\(output)/weights" }
    let task = try ControlTask(configuration)
    let type = try AlgorithmRegistry.named(configuration.offline.algorithm)
    let data = try OfflineData(
      configuration, task: task, for: type, configuration.offlineAlgorithm!)
    let team = try makeTeam(type, task: task, normalizer: data.normalizer)
    let directory = try RunDirectory(path: output, context: context)
    context.warn(ofData: data.warnings)
    try train(team, on: data, task: task, in: directory)
    return directory.weights
  }

  private func makeTeam(
    _ type: any Algorithm.Type, task: ControlTask, normalizer: ObservationNormalizer?
  ) throws -> AgentTeam {
    try AgentTeam(
      members: configuration.offline.members, pool: context.pool, extraColumns: type.extraColumns
    ) { member, pool in
      try OfflineStage.agent(
        configuration, type, task: task, normalizer: normalizer, member: member, pool: pool)
    }
  }

  /// An agent before its first update.
  static func agent(
    _ configuration: ExperimentConfiguration, _ type: any Algorithm.Type, task: ControlTask,
    normalizer: ObservationNormalizer?, member: Int, pool: WorkerPool
  ) throws(AlgorithmError) -> Agent {
    var setup = AgentSetup(task.specification)
    setup.hiddenSizes = configuration.networks.hiddenWidths
    setup.normalizer = normalizer
    setup.seed = MemberSeed.of(
      seed: configuration.seed, member: (configuration.offline.firstMember ?? 0) + member)
    return try Agent.make(type, configuration.offlineAlgorithm!, setup, pool: pool)
  }

  private func train(
    _ team: AgentTeam, on data: OfflineData, task: ControlTask, in directory: RunDirectory
  ) throws {
    let settings = configuration.offline
    let columns = team.agents.indices.flatMap { member in
      (team.agents[member].metricNames + ["eval_normalized_score"]).map { "member\(member)_\($0)" }
    }
    let session = try StageSession(
      stage: OfflineStage.name, directory: directory, context: context, columns: columns,
      inputs: [RunInput.dataset: data.digest], warnings: data.warnings)
    let averages = MemberAverages(team)
    if let state = session.restored {
      try session.restore { () throws(StateError) in
        for (member, agent) in team.agents.enumerated() {
          try agent.restore(state.part("member-\(member)"))
        }
        try averages.restore(state.part("averages"))
      }
    }
    func checkpoint() throws {
      var state = NamedTensors()
      for (member, agent) in team.agents.enumerated() {
        state.add(agent.state, under: "member-\(member)")
      }
      state.add(averages.state, under: "averages")
      try session.checkpoint(state, progress: team.agents[0].updateCount, unit: "updates")
    }
    let keys = team.agents.map {
      RandomStream.Key(seed: $0.parts.seed, purpose: "pretrain/minibatch")
    }
    let (total, epochSteps) = (settings.gradientSteps, settings.epochSteps)
    let reporter = context.reporter
    var count = team.agents[0].updateCount
    reporter.begin(OfflineStage.name, from: count, to: total, unit: "updates")
    var pace = Pace()
    while count < total {
      let boundary = min(total, (count / epochSteps + 1) * epochSteps)
      let stride = context.interruption.isRequested ? 1 : OfflineStage.stride
      let next = min(boundary, count + stride)
      pace.resume()
      try session.clock.measure(.updates) {
        try team.update(
          next - count,
          fill: { member, agent, batch in
            var stream = keys[member].stream(step: UInt64(agent.updateCount))
            try data.sample(into: &batch, using: &stream)
          }, done: { member, metrics in averages.add(metrics, of: member) })
      }
      pace.pause()
      count = next
      reporter.update(count)
      if count == boundary {
        let epoch = (count + epochSteps - 1) / epochSteps
        var values = averages.values
        values["epoch"] = Double(epoch)
        values["environment_steps"] = 0
        values["gradient_steps"] = Double(count)
        values["online_fraction"] = 0
        values["updates_per_second"] = pace.rate(of: averages.count)
        averages.reset()
        let evaluation = try session.clock.measure(.evaluation) {
          try evaluate(team, task: task, epoch: epoch, last: count == total, into: &values)
        }
        try session.record(values, evaluation: evaluation, step: count)
        reporter.epoch(
          count,
          EpochLine.text(values, evaluation, names: ["member0_td_loss", "member0_critic_loss"]))
        pace = Pace()
        if epoch % settings.checkpointInterval == 0 || count == total { try checkpoint() }
      }
      if context.interruption.isRequested && count < total {
        try checkpoint()
        throw Interrupted(directory: context.owner ?? directory.path)
      }
    }
    try AgentStore.write(
      team.agents, configuration.offlineAlgorithm!, task: task, to: directory.weights)
    try session.finish(extra: ["gradientSteps": Double(total)])
  }

  /// Every member plays; the table gets the mean over members and each member's own score.
  private func evaluate(
    _ team: AgentTeam, task: ControlTask, epoch: Int, last: Bool,
    into values: inout [String: Double]
  ) throws -> EvaluationResult? {
    guard last || epoch % configuration.evaluation.interval == 0 else { return nil }
    var results: [EvaluationResult] = []
    for (member, agent) in team.agents.enumerated() {
      let result = try task.evaluate(
        agent.policy, configuration: configuration, round: epoch, pool: context.pool)
      values["member\(member)_eval_normalized_score"] = result.normalizedScore
      results.append(result)
    }
    return EvaluationResult(
      specification: task.specification, returns: results.flatMap(\.returns),
      lengths: results.flatMap(\.lengths))
  }
}

/// Seeds of the agents of one run.
enum MemberSeed {
  /// A hash of both, so that any set of runs has different members.
  static func of(seed: Int, member: Int) -> UInt64 {
    var stream = RandomStream(seed: UInt64(seed), purpose: "member/\(member)")
    return stream.next()
  }
}

/// Means of every member's metrics over one epoch. Each member's are touched by its thread alone.
final class MemberAverages: @unchecked Sendable {
  /// An object for each: a write to an element of an array that threads share is one to the array as well.
  private final class Member {
    var average: EpochAverage
    init(_ average: EpochAverage) { self.average = average }
  }

  private let members: [Member]

  init(_ team: AgentTeam) {
    members = team.agents.map { Member(EpochAverage(names: $0.metricNames)) }
  }

  func add(_ metrics: Metrics, of member: Int) { members[member].average.add(metrics) }

  var count: Int { members[0].average.count }

  /// Of one agent under their own names, of several under `memberI_NAME`.
  func values(prefixed: Bool) -> [String: Double] {
    guard prefixed else { return members[0].average.values }
    return members.enumerated().reduce(into: [:]) { result, item in
      for (name, value) in item.element.average.values {
        result["member\(item.offset)_\(name)"] = value
      }
    }
  }

  var values: [String: Double] { values(prefixed: true) }

  func reset() { for member in members { member.average.reset() } }

  var state: NamedTensors {
    var state = NamedTensors()
    for (number, member) in members.enumerated() {
      state.add(member.average.state, under: "\(number)")
    }
    return state
  }

  func restore(_ state: NamedTensors) throws(StateError) {
    for (number, member) in members.enumerated() {
      try member.average.restore(state.part("\(number)"))
    }
  }
}
