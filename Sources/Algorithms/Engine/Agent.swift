public import Autodiff
public import DenseMath
public import RLCore

/// Sizes, weights and seed with which an agent begins.
public struct AgentSetup: Sendable {
  /// Numbers in an observation, at least 1.
  public var observationSize: Int
  /// Numbers in an action, at least 1; each is in [−1, 1].
  public var actionSize: Int
  /// Units of each hidden layer, where the algorithm has no widths of its own.
  public var hiddenSizes = [256, 256]
  /// N, whose critics are taken over by one online agent; 1 offline.
  public var ensembleSize = 1
  /// Policies that act as a mixture.
  public var actorMembers = 1
  /// What all observations go through first, in updates as in acting; `nil`: they are taken as they are.
  public var normalizer: ObservationNormalizer?
  /// What weights, noise and minibatches are drawn from; equal seeds give equal agents.
  public var seed: UInt64 = 0

  public init(observationSize: Int, actionSize: Int) {
    self.observationSize = observationSize
    self.actionSize = actionSize
  }

  /// For a task's robot; everything else as usual.
  public init(_ task: EnvironmentSpecification) {
    self.init(observationSize: task.observationSize, actionSize: task.actionSize)
  }
}

/// One agent in training: an algorithm, its parts and its clock.
///
/// Equal settings, seeds, weights and minibatches give equal bytes, whatever the number of threads.
///
/// Minibatches and ``policy`` take observations as the robot gives them. Where the agent has a normaliser, both
/// go through it here and nowhere else: algorithms see normalised observations only.
public final class Agent: @unchecked Sendable {
  /// The losses, with their settings.
  public let algorithm: any Algorithm
  /// Networks, numbers, noises and metrics that the algorithm made.
  public let parts: AgentParts
  /// B.
  public let batchSize: Int
  /// Gradient steps done so far.
  public private(set) var updateCount = 0
  private let step: Step
  private var metrics: Metrics
  private var snapshot: (count: Int, policy: any Policy)?

  /// - Throws: ``AlgorithmError`` where the settings belong to another algorithm or it cannot begin so.
  public init<A: Algorithm>(
    _ type: A.Type, _ settings: any SettingGroup, _ setup: AgentSetup, pool: WorkerPool
  ) throws(AlgorithmError) {
    guard let settings = settings as? A.Settings else {
      throw .wrongSettings(
        algorithm: A.name, actual: "\(Swift.type(of: settings)) for \(A.Settings.self)")
    }
    parts = AgentParts(
      algorithm: A.name, observationSize: setup.observationSize, actionSize: setup.actionSize,
      hiddenSizes: setup.hiddenSizes, ensembleSize: setup.ensembleSize,
      actorMembers: setup.actorMembers, normalizer: setup.normalizer, seed: setup.seed, pool: pool)
    algorithm = try A(settings, parts)
    batchSize = settings.batchSize
    step = Step(parts)
    metrics = Metrics(names: parts.metrics.map(\.name))
  }

  /// Columns of what ``update(on:)`` returns, in its order.
  public var metricNames: [String] { metrics.names }

  /// One gradient step.
  ///
  /// - Throws: `TrainingError` when a loss, a metric or a parameter is not finite; gradients are then
  ///   forgotten. Parameters may be broken then: go on from a stored state.
  public func update(on batch: Batch) throws(TrainingError) -> Metrics {
    parts.tape.begin(step: UInt64(updateCount))
    step.count = updateCount
    step.hasReported = false
    do throws(TrainingError) {
      try algorithm.update(try Rows(batch, on: parts.tape, parts.normalizer), step)
      try step.checkParameters()
      for (index, metric) in parts.metrics.enumerated() {
        metrics.values[index] = metric.value
        if metric.value.isInfinite {
          throw .diverged(
            metric: metric.name, value: Float(metric.value), updateCount: updateCount)
        }
      }
    } catch {
      for block in parts.blocks { block.clearGradient() }
      throw error
    }
    updateCount += 1
    return metrics
  }

