import CAllocationCounter
import DenseMath
import Autodiff
import RLCore
import Testing

@testable import Algorithms

/// Properties that every algorithm of the registry has: same bytes for any number of threads, exact
/// continuation from a saved state, no heap allocation once warm, a stop at the first NaN.
@Suite(.serialized) struct AlgorithmInvariantsTests {
  static let observationSize = 5
  static let actionSize = 3

  static func agent(
    _ name: String, threads: Int, seed: UInt64 = 7, ensembleSize: Int = 1, actorMembers: Int = 1,
    normalizer: ObservationNormalizer? = nil
  ) throws -> Agent {
    let type = try AlgorithmRegistry.named(name)
    var setup = AgentSetup(observationSize: observationSize, actionSize: actionSize)
    setup.hiddenSizes = [40, 33]
    setup.seed = seed
    setup.ensembleSize = ensembleSize
    setup.actorMembers = actorMembers
    setup.normalizer = normalizer
    return try make(type, setup, WorkerPool(threads: threads))
  }

  private static func make<A: Algorithm>(
    _ type: A.Type, _ setup: AgentSetup, _ pool: WorkerPool
  ) throws -> Agent { try Agent(type, shortened(A.Settings()), setup, pool: pool) }

  /// The defaults, but so that a few updates reach everything that the algorithm does.
  private static func shortened<S: AlgorithmSettings>(_ settings: S) -> S {
    var result: any AlgorithmSettings = settings
    if var short = result as? SupportedPolicyOptimization.Settings {
      (short.vaeSteps, short.vaeWidth) = (1, 50)
      result = short
    }
    if var short = result as? RLPD.Settings {
      short.policyDelay = 2
      result = short
    }
    if var short = result as? BatchConstrainedQLearning.Settings {
      (short.autoencoderWidth, short.firstWidth, short.secondWidth) = (50, 40, 33)
      result = short
    }
    return result as! S
  }

  /// Metrics with equal bits: what has not been measured yet is NaN.
  private static func bits(_ metrics: Metrics) -> [UInt64] { metrics.values.map(\.bitPattern) }

  static func batch(_ agent: Agent, step: Int) -> Batch {
    var batch = Batch(
      size: agent.batchSize, observationSize: observationSize, actionSize: actionSize,
      extraColumns: ExtraColumn.allCases)
    var stream = RandomStream(seed: 0, purpose: "batch", step: UInt64(step))
    for i in batch.observations.elements.indices {
      batch.observations.elements[i] = Float(stream.normal())
      batch.nextObservations.elements[i] = Float(stream.normal())
    }
    for i in batch.actions.elements.indices {
      batch.actions.elements[i] = Float(stream.uniform(-1, 1))
    }
    for i in 0..<batch.size {
      batch.rewards[i] = Float(stream.normal())
      batch.masks[i] = stream.uniform() < 0.1 ? 0 : 1
      batch.extras["returnToGo"]![i] = Float(stream.normal())
      batch.extras["online"]![i] = i % 2 == 0 ? 1 : 0
      batch.extras["weight"]![i] = 1
    }
    return batch
  }

  static func train(_ agent: Agent, steps: Range<Int>) throws -> Metrics {
    var last = Metrics(names: [])
    for step in steps { last = try agent.update(on: batch(agent, step: step)) }
    return last
  }

  static let cases: [(String, Int, Int)] =
    AlgorithmRegistry.names.map { ($0, 1, 1) }
    + AlgorithmRegistry.all.filter { $0.takesEnsemble }.flatMap {
      [($0.name, 3, 1), ($0.name, 3, 3)]
    }

  @Test(arguments: cases)
  func sameBytesForAnyNumberOfThreads(name: String, ensemble: Int, actors: Int) throws {
    let reference = try Self.agent(
      name, threads: 1, ensembleSize: ensemble, actorMembers: actors)
    let start = reference.state
    let expected = Self.bits(try Self.train(reference, steps: 0..<4))
    #expect(reference.state != start)
    for threads in [2, 3, 8] {
      let agent = try Self.agent(
        name, threads: threads, ensembleSize: ensemble, actorMembers: actors)
      #expect(Self.bits(try Self.train(agent, steps: 0..<4)) == expected)
      #expect(agent.state == reference.state)
    }
  }

  @Test(arguments: cases)
  func continuesExactlyFromASavedState(name: String, ensemble: Int, actors: Int) throws {
    let reference = try Self.agent(
      name, threads: 2, ensembleSize: ensemble, actorMembers: actors)
    _ = try Self.train(reference, steps: 0..<3)
    let saved = reference.state
    let expected = Self.bits(try Self.train(reference, steps: 3..<6))
    let resumed = try Self.agent(
      name, threads: 2, ensembleSize: ensemble, actorMembers: actors)
    try resumed.restore(saved)
    #expect(Self.bits(try Self.train(resumed, steps: 3..<6)) == expected)
    #expect(resumed.state == reference.state)
  }

