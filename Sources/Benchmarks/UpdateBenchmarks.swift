import Agents
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

  /// Random transitions; the values do not matter to the time, except that a CQL update skips rows
  /// once its critics tell actions apart.
  static func batch(_ index: Int, size: Int = UpdateSize().batchSize) -> Batch {
    var batch = Batch(size: size, observationSize: observationSize, actionSize: actionSize)
    var stream = RandomStream(seed: 1, purpose: "benchmark/batch", step: UInt64(index))
    for i in batch.observations.elements.indices {
      batch.observations.elements[i] = Float(stream.normal())
      batch.nextObservations.elements[i] = Float(stream.normal())
    }
    for i in batch.actions.elements.indices {
      batch.actions.elements[i] = Float(stream.uniform(-1, 1))
    }
    for i in 0..<size {
      batch.rewards[i] = Float(stream.normal())
      batch.masks[i] = 1
    }
    return batch
  }

  /// Several minibatches, taken in turn: what an update skips depends on the data.
  static let batchCount = 8

  static func cql(_ size: UpdateSize, name: String, pool: WorkerPool) -> BenchmarkCase {
    let batches = (0..<batchCount).map { turn in
      (0..<size.members).map { batch(turn * size.members + $0, size: size.batchSize) }
    }
    return cql(size, name: name, batches: batches, agents: nil, pool: pool)
  }

  /// A CQL update of an agent that has been trained before, on minibatches of its data: rows whose
  /// softmax weight has vanished get no backward pass.
  static func trainedCQL(_ agents: TrainedAgents, pool: WorkerPool) throws -> BenchmarkCase {
    let transitions = try D4RLDataset(contentsOf: agents.dataset).transitions()
    let buffer = ReplayBuffer(transitions)
    let member = try EnsembleDirectory.read(agents.ensemble).members[0]
    var size = UpdateSize()
    let actor = try member.networks("actor", 1, .policy, in: agents.ensemble)[0]
    let critics = try member.networks("critic", 2, .critic, in: agents.ensemble)
    size.hiddenSizes = actor.shape.hiddenSizes
    let batches = try (0..<batchCount).map { index in
      var batch = Batch(
        size: size.batchSize, observationSize: buffer.observationSize,
        actionSize: buffer.actionSize)
      var stream = RandomStream(seed: 1, purpose: "benchmark/batch", step: UInt64(index))
      try buffer.sample(0..<size.batchSize, of: &batch, using: &stream)
      return [batch]
    }
    return cql(
      size, name: BenchmarkSuite.trainedName, batches: batches,
      agents: (actor, critics), pool: pool)
  }

  private static func cql(
    _ size: UpdateSize, name: String, batches: [[Batch]],
    agents: (actor: Network, critics: [Network])?, pool: WorkerPool
  ) -> BenchmarkCase {
    let first = batches[0][0]
    let (observationSize, actionSize) = (first.observations.columns, first.actions.columns)
    var configuration = ConservativeQLearning.Configuration()
    configuration.hiddenSizes = size.hiddenSizes
    configuration.batchSize = size.batchSize
    configuration.sampledActions = size.sampledActions
    let learner = ConservativeQLearning(
      configuration: configuration, observationSize: observationSize, actionSize: actionSize,
      seeds: (0..<UInt64(size.members)).map { $0 }, pool: pool)
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
    let critic = [observationSize + actionSize] + size.hiddenSizes + [1]
    let actor = [observationSize] + size.hiddenSizes + [2 * actionSize]
    let pieces = Pieces(total: size.batchSize, size: 128)
    // Policy at s and s′ and back; targets; the critics at ã and their action gradient.
    for _ in 0..<size.members {
      for piece in 0..<pieces.count {
        let rows = pieces[piece].count
        floor.add(ProductFloor.policy(rows: rows, widths: actor))
        floor.add(
          (0..<2).flatMap { _ in
            ProductFloor.forward(rows: rows, widths: critic)
              + ProductFloor.forward(rows: rows, widths: critic)
              + ProductFloor.inputGradient(rows: rows, widths: critic)
          })
      }
    }
    // All rows of a state through each critic, in blocks of as many states as make 256 rows or fewer.
    let states = max(1, 256 / configuration.rowsPerState)
    let chunks = Pieces(total: size.batchSize, size: 64)
    for task in 0..<2 * size.members * chunks.count {
      let blocks = Pieces(total: chunks[task % chunks.count].count, size: states)
      floor.add(
        (0..<blocks.count).flatMap { block in
          let rows = blocks[block].count * configuration.rowsPerState
          return ProductFloor.forward(rows: rows, widths: critic)
            + ProductFloor.backward(rows: rows, widths: critic)
        })
    }
    var turn = 0
    return BenchmarkCase(
      name: name, iterations: size.iterations(standard: 16, cost: .cql(size)),
      operation: {
        _ = try? learner.update(on: batches[turn % batches.count])
        turn += 1
      }, floor: { floor.run() })
  }

  static func sac(_ size: UpdateSize, name: String, pool: WorkerPool) -> BenchmarkCase {
    var configuration = SoftActorCritic.Configuration()
    configuration.criticPairs = size.members
    configuration.hiddenSizes = size.hiddenSizes
    configuration.batchSize = size.batchSize
    let learner = SoftActorCritic(
      configuration: configuration, observationSize: observationSize, actionSize: actionSize,
      seed: 0, pool: pool)
    let batches = (0..<batchCount).map { [batch($0, size: size.batchSize)] }
    var floor = ProductFloor(pool: pool, largest: 1 << 20)
    let critic = [observationSize + actionSize] + size.hiddenSizes + [1]
    let actor = [observationSize] + size.hiddenSizes + [2 * actionSize]
    let pieces = Pieces(total: size.batchSize, size: 128)
    for piece in 0..<pieces.count {
      floor.add(ProductFloor.policy(rows: pieces[piece].count, widths: actor))
    }
    for _ in 0..<size.members {
      for piece in 0..<pieces.count {
        let rows = pieces[piece].count
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
      name: name, iterations: size.iterations(standard: 64, cost: .online(size)),
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
