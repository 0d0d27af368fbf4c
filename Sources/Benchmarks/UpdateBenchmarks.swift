import Agents
import Algorithms
import Datasets
import DenseMath
import Autodiff
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

  private static func batches(_ size: UpdateSize) -> [Batch] {
    (0..<batchCount).map { batch($0, size: size.batchSize) }
  }

  private static func setup(_ size: UpdateSize, ensemble: Int = 1) -> AgentSetup {
    var setup = AgentSetup(observationSize: observationSize, actionSize: actionSize)
    setup.hiddenSizes = size.hiddenSizes
    setup.ensembleSize = ensemble
    return setup
  }

  // MARK: Conservative Q-learning

  /// `size.members` independent agents, side by side.
  static func cql(_ size: UpdateSize, name: String, pool: WorkerPool) throws -> BenchmarkCase {
    let batches = batches(size)
    let team = try AgentTeam(members: size.members, pool: pool) {
      member, pool throws(AlgorithmError) in
      var setup = setup(size)
      setup.seed = UInt64(member)
      return try Agent(ConservativeQLearning.self, settings(size), setup, pool: pool)
    }
    var turn = 0
    return BenchmarkCase(
      name: name, iterations: size.iterations(standard: 16, cost: .cql(size)),
      operation: {
        try? team.update(
          1, fill: { member, _, batch in batch = batches[(turn + member) % batches.count] },
          done: { _, _ in })
        turn += 1
      }, floor: floor(cql: size, members: size.members, pool: pool),
      tally: { tally(team.agents) })
  }

  private static func settings(_ size: UpdateSize) -> CQLSettings {
    var settings = CQLSettings()
    settings.batchSize = size.batchSize
    settings.sampledActions = size.sampledActions
    return settings
  }

  private static func tally(_ agents: [Agent]) -> PassTally {
    agents.reduce(into: PassTally()) { sum, agent in
      if let cql = agent.algorithm as? ConservativeQLearning { sum += cql.regression.tally }
    }
  }

  /// A CQL update of an agent that has been trained before, on minibatches of its data, for any robot: the pass
  /// chosen by the data, then each alone.
  static func trainedCQL(_ agents: TrainedAgents, pool: WorkerPool) throws -> [BenchmarkCase] {
    let transitions = try D4RLDataset(contentsOf: agents.dataset).transitions()
    let buffer = ReplayBuffer(transitions)
    let folder = EnsembleDirectory.weights(of: agents.ensemble)
    let member = try EnsembleDirectory.read(folder).members[0]
    let actor = try member.networks("actor", 1, .policy, in: "\(folder)/member-0")[0]
    let (observations, actions) = (actor.shape.inputSize, actor.shape.outputSize / 2)
    guard observations == buffer.observationSize, actions == buffer.actionSize else {
      throw TrainedAgentsError(
        description: "\(agents.ensemble) is for \(observations) observations and \(actions) "
          + "actions, \(agents.dataset) has \(buffer.observationSize) and \(buffer.actionSize)")
    }
    var size = UpdateSize()
    size.hiddenSizes = actor.shape.hiddenSizes
    let batches = try (0..<batchCount).map { index in
      var batch = Batch(
        size: size.batchSize, observationSize: buffer.observationSize,
        actionSize: buffer.actionSize)
      var stream = RandomStream(seed: 1, purpose: "benchmark/batch", step: UInt64(index))
      try buffer.sample(0..<size.batchSize, of: &batch, using: &stream)
      return batch
    }
    // What an update leaves out depends on the agent, so that it must stay the one that was trained.
    var settings = settings(size)
    (settings.policyLearningRate, settings.criticLearningRate) = (1e-30, 1e-30)
    return try [nil, .groups, .dense].map { (pass: PassKind?) in
      var setup = AgentSetup(observationSize: observations, actionSize: actions)
      setup.hiddenSizes = size.hiddenSizes
      setup.normalizer = member.normalizer
      let agent = try Agent(ConservativeQLearning.self, settings, setup, pool: pool)
      try AgentFiles.load([member], into: agent, named: folder)
      (agent.algorithm as! ConservativeQLearning).regression.forcedPass = pass
      var turn = 0
      return BenchmarkCase(
        name: BenchmarkSuite.trainedName + (pass.map { "-\($0.rawValue)" } ?? ""),
        iterations: size.iterations(standard: 16, cost: .cql(size)),
        operation: {
          _ = try? agent.update(on: batches[turn % batches.count])
          turn += 1
        },
        floor: floor(
          cql: size, members: 1, observationSize: observations, actionSize: actions, pool: pool),
        tally: { tally([agent]) })
    }
  }

  private static func floor(
    cql size: UpdateSize, members: Int, observationSize: Int = observationSize,
    actionSize: Int = actionSize, pool: WorkerPool
  ) -> () -> Void {
    var floor = ProductFloor(pool: pool, largest: 1 << 20)
    let critic = [observationSize + actionSize] + size.hiddenSizes + [1]
    let actor = [observationSize] + size.hiddenSizes + [2 * actionSize]
    for _ in 0..<members {
      floor.add(.policy, actor, rows: size.batchSize)
      // Targets; the critics at ã and their action gradient.
      floor.add(.valueOfAction, critic, rows: size.batchSize, members: 2)
      // All rows of a state through each critic, in blocks of as many states as make 256 rows or fewer.
      let perState = 1 + 3 * size.sampledActions
      let (states, chunk) = (max(1, 256 / perState), 64)
      for start in Swift.stride(from: 0, to: size.batchSize, by: chunk) {
        let end = min(start + chunk, size.batchSize)
        let products = Swift.stride(from: start, to: end, by: states).flatMap { first in
          let rows = (min(first + states, end) - first) * perState
          return ProductFloor.forward(rows: rows, widths: critic)
            + ProductFloor.backward(rows: rows, widths: critic)
        }
        for _ in 0..<2 { floor.add(products) }
      }
    }
    return { floor.run() }
  }

  // MARK: Others

  static func sac(_ size: UpdateSize, name: String, pool: WorkerPool) throws -> BenchmarkCase {
    var settings = SoftActorCritic.Settings()
    settings.batchSize = size.batchSize
    var floor = ProductFloor(pool: pool, largest: 1 << 20)
    let critic = [observationSize + actionSize] + size.hiddenSizes + [1]
    floor.add(
      .policy, [observationSize] + size.hiddenSizes + [2 * actionSize], rows: size.batchSize)
    floor.add(.trainedValue, critic, rows: size.batchSize, members: 2 * size.members)
    floor.add(.valueOfAction, critic, rows: size.batchSize, members: 2 * size.members)
    return try update(
      SoftActorCritic.self, settings, setup(size, ensemble: size.members), name: name,
      batches: batches(size), iterations: size.iterations(standard: 64, cost: .online(size)),
      pool: pool, floor)
  }

  /// One update of an algorithm at the usual size, beside the products that its losses name.
  static func algorithm(_ name: String, pool: WorkerPool) throws -> BenchmarkCase {
    let size = UpdateSize()
    var floor = ProductFloor(pool: pool, largest: 1 << 20)
    let (rows, hidden) = (size.batchSize, size.hiddenSizes)
    let critic = [observationSize + actionSize] + hidden + [1]
    let value = [observationSize] + hidden + [1]
    let actor = [observationSize] + hidden + [actionSize]
    let batches = batches(size)
    switch name {
    case "iql-update":
      floor.add(.forward, critic, rows: rows, members: 2)
      floor.add(.trained, value, rows: rows)
      for _ in 0..<2 { floor.add(.forward, value, rows: rows) }
      floor.add(.trained, actor, rows: rows)
      floor.add(.trained, critic, rows: rows, members: 2)
      return try update(
        ImplicitQLearning.self, .init(), setup(size), name: name, batches: batches,
        iterations: 128, pool: pool, floor)
    case "td3-update":
      // Two updates, one of which moves the policy.
      for _ in 0..<2 {
        floor.add(.forward, actor, rows: rows)
        floor.add(.trainedValue, critic, rows: rows, members: 2)
      }
      floor.add(.trained, actor, rows: rows)
      floor.add(.forward, critic, rows: rows)
      floor.add(.inputGradient, critic, rows: rows)
      return try update(
        TwinDelayedDDPG.self, .init(), setup(size), name: name, batches: batches, updates: 2,
        iterations: 64, pool: pool, floor)
    case "awac-update":
      var settings = AdvantageWeightedActorCritic.Settings()
      settings.batchSize = size.batchSize
      let deep = [observationSize] + Array(repeating: hidden[0], count: 4) + [actionSize]
      floor.add(.forward, deep, rows: rows)
      floor.add(.trainedValue, critic, rows: rows, members: 2)
      for _ in 0..<2 { floor.add(.forward, critic, rows: rows, members: 2) }
      floor.add(.trained, deep, rows: rows)
      return try update(
        AdvantageWeightedActorCritic.self, settings, setup(size), name: name, batches: batches,
        iterations: 64, pool: pool, floor)
    default: preconditionFailure("no update is called \(name)")
    }
  }

  private static func update<A: Algorithm>(
    _ type: A.Type, _ settings: A.Settings, _ setup: AgentSetup, name: String, batches: [Batch],
    updates: Int = 1, iterations: Int, pool: WorkerPool, _ floor: ProductFloor
  ) throws -> BenchmarkCase {
    let agent = try Agent(type, settings, setup, pool: pool)
    var turn = 0
    return BenchmarkCase(
      name: name, iterations: iterations, operationsPerCall: updates,
      operation: {
        for _ in 0..<updates {
          _ = try? agent.update(on: batches[turn % batches.count])
          turn += 1
        }
      }, floor: { floor.run() })
  }

  static func distillation(pool: WorkerPool) -> BenchmarkCase {
    let shape = GaussianPolicy.shape(
      observationSize: observationSize, actionSize: actionSize, hiddenSizes: [256, 256])
    let members = (0..<5).map {
      GaussianPolicy(
        network: .policy(shape, actionSize: actionSize, seed: 1, purpose: "benchmark-\($0)"))
    }
    let distillation = PolicyDistillation(
      configuration: PolicyDistillation.Configuration(), members: members,
      observations: batch(0).observations, seed: 0, pool: pool)
    var floor = ProductFloor(pool: pool, largest: 1 << 20)
    floor.add(.trained, [observationSize, 256, 256, 2 * actionSize], rows: 256)
    return BenchmarkCase(
      name: "distill-update", iterations: 400, operation: { _ = try? distillation.update() },
      floor: { floor.run() })
  }
}
