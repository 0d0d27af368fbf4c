import DenseMath
import Autodiff
import RLCore
import Replay
import TestSupport
import Testing

@testable import Algorithms

/// The whole method on a task with a known optimum: cautious agents from timid data, one policy from
/// them, and a return that rises with balanced replay.
@Suite struct FineTuningLearningTests {
  enum Actor: String, CaseIterable, CustomTestStringConvertible {
    case distilled, mixture
    var testDescription: String { rawValue }
  }

  private let pool = WorkerPool(threads: 1)
  private let hiddenSizes = [32, 32]

  /// Actions of the data reach ±0.15 only, where the best ones reach ±0.95.
  private func dataset() -> Transitions {
    var generator = RandomStream(seed: 1, purpose: "test/dataset")
    return Regulator.transitions(2000, reach: 0.15, using: &generator)
  }

  private func pretrain(on data: ReplayBuffer) throws -> AgentTeam {
    var settings = CQLSettings()
    settings.batchSize = 64
    settings.discount = Double(Regulator.discount)
    settings.tau = 0.02
    settings.policyLearningRate = 1e-3
    settings.criticLearningRate = 1e-3
    settings.sampledActions = 4
    settings.initialTemperature = 0.05
    let team = try AgentTeam(members: 3, pool: pool) { member, pool in
      var setup = AgentSetup(observationSize: 1, actionSize: 1)
      setup.hiddenSizes = hiddenSizes
      setup.seed = UInt64(4 * member)
      return try Agent(ConservativeQLearning.self, settings, setup, pool: pool)
    }
    try team.update(
      600,
      fill: { member, agent, batch in
        var generator = RandomStream(
          seed: UInt64(member), purpose: "test/offline", step: UInt64(agent.updateCount))
        try data.sample(0..<64, of: &batch, using: &generator)
      }, done: { _, _ in })
    return team
  }

  private func startingActors(
    _ actor: Actor, members: [GaussianPolicy], observations: Matrix
  ) throws -> [Network] {
    guard actor == .distilled else { return members.map(\.network) }
    var configuration = PolicyDistillation.Configuration()
    configuration.epochs = 5
    configuration.stepsPerEpoch = 100
    configuration.batchSize = 64
    configuration.learningRate = 1e-3
    let distillation = PolicyDistillation(
      configuration: configuration, members: members, observations: observations, seed: 1,
      pool: pool)
    while !distillation.isFinished { _ = try distillation.runEpoch() }
    return [distillation.policy.network]
  }

  @Test(arguments: Actor.allCases)
  func returnRises(actor: Actor) throws {
    let transitions = dataset()
    let offline = ReplayBuffer(transitions)
    let agents = try pretrain(on: offline)
    var settings = SoftActorCritic.Settings()
    settings.batchSize = 64
    settings.discount = Double(Regulator.discount)
    settings.tau = 0.02
    settings.policyLearningRate = 1e-3
    settings.criticLearningRate = 1e-3
    settings.initialTemperature = 0.05
    var setup = AgentSetup(observationSize: 1, actionSize: 1)
    setup.hiddenSizes = hiddenSizes
    setup.ensembleSize = 3
    setup.actorMembers = actor == .mixture ? 3 : 1
    setup.seed = 1
    let learner = try Agent(SoftActorCritic.self, settings, setup, pool: pool)
    try learner.load(
      try startingActors(
        actor, members: agents.agents.map { $0.policy as! GaussianPolicy },
        observations: transitions.observations), into: "actor")
    try learner.load(agents.agents.flatMap { $0.networks("critic")! }, into: "critic")
    learner.beginOnline()
    let before = Regulator.discountedReturn(of: learner.policy)
    #expect(before < 1.5 * Regulator.optimalReturn, "\(before) of \(Regulator.optimalReturn)")

    let sampler = BalancedSampler(
      schedule: try LinearSchedule(initialFraction: 0.5, finalStep: 1000))
    var online = ReplayBuffer(capacity: 2000, observationSize: 1, actionSize: 1)
    var batch = Batch(size: 64, observationSize: 1, actionSize: 1)
    for block in 0..<40 {
      collect(50, with: learner.policy, block: block, into: &online)
      for _ in 0..<(block == 0 ? 200 : 50) {
        var generator = RandomStream(
          seed: 3, purpose: "test/minibatch", step: UInt64(learner.updateCount))
        let onlineRows = try sampler.sample(
          into: &batch, offline: offline, online: online, environmentSteps: online.count,
          using: &generator)
        #expect(onlineRows >= 32 && (onlineRows == 64) == (online.count >= 1000))
        _ = try learner.update(on: batch)
      }
    }
    let after = Regulator.discountedReturn(of: learner.policy)
    #expect(after > before / 1.4, "\(before) became \(after)")
    #expect(after > 1.4 * Regulator.optimalReturn, "\(before) became \(after)")
  }

  /// Episodes of ten steps from random starts, with sampled actions.
  private func collect(
    _ steps: Int, with policy: any Policy, block: Int, into buffer: inout ReplayBuffer
  ) {
    var generator = RandomStream(seed: 2, purpose: "test/collect", step: UInt64(block))
    var x = 0.0
    for step in 0..<steps {
      if step % 10 == 0 { x = generator.uniform(-1, 1) }
      let chosen = policy.action(for: [Float(x)], selection: .sample, using: &generator)
      let (reward, next) = Regulator.transition(x, Double(chosen.action[0]))
      buffer.append(
        ReplayRow(
          observation: [Float(x)], action: chosen.action, reward: Float(reward), terminated: false,
          nextObservation: [Float(next)]))
      x = next
    }
  }
}