  /// How often the rows of the last minibatch should be drawn from now on, where the algorithm says so.
  public var priorities: [Float]? { step.priorities }

  /// The policy as it stands now.
  public var policy: any Policy {
    if let snapshot, snapshot.count == updateCount { return snapshot.policy }
    var policy = algorithm.policy
    if let normalizer = parts.normalizer {
      policy = NormalizedPolicy(policy, normalizer: normalizer)
    }
    snapshot = (updateCount, policy)
    return policy
  }

  /// Tells the algorithm that interaction begins.
  public func beginOnline() {
    step.onlineSince = updateCount
    algorithm.beginOnline()
    snapshot = nil
  }

  // MARK: Weights

  /// Names of the networks, in the order in which the algorithm made them.
  public var networkNames: [String] { parts.stacks.map(\.block.name) }

  /// Copies of the networks of one part, `nil` where there is no such part.
  public func networks(_ part: String, targets: Bool = false) -> [Network]? {
    guard let stack = parts.stacks.first(where: { $0.block.name == part }),
      !targets || stack.block.targets != nil
    else { return nil }
    return (0..<stack.members).map { stack.snapshot($0, target: targets) }
  }

  /// Takes over the networks of one part; its targets become copies unless they are given.
  ///
  /// - Throws: ``AlgorithmError/mismatch(algorithm:part:expected:actual:)`` where number or shape differ.
  public func load(
    _ networks: [Network], into part: String, targets: [Network]? = nil
  ) throws(AlgorithmError) {
    guard let stack = parts.stacks.first(where: { $0.block.name == part }) else {
      throw .mismatch(
        algorithm: parts.algorithm, part: part,
        expected: "one of \(networkNames.joined(separator: ", "))", actual: "no such part")
    }
    for found in [networks, targets ?? networks] {
      guard found.count == stack.members, found.allSatisfy({ $0.shape == stack.shape }) else {
        throw .mismatch(
          algorithm: parts.algorithm, part: part, expected: "\(stack.members) × \(stack.shape)",
          actual: "\(found.count) × \(found.first.map { "\($0.shape)" } ?? "nothing")")
      }
    }
    stack.load(networks)
    if let targets { stack.loadTargets(targets) }
    snapshot = nil
  }

  /// Numbers that were learned, by name: `temperature`.
  public var numbers: [String: Double] {
    Dictionary(uniqueKeysWithValues: parts.scalars.map { ($0.block.name, $0.value) })
  }

  /// Sets a learned number, such as `temperature`, which must be above 0; where there is none of this name,
  /// nothing happens.
  public func setNumber(_ name: String, to value: Double) {
    parts.scalars.first { $0.block.name == name }?.set(value)
  }

  // MARK: State

  /// Complete training state: parameters, moments, targets, numbers, counters.
  public var state: NamedTensors {
    var state = NamedTensors()
    for block in parts.blocks { state.add(block.state, under: block.name) }
    for (name, value) in parts.kept { state.add(value.state, under: "kept/\(name)") }
    state["updateCount"] = Tensor(.int64([Int64(updateCount), Int64(step.onlineSince ?? -1)]))
    state["metrics"] = Tensor(.float64(parts.metrics.map(\.value)))
    return state
  }

  /// Goes on from a ``state``, of an agent of the same algorithm, settings and sizes.
  /// - Throws: `StateError` that names the tensor which is missing or has another shape. Some parts may have been
  ///   replaced then: the agent is of no use before it has been restored from a whole one.
  public func restore(_ state: NamedTensors) throws(StateError) {
    let counters = try state.integers("updateCount", count: 2)
    let values = try state.doubles("metrics", count: parts.metrics.count)
    for block in parts.blocks { try block.restore(state.part(block.name)) }
    for (name, value) in parts.kept { try value.restore(state.part("kept/\(name)")) }
    for (metric, value) in zip(parts.metrics, values) { metric.restore(value) }
    updateCount = Int(counters[0])
    step.onlineSince = counters[1] < 0 ? nil : Int(counters[1])
    snapshot = nil
  }
}
