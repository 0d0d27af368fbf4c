import Agents
import Algorithms
import Configuration
import DenseMath
import Environments
import Foundation
import RLCore
import Stages

/// What a job will take on this machine: seconds on one thread, and bytes on the disk.
public struct JobCost: Codable, Sendable, Equatable {
  /// On one thread.
  public var seconds = 0.0
  /// Of checkpoints, online rows in them included, and weights on the disk.
  public var bytes = 0
}

/// Estimates costs from short measurements: some updates of each kind of agent, some steps of each robot.
///
/// Updates run on random minibatches, of which CQL leaves out less than on real ones; episodes are taken to
/// last as long as they can, and distillation all its epochs. So estimates are rather too high.
public final class CostEstimator {
  private var updates: [String: (seconds: Double, state: Int)] = [:]
  private var steps: [String: Double] = [:]
  /// Agents of starts that nobody has to train, by job.
  private var given: [String: Int] = [:]
  private let pool = WorkerPool(threads: 1)

  public init() {}

  /// Costs of all jobs by id.
  public func costs(_ plan: SweepPlan) throws -> [String: JobCost] {
    var result: [String: JobCost] = [:]
    for job in plan.jobs { given[job.id] = job.given?.members }
    for job in plan.jobs { result[job.id] = try cost(of: job) }
    return result
  }

  func cost(of job: SweepJob) throws -> JobCost {
    let configuration = try job.configuration()
    switch job.kind {
    case .agent: return try offline(configuration)
    case .start:
      var cost = JobCost()
      if job.given == nil { cost.bytes = try offline(configuration).bytes / 3 }
      if job.given?.distils ?? configuration.distils {
        let distillation = configuration.distillation
        // Forward passes of all members, and all passes of the student, which are three times one.
        let passes = 1 + Double(job.given?.members ?? configuration.offline.members) / 3
        let update = try cloning(configuration) * Double(distillation.batchSize) / 256
        cost.seconds += update * passes * Double(distillation.epochs * distillation.epochSteps)
      }
      return cost
    case .run: return try online(configuration, members: job.needs.first.flatMap { given[$0] })
    }
  }

  private func offline(_ configuration: ExperimentConfiguration) throws -> JobCost {
    let offline = configuration.offline
    let update = try measure(
      offline.algorithm, configuration.offlineAlgorithm!, configuration, ensemble: 1)
    let epochs = (offline.gradientSteps + offline.epochSteps - 1) / offline.epochSteps
    let rounds =
      (epochs + configuration.evaluation.interval - 1) / configuration.evaluation.interval
    let members = offline.members
    return JobCost(
      seconds: Double(members)
        * (update.seconds * Double(offline.gradientSteps)
          + Double(rounds) * (try evaluation(configuration))),
      // Two checkpoints, and the weights.
      bytes: members * update.state * 2 + members * update.state / 3)
  }

  private func online(
    _ configuration: ExperimentConfiguration, members given: Int?
  ) throws -> JobCost {
    guard configuration.trainsOnline else { return JobCost() }
    let online = configuration.online
    let type = try AlgorithmRegistry.named(online.algorithm)
    let count =
      online.members ?? given
      ?? (configuration.startsFromAgents ? configuration.offline.members : 1)
    let isJoint =
      configuration.startsFromAgents && type.takesEnsemble && online.actor != .independent
    let update = try measure(
      online.algorithm, configuration.onlineAlgorithm!, configuration, ensemble: isJoint ? count : 1
    )
    let agents = isJoint ? 1 : count
    let perBlock = Double(online.blockSteps) * online.updatesPerStep
    let updates =
      Double(online.environmentSteps) * online.updatesPerStep
      + perBlock * max(0, online.firstBlockMultiplier - 1)
    let epoch = online.collection == .blocks ? online.blockSteps : online.epochSteps
    let rounds = online.environmentSteps / max(1, epoch * configuration.evaluation.interval) + 1
    let step = try environmentStep(configuration)
    let specification = try EnvironmentKind(named: configuration.environment).specification
    let row = 4 * (2 * specification.observationSize + specification.actionSize + 3)
    return JobCost(
      seconds: updates * update.seconds * Double(agents)
        + Double(online.environmentSteps) * step
        + Double(rounds) * (try evaluation(configuration)),
      bytes: agents * update.state * 7 / 3
        + 2 * row * min(online.bufferCapacity, online.environmentSteps))
  }

  // MARK: Measurements

  private func evaluation(_ configuration: ExperimentConfiguration) throws -> Double {
    let kind = try EnvironmentKind(named: configuration.environment)
    return Double(configuration.evaluation.episodes * kind.specification.maximumEpisodeSteps)
      * (try environmentStep(configuration))
  }

  private func environmentStep(_ configuration: ExperimentConfiguration) throws -> Double {
    if let known = steps[configuration.environment] { return known }
    let kind = try EnvironmentKind(named: configuration.environment)
    let rollouts = try Rollouts(kind, pool: pool)
    let start = ContinuousClock.now
    let found = rollouts.evaluate(
      UniformPolicy(
        observationSize: kind.specification.observationSize,
        actionSize: kind.specification.actionSize), budget: .episodes(10),
      selection: .sample, seed: 0, purpose: "cost")
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let each = seconds / Double(max(1, found.lengths.reduce(0, +)))
    steps[configuration.environment] = each
    return each
  }

  private func cloning(_ configuration: ExperimentConfiguration) throws -> Double {
    try measure(
      BehaviorCloning.name, BehaviorCloning.Settings(), configuration, ensemble: 1
    ).seconds
  }

  private func measure(
    _ algorithm: String, _ settings: any SettingGroup, _ configuration: ExperimentConfiguration,
    ensemble: Int
  ) throws -> (seconds: Double, state: Int) {
    let specification = try EnvironmentKind(named: configuration.environment).specification
    let scalars = settings.scalars.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
    let key =
      "\(algorithm) \(configuration.environment) \(configuration.networks.hiddenWidths) \(ensemble) "
      + scalars
    if let known = updates[key] { return known }
    var setup = AgentSetup(specification)
    setup.hiddenSizes = configuration.networks.hiddenWidths
    setup.ensembleSize = ensemble
    let type = try AlgorithmRegistry.named(algorithm)
    let agent = try Agent.make(type, settings, setup, pool: pool)
    agent.beginOnline()
    var stream = RandomStream(seed: 0, purpose: "cost/batch")
    let batch = Batch(
      random: &stream, size: agent.batchSize, observationSize: specification.observationSize,
      actionSize: specification.actionSize, extraColumns: type.extraColumns)
    // The first updates make what later ones reuse; algorithms that act on every kth need several.
    for _ in 0..<2 { _ = try agent.update(on: batch) }
    let start = ContinuousClock.now
    var count = 0
    while count < 4 || (ContinuousClock.now - start < .seconds(0.4) && count < 200) {
      _ = try agent.update(on: batch)
      count += 1
    }
    let seconds = (ContinuousClock.now - start) / .seconds(Double(count))
    let bytes = agent.state.tensors.values.reduce(0) { $0 + $1.elements.byteCount }
    updates[key] = (seconds, bytes)
    return (seconds, bytes)
  }
}
