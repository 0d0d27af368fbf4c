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
  static func batch(
    _ index: Int, size: Int = UpdateSize().batchSize, extraColumns: [ExtraColumn] = []
  ) -> Batch {
    var stream = RandomStream(seed: 1, purpose: "benchmark/batch", step: UInt64(index))
    return Batch(
      random: &stream, size: size, observationSize: observationSize, actionSize: actionSize,
      extraColumns: extraColumns)
  }

  /// Several minibatches, taken in turn: what an update skips depends on the data.
  static let batchCount = 8

  private static func batches(_ size: Int, _ extraColumns: [ExtraColumn] = []) -> [Batch] {
    (0..<batchCount).map { batch($0, size: size, extraColumns: extraColumns) }
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
    let batches = batches(size.batchSize)
    let team = try AgentTeam(members: size.members, pool: pool) {
      member, pool throws(AlgorithmError) in
      var setup = setup(size)
      setup.seed = UInt64(member)
      return try Agent(ConservativeQLearning.self, settings(size), setup, pool: pool)
    }
    var turn = 0
    let work = (0..<size.members).flatMap { _ in UpdateWork(size).conservative() }
    let floor = ProductFloor(work, pool: pool)
    return BenchmarkCase(
      name: name, iterations: size.iterations(standard: 16, cost: .cql(size)),
      operation: {
        try team.update(
          1, fill: { member, _, batch in batch = batches[(turn + member) % batches.count] },
          done: { _, _ in })
        turn += 1
      }, floor: floor.run, tally: { tally(team.agents) })
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
    let folder = try EnsembleDirectory.weights(of: agents.ensemble)
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
      let work = UpdateWork(size, observationSize: observations, actionSize: actions)
      let floor = ProductFloor(work.conservative(), pool: pool)
      return BenchmarkCase(
        name: BenchmarkSuite.trainedName + (pass.map { "-\($0.rawValue)" } ?? ""),
        iterations: size.iterations(standard: 16, cost: .cql(size)),
        operation: {
          _ = try agent.update(on: batches[turn % batches.count])
          turn += 1
        }, floor: floor.run, tally: { tally([agent]) })
    }
  }

  // MARK: Others

  static func sac(_ size: UpdateSize, name: String, pool: WorkerPool) throws -> BenchmarkCase {
    var settings = SoftActorCritic.Settings()
    settings.batchSize = size.batchSize
    return try update(
      SoftActorCritic.self, settings, setup(size, ensemble: size.members), name: name,
      iterations: size.iterations(standard: 64, cost: .online(size)), pool: pool,
      UpdateWork(size).actorCritic())
  }

  /// One update of an algorithm with its published sizes, beside the passes that its losses need.
  static func algorithm(_ name: String, pool: WorkerPool) throws -> BenchmarkCase {
    let size = UpdateSize()
    let work = UpdateWork(size)
    func update<A: Algorithm>(
      _ type: A.Type, _ settings: A.Settings = .init(), _ setup: AgentSetup = setup(size),
      updates: Int = 1, iterations: Int, _ work: [NetworkPasses]
    ) throws -> BenchmarkCase {
      try Self.update(
        type, settings, setup, name: name, updates: updates, iterations: iterations, pool: pool,
        work)
    }
    switch name {
    case "bc-update": return try update(BehaviorCloning.self, iterations: 256, work.cloning())
    case "iql-update": return try update(ImplicitQLearning.self, iterations: 128, work.implicit())
    case "pex-update": return try update(PolicyExpansion.self, iterations: 64, work.expansion())
    // Two updates, one of which moves the policy.
    case "td3-update":
      return try update(TwinDelayedDDPG.self, updates: 2, iterations: 64, work.delayed())
    case "td3-bc-update":
      return try update(TD3BehaviorCloning.self, updates: 2, iterations: 64, work.delayed())
    case "spot-update":
      // After the updates that train the autoencoder alone.
      var settings = SupportedPolicyOptimization.Settings()
      settings.vaeSteps = 0
      return try update(
        SupportedPolicyOptimization.self, settings, updates: 2, iterations: 16,
        work.delayed() + work.support(width: settings.vaeWidth))
    case "bcq-update":
      let settings = BatchConstrainedQLearning.Settings()
      return try update(
        BatchConstrainedQLearning.self, iterations: 16, work.constrained(settings))
    case "awac-update":
      let settings = AdvantageWeightedActorCritic.Settings()
      return try update(
        AdvantageWeightedActorCritic.self, iterations: 16,
        UpdateWork(UpdateSize(batchSize: settings.batchSize))
          .weighted(policyLayers: settings.policyLayers))
    case "sac-n-update":
      // Ten critics, the minimum of whose values is that of five pairs.
      let size = UpdateSize(members: 5, depth: 3)
      return try update(
        SACN.self, .init(), setup(size), iterations: 16, UpdateWork(size).actorCritic())
    case "edac-update":
      let size = UpdateSize(depth: 3)
      return try update(
        EnsembleDiversifiedActorCritic.self, .init(), setup(size), iterations: 8,
        UpdateWork(size).diversified(critics: 10))
    case "rlpd-update":
      // As many as there are for one of the policy.
      let settings = RLPD.Settings()
      return try update(
        RLPD.self, updates: settings.policyDelay, iterations: 1,
        work.prior(
          critics: settings.critics, targets: settings.targetCritics, delay: settings.policyDelay))
    case "off2on-update":
      let members = 5
      var setup = setup(size, ensemble: members)
      setup.actorMembers = members
      return try update(
        OfflineToOnline.self, .init(), setup, iterations: 16,
        UpdateWork(UpdateSize(members: members)).actorCritic(policies: members)
          + [work.critics(members: 1, [.forward, .parameters])])
    case "cal-ql-update":
      var settings = settings(size)
      settings.backup = .maximumOfMinima
      return try update(
        CalibratedQLearning.self, settings, iterations: 16,
        work.conservative(targetActions: settings.sampledActions))
    default: preconditionFailure("no update is called \(name)")
    }
  }

  private static func update<A: Algorithm>(
    _ type: A.Type, _ settings: A.Settings, _ setup: AgentSetup, name: String, updates: Int = 1,
    iterations: Int, pool: WorkerPool, _ work: [NetworkPasses]
  ) throws -> BenchmarkCase {
    let agent = try Agent(type, settings, setup, pool: pool)
    let batches = batches(settings.batchSize, type.extraColumns)
    let floor = ProductFloor(work, pool: pool)
    var turn = 0
    return BenchmarkCase(
      name: name, iterations: iterations, operationsPerCall: updates,
      operation: {
        for _ in 0..<updates {
          _ = try agent.update(on: batches[turn % batches.count])
          turn += 1
        }
      }, floor: floor.run)
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
    let floor = ProductFloor(UpdateWork(UpdateSize()).cloning(), pool: pool)
    return BenchmarkCase(
      name: "distill-update", iterations: 400, operation: { _ = try distillation.update() },
      floor: floor.run)
  }
}
