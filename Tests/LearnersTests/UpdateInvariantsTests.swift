import CAllocationCounter
import DenseMath
import Learners
import Networks
import RLCore
import Testing

/// Properties that every update has, whatever it computes: same bytes for any number of threads,
/// exact continuation from a saved state, no heap allocation once warm.
@Suite(.serialized) struct UpdateInvariantsTests {
  enum Kind: String, CaseIterable, CustomTestStringConvertible {
    case sac, ensemble, mixture, cql, cqlDense, cqlLagrange, cqlMaximum
    var testDescription: String { rawValue }
  }

  static let observationSize = 5
  static let actionSize = 3
  static let batchSize = 200

  static func learner(_ kind: Kind, threads: Int, seed: UInt64 = 7) -> any Learner {
    let pool = WorkerPool(threads: threads)
    switch kind {
    case .sac, .ensemble, .mixture:
      var configuration = SoftActorCritic.Configuration()
      configuration.hiddenSizes = [40, 33]
      configuration.batchSize = batchSize
      configuration.criticPairs = kind == .sac ? 1 : 3
      let shape = GaussianPolicy.shape(
        observationSize: observationSize, actionSize: actionSize, hiddenSizes: [40, 33])
      let actors = (0..<3).map {
        Network.policy(shape, actionSize: actionSize, seed: seed, purpose: "test-\($0)")
      }
      return SoftActorCritic(
        configuration: configuration, observationSize: observationSize, actionSize: actionSize,
        actors: kind == .mixture ? actors : nil, seed: seed, pool: pool)
    case .cql, .cqlDense, .cqlLagrange, .cqlMaximum:
      var configuration = ConservativeQLearning.Configuration()
      configuration.hiddenSizes = [40, 33]
      configuration.batchSize = batchSize
      // Nine fill the lanes of groups well enough, two do not.
      configuration.sampledActions = kind == .cqlMaximum ? 2 : 9
      if kind == .cqlLagrange {
        configuration.conservatism = .lagrange(weight: 5, gap: 1, form: .scaled)
      }
      if kind == .cqlMaximum {
        configuration.backup = .minimumOfMaxima
        configuration.behaviorCloningSteps = 2
      }
      let learner = ConservativeQLearning(
        configuration: configuration, observationSize: observationSize, actionSize: actionSize,
        seeds: [seed, seed + 1], pool: pool)
      // With its units on a critic goes through whole rows; the other one stays in groups.
      if kind == .cqlDense { switchOn(learner.critics(ofMember: 1)[0]) }
      return learner
    }
  }

  private static func switchOn(_ critic: Network) {
    for (index, layer) in critic.layout.layers.dropLast().enumerated() {
      for unit in 0..<layer.outputs { critic.bias(index)[unit] = 6 }
    }
  }

  static func batches(_ count: Int, step: Int) -> [Batch] {
    (0..<count).map { index in
      var batch = Batch(
        size: batchSize, observationSize: observationSize, actionSize: actionSize)
      var stream = RandomStream(seed: UInt64(index), purpose: "batch", step: UInt64(step))
      for i in batch.observations.elements.indices {
        batch.observations.elements[i] = Float(stream.normal())
        batch.nextObservations.elements[i] = Float(stream.normal())
      }
      for i in batch.actions.elements.indices {
        batch.actions.elements[i] = Float(stream.uniform(-1, 1))
      }
      for i in 0..<batchSize {
        batch.rewards[i] = Float(stream.normal())
        batch.masks[i] = stream.uniform() < 0.1 ? 0 : 1
      }
      return batch
    }
  }

  static func train(_ learner: any Learner, steps: Range<Int>) throws -> Metrics {
    var last = Metrics(names: [])
    for step in steps {
      last = try learner.update(on: batches(learner.batchesPerUpdate, step: step))
    }
    return last
  }

  @Test(arguments: Kind.allCases)
  func sameBytesForAnyNumberOfThreads(kind: Kind) throws {
    let reference = Self.learner(kind, threads: 1)
    let start = reference.state
    let expected = try Self.train(reference, steps: 0..<5)
    #expect(reference.state != start)
    for threads in [2, 3, 8] {
      let learner = Self.learner(kind, threads: threads)
      let metrics = try Self.train(learner, steps: 0..<5)
      #expect(metrics == expected)
      #expect(learner.state == reference.state)
    }
  }

  @Test(arguments: Kind.allCases)
  func continuesExactlyFromASavedState(kind: Kind) throws {
    let reference = Self.learner(kind, threads: 2)
    _ = try Self.train(reference, steps: 0..<3)
    let saved = reference.state
    let expected = try Self.train(reference, steps: 3..<6)
    let resumed = Self.learner(kind, threads: 2, seed: 7)
    try resumed.restore(saved)
    let metrics = try Self.train(resumed, steps: 3..<6)
    #expect(metrics == expected)
    #expect(resumed.state == reference.state)
  }

  @Test func bothPassesRun() throws {
    let learner = Self.learner(.cqlDense, threads: 2) as! ConservativeQLearning
    _ = try Self.train(learner, steps: 0..<2)
    #expect(learner.passTally.denseStates > 100 && learner.passTally.groupedStates > 600)
  }

  @Test func memberIsTheSameAgentWhateverTheEnsemble() throws {
    let pair = Self.learner(.cql, threads: 2) as! ConservativeQLearning
    _ = try Self.train(pair, steps: 0..<4)
    var configuration = pair.configuration
    configuration.hiddenSizes = [40, 33]
    let alone = ConservativeQLearning(
      configuration: configuration, observationSize: Self.observationSize,
      actionSize: Self.actionSize, seeds: [8], pool: WorkerPool(threads: 2))
    for step in 0..<4 { _ = try alone.update(on: [Self.batches(2, step: step)[1]]) }
    #expect(
      pair.critics(ofMember: 1).map(\.parameters) == alone.critics(ofMember: 0).map(\.parameters))
    #expect(
      pair.policy(ofMember: 1).network.parameters == alone.policy(ofMember: 0).network.parameters)
    #expect(
      pair.policy(ofMember: 0).network.parameters != alone.policy(ofMember: 0).network.parameters)
  }

  @Test(arguments: [Kind.sac, .ensemble, .cql, .cqlDense], [1, 2])
  func steadyUpdateAllocatesNothing(kind: Kind, threads: Int) throws {
    let learner = Self.learner(kind, threads: threads)
    let batches = Self.batches(learner.batchesPerUpdate, step: 0)
    for _ in 0..<3 { _ = try learner.update(on: batches) }
    let before = allocation_count()
    for _ in 0..<10 { _ = try learner.update(on: batches) }
    let after = allocation_count()
    #expect(before > 0, "the counter is not in place")
    #expect(after - before == 0)
  }

  @Test func nonFiniteLossStopsTraining() throws {
    let learner = Self.learner(.cql, threads: 2)
    var batches = Self.batches(2, step: 0)
    _ = try learner.update(on: batches)
    let before = learner.state
    batches[1].rewards[3] = .nan
    #expect(throws: TrainingError.self) { try learner.update(on: batches) }
    #expect(learner.state == before)
  }
}