  /// An agent with a normaliser is the agent without one that is given normalised observations.
  @Test(arguments: AlgorithmRegistry.names)
  func observationsAreNormalizedOnce(name: String) throws {
    let normalizer = ObservationNormalizer(mean: [1, -2, 0, 0.5, 3], std: [2, 0.25, 1, 3, 0.5])
    let agent = try Self.agent(name, threads: 2, normalizer: normalizer)
    let plain = try Self.agent(name, threads: 2)
    for step in 0..<3 {
      var batch = Self.batch(agent, step: step)
      _ = try agent.update(on: batch)
      batch.observations = normalizer(batch.observations)
      batch.nextObservations = normalizer(batch.nextObservations)
      _ = try plain.update(on: batch)
    }
    #expect(agent.state == plain.state)
    let observation: [Float] = [0.3, -1, 2, 0.1, -0.7]
    for selection in ActionSelection.allCases {
      var one = RandomStream(seed: 3, purpose: "act")
      var other = one
      #expect(
        agent.policy.action(for: observation, selection: selection, using: &one)
          == plain.policy.action(
            for: normalizer(observation), selection: selection, using: &other))
    }
  }

  @Test(
    .disabled(if: sanitizer_allocates() != 0, "allocations are a sanitizer's"), arguments: cases,
    [1, 2])
  func steadyUpdateAllocatesNothing(of one: (String, Int, Int), threads: Int) throws {
    let agent = try Self.agent(
      one.0, threads: threads, ensembleSize: one.1, actorMembers: one.2)
    var batch = Self.batch(agent, step: 0)
    let asked = try AlgorithmRegistry.named(one.0).extraColumns.map(\.rawValue)
    batch.extras = batch.extras.filter { asked.contains($0.key) }
    for _ in 0..<4 { _ = try agent.update(on: batch) }
    let before = allocation_count()
    for _ in 0..<10 { _ = try agent.update(on: batch) }
    let after = allocation_count()
    #expect(before > 0, "the counter is not in place")
    #expect(after - before == 0, "\(Double(after - before) / 10) allocations an update")
  }

  /// An agent that is gone has released all that it had.
  @Test(
    .disabled(if: sanitizer_allocates() != 0, "allocations are a sanitizer's"), arguments: cases)
  func nothingIsLeftOfAnAgent(of one: (String, Int, Int)) throws {
    func useOne() throws {
      let agent = try Self.agent(
        one.0, threads: 1, ensembleSize: one.1, actorMembers: one.2)
      _ = try agent.update(on: Self.batch(agent, step: 0))
    }
    // Tables that stay for the life of the process are made once.
    for _ in 0..<2 { try useOne() }
    #expect(allocation_count() > 0, "the counter is not in place")
    let before = allocation_balance()
    for _ in 0..<10 { try useOne() }
    #expect(allocation_balance() == before)
  }

  enum Column: CaseIterable { case observations, actions, rewards, masks, nextObservations }

  @Test(arguments: AlgorithmRegistry.names, Column.allCases)
  func nonFiniteInputStopsTraining(name: String, column: Column) throws {
    let agent = try Self.agent(name, threads: 2)
    var batch = Self.batch(agent, step: 0)
    _ = try agent.update(on: batch)
    switch column {
    case .observations: batch.observations.elements[7] = .nan
    case .actions: batch.actions.elements[7] = .nan
    case .rewards: batch.rewards[3] = .nan
    case .masks: batch.masks[3] = .nan
    case .nextObservations: batch.nextObservations.elements[7] = .nan
    }
    #expect(throws: TrainingError.self) { try agent.update(on: batch) }
  }

  /// With its units on a critic goes through whole rows; the other one stays in groups. Bytes must not
  /// depend on which worker took which.
  @Test func bothPassesOfCQLRunAndDoNotDependOnThreads() throws {
    func train(threads: Int) throws -> (NamedTensors, PassTally) {
      let agent = try Self.agent("cql", threads: threads)
      let critics = agent.networks("critic")!
      for (index, layer) in critics[0].layout.layers.dropLast().enumerated() {
        for unit in 0..<layer.outputs { critics[0].bias(index)[unit] = 6 }
      }
      try agent.load(critics, into: "critic")
      _ = try Self.train(agent, steps: 0..<2)
      return (agent.state, (agent.algorithm as! ConservativeQLearning).regression.tally)
    }
    let (reference, tally) = try train(threads: 1)
    #expect(tally.denseStates > 100 && tally.groupedStates > 500)
    for threads in [2, 3] { #expect(try train(threads: threads).0 == reference) }
  }

  @Test(arguments: AlgorithmRegistry.names)
  func nonFiniteExtraColumnStopsTraining(name: String) throws {
    let agent = try Self.agent(name, threads: 1)
    for column in try AlgorithmRegistry.named(name).extraColumns {
      var batch = Self.batch(agent, step: 0)
      batch.extras[column.rawValue]![2] = .infinity
      #expect(throws: TrainingError.self) { try agent.update(on: batch) }
    }
  }

  @Test(arguments: AlgorithmRegistry.names)
  func policyActsWithinBounds(name: String) throws {
    let agent = try Self.agent(name, threads: 1)
    _ = try Self.train(agent, steps: 0..<3)
    let policy = agent.policy
    #expect(policy.observationSize == Self.observationSize && policy.actionSize == Self.actionSize)
    for selection in ActionSelection.allCases {
      var stream = RandomStream(seed: 1, purpose: "acting")
      var again = stream
      let observation: [Float] = [0.3, -1, 2, 0.1, -0.4]
      let chosen = policy.action(for: observation, selection: selection, using: &stream)
      #expect(chosen.action.count == Self.actionSize)
      #expect(chosen.action.allSatisfy { abs($0) <= 1 } && chosen.logProb.isFinite)
      #expect(
        chosen == policy.action(for: observation, selection: selection, using: &again))
    }
  }

  /// Parts that a hand-over fills come from parts that exist in the agent or in one before it.
  @Test(arguments: AlgorithmRegistry.names)
  func everyPartHasASourceOrBeginsFresh(name: String) throws {
    let type = try AlgorithmRegistry.named(name)
    let own = try Self.agent(name, threads: 1).parts.blocks.map(\.name)
    let sources = own.compactMap { type.source(ofPart: $0) }
    #expect(Set(sources).count == sources.count, "\(sources)")
    #expect(sources.allSatisfy(own.contains), "\(sources) of \(own)")
  }
}
