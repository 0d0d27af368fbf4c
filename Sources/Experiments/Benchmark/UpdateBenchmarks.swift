import Datasets
import DenseMath
import FineTuning
import Learners
import Networks
import RLCore
import Replay

/// Gradient steps at the size of HalfCheetah and Walker2d: 17 observations, 6 actions, batch 256.
enum UpdateBenchmarks {
  static let observationSize = 17
  static let actionSize = 6
  static let batchSize = 256

  /// Random transitions; the values do not matter to the time, except that a CQL update skips rows
  /// once its critics tell actions apart.
  static func batch(_ index: Int) -> Batch {
    var batch = Batch(
      size: batchSize, observationSize: observationSize, actionSize: actionSize)
    var stream = RandomStream(seed: 1, purpose: "benchmark/batch", step: UInt64(index))
    for i in batch.observations.elements.indices {
      batch.observations.elements[i] = Float(stream.normal())
      batch.nextObservations.elements[i] = Float(stream.normal())
    }
    for i in batch.actions.elements.indices {
      batch.actions.elements[i] = Float(stream.uniform(-1, 1))
    }
    for i in 0..<batchSize {
      batch.rewards[i] = Float(stream.normal())
      batch.masks[i] = 1
    }
    return batch
  }

  /// Several minibatches, taken in turn: what an update skips depends on the data.
  static let batchCount = 8

  static func cql(hiddenSizes: [Int], pool: WorkerPool) -> BenchmarkCase {
    cql(
      name: "cql-update-\(hiddenSizes.count)x\(hiddenSizes[0])", hiddenSizes: hiddenSizes,
      batches: (0..<batchCount).map { [batch($0)] }, agents: nil, pool: pool)
  }

  /// A CQL update of an agent that has been trained before, on minibatches of its data: rows whose
  /// softmax weight has vanished get no backward pass.
  static func trainedCQL(_ agents: TrainedAgents, pool: WorkerPool) throws -> BenchmarkCase {
    let transitions = try D4RLDataset(contentsOf: agents.dataset).transitions()
    let buffer = ReplayBuffer(transitions)
    let member = try EnsembleDirectory.read(agents.ensemble).members[0]
    let batches = try (0..<batchCount).map { index in
      var batch = Batch(
        size: batchSize, observationSize: buffer.observationSize, actionSize: buffer.actionSize)
      var stream = RandomStream(seed: 1, purpose: "benchmark/batch", step: UInt64(index))
      try buffer.sample(0..<batchSize, of: &batch, using: &stream)
      return [batch]
    }
    return cql(
      name: BenchmarkSuite.trainedName, hiddenSizes: member.actor.network.shape.hiddenSizes,
      batches: batches,
      agents: (member.actor.network, member.critics.map(\.network)), pool: pool)
  }

  private static func cql(
    name: String, hiddenSizes: [Int], batches: [[Batch]],
    agents: (actor: Network, critics: [Network])?, pool: WorkerPool
  ) -> BenchmarkCase {
    let first = batches[0][0]
    let (observationSize, actionSize) = (first.observations.columns, first.actions.columns)
    var configuration = ConservativeQLearning.Configuration()
    configuration.hiddenSizes = hiddenSizes
    let learner = ConservativeQLearning(
      configuration: configuration, observationSize: observationSize, actionSize: actionSize,
      seeds: [0], pool: pool)
    if let agents {
      learner.policy(ofMember: 0).network.parameters = agents.actor.parameters
      for (critic, trained) in zip(learner.critics(ofMember: 0), agents.critics) {
        critic.parameters = trained.parameters
      }
      for (target, trained) in zip(learner.targetCritics(ofMember: 0), agents.critics) {
        target.parameters = trained.parameters
      }
    }
    var floor = ProductFloor(pool: pool, largest: 1 << 20)
    let critic = [observationSize + actionSize] + hiddenSizes + [1]
    let actor = [observationSize] + hiddenSizes + [2 * actionSize]
    // Policy at s and s′ and back; targets; the critics at ã and their action gradient.
    for rows in [128, 128] {
      floor.add(
        ProductFloor.forward(rows: rows, widths: actor)
          + ProductFloor.forward(rows: rows, widths: actor)
          + ProductFloor.backward(rows: rows, widths: actor))
      floor.add(
        (0..<2).flatMap { _ in
          ProductFloor.forward(rows: rows, widths: critic)
            + ProductFloor.forward(rows: rows, widths: critic)
            + ProductFloor.inputGradient(rows: rows, widths: critic)
        })
    }
    // 31 rows per state through each critic, in blocks of eight states.
    for _ in 0..<8 {
      floor.add(
        (0..<8).flatMap { _ in
          ProductFloor.forward(rows: 248, widths: critic)
            + ProductFloor.backward(rows: 248, widths: critic)
        })
    }
    var turn = 0
    return BenchmarkCase(
      name: name, iterations: 16,
      operation: {
        _ = try? learner.update(on: batches[turn % batches.count])
        turn += 1
      }, floor: { floor.run() })
  }

  static func sac(name: String, pairs: Int, pool: WorkerPool) -> BenchmarkCase {
    var configuration = SoftActorCritic.Configuration()
    configuration.criticPairs = pairs
    let learner = SoftActorCritic(
      configuration: configuration, observationSize: observationSize, actionSize: actionSize,
      seed: 0, pool: pool)
    let batches = (0..<batchCount).map { [batch($0)] }
    var floor = ProductFloor(pool: pool, largest: 1 << 20)
    let hidden = configuration.hiddenSizes
    let critic = [observationSize + actionSize] + hidden + [1]
    let actor = [observationSize] + hidden + [2 * actionSize]
    for rows in [128, 128] {
      floor.add(
        ProductFloor.forward(rows: rows, widths: actor)
          + ProductFloor.forward(rows: rows, widths: actor)
          + ProductFloor.backward(rows: rows, widths: actor))
    }
    for _ in 0..<pairs {
      for rows in [128, 128] {
        floor.add(
          (0..<2).flatMap { _ in
            ProductFloor.forward(rows: rows, widths: critic)
              + ProductFloor.forward(rows: rows, widths: critic)
              + ProductFloor.backward(rows: rows, widths: critic)
              + ProductFloor.forward(rows: rows, widths: critic)
              + ProductFloor.inputGradient(rows: rows, widths: critic)
          })
      }
    }
    var turn = 0
    return BenchmarkCase(
      name: name, iterations: 64,
      operation: {
        _ = try? learner.update(on: batches[turn % batches.count])
        turn += 1
      }, floor: { floor.run() })
  }

  static func distillation(pool: WorkerPool) -> BenchmarkCase {
    let shape = GaussianPolicy.shape(
      observationSize: observationSize, actionSize: actionSize, hiddenSizes: [256, 256])
    let members = (0..<5).map {
      GaussianPolicy(
        network: .policy(shape, actionSize: actionSize, seed: 1, purpose: "benchmark-\($0)"))
    }
    let configuration = PolicyDistillation.Configuration()
    let distillation = PolicyDistillation(
      configuration: configuration, members: members,
      observations: batch(0).observations, seed: 0, pool: pool)
    let adam = AdamConfiguration(learningRate: configuration.learningRate)
    var floor = ProductFloor(pool: pool, largest: 1 << 20)
    let actor = [observationSize, 256, 256, 2 * actionSize]
    for rows in [128, 128] {
      floor.add(
        ProductFloor.forward(rows: rows, widths: actor)
          + ProductFloor.backward(rows: rows, widths: actor))
    }
    return BenchmarkCase(
      name: "distill-update", iterations: 400, operation: { _ = distillation.update(adam) },
      floor: { floor.run() })
  }
}
