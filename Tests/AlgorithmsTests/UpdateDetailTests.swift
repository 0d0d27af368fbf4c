import Autodiff
import DenseMath
import RLCore
import Testing

@testable import Algorithms

/// Details of updates that the fixtures of other programs do not reach.
@Suite struct UpdateDetailTests {
  private let rows = 4

  private func agent<A: Algorithm>(
    _ type: A.Type, _ change: (inout A.Settings) -> Void
  ) throws -> Agent {
    var settings = A.Settings()
    change(&settings)
    var setup = AgentSetup(observationSize: 3, actionSize: 2)
    setup.hiddenSizes = [8, 8]
    return try Agent(type, settings, setup, pool: WorkerPool(threads: 1))
  }

  private func batch(action: Float? = nil, scale: Float = 1) -> Batch {
    var stream = RandomStream(seed: 1, purpose: "batch")
    var batch = Batch(random: &stream, size: rows, observationSize: 3, actionSize: 2)
    if let action {
      batch.actions.elements = [Float](repeating: action, count: rows * 2)
    }
    batch.rewards = batch.rewards.map { $0 * scale }
    return batch
  }

  /// Q of each of some networks on actions that are all alike.
  private func mean(_ critic: Network, _ observations: Matrix, action: Float) -> Double {
    let inputs = Matrix(
      rows: rows, columns: 5,
      elements: (0..<rows).flatMap { Array(observations.row($0)) + [action, action] })
    return critic.outputs(for: inputs).elements.reduce(0) { $0 + Double($1) } / Double(rows)
  }

  /// λ falls over so many updates of interaction, not of all.
  @Test func supportWeightFallsFromTheBeginningOfInteraction() throws {
    let agent = try agent(SupportedPolicyOptimization.self) {
      ($0.vaeSteps, $0.vaeWidth, $0.policyDelay, $0.coolingSteps) = (1, 8, 1, 10)
      ($0.supportWeight, $0.finalSupportShare) = (2, 0.2)
    }
    func weight() throws -> Double { try agent.update(on: batch())["support_weight"]! }
    _ = try agent.update(on: batch())
    for _ in 0..<4 { #expect(try weight() == 2) }
    agent.beginOnline()
    for t in 0..<12 {
      // A checkpoint knows when interaction began.
      if t == 3 { try agent.restore(agent.state) }
      #expect(abs(try weight() - 2 * max(0.2, 1 - Double(t) / 10)) < 1e-12)
    }
  }

  /// Policy and temperature wait for so many updates from the switch on, not from the start of training.
  @Test func criticsGoFirst() throws {
    let agent = try agent(SoftActorCritic.self) { $0.criticsFirst = 3 }
    func parameters(_ part: String) -> [[Float]] { agent.networks(part)!.map(\.parameters) }
    for _ in 0..<4 { _ = try agent.update(on: batch()) }
    agent.beginOnline()
    for t in 0..<5 {
      let before = (parameters("actor"), parameters("critic"), agent.numbers["temperature"]!)
      // A checkpoint knows when interaction began.
      if t == 1 { try agent.restore(agent.state) }
      _ = try agent.update(on: batch())
      #expect((parameters("actor") == before.0) == (t < 3), "update \(t)")
      #expect((agent.numbers["temperature"]! == before.2) == (t < 3), "update \(t)")
      #expect(parameters("critic") != before.1, "update \(t)")
    }
  }

  /// After the last of its steps the policy stands still; the critics go on.
  @Test func implicitQLearningsPolicyComesToRest() throws {
    let agent = try agent(ImplicitQLearning.self) { $0.policyDecaySteps = 2 }
    func parameters(_ part: String) -> [[Float]] { agent.networks(part)!.map(\.parameters) }
    var (actors, critics) = ([parameters("actor")], [parameters("critic")])
    for _ in 0..<4 {
      _ = try agent.update(on: batch())
      actors.append(parameters("actor"))
      critics.append(parameters("critic"))
    }
    #expect(actors[0] != actors[1] && actors[1] != actors[2])
    #expect(actors[2] == actors[3] && actors[3] == actors[4])
    #expect(critics[3] != critics[4])
  }

  /// The authors' code keeps a tanh from its ends; with all weights 1 nothing else tells the actions apart.
  @Test func implicitQLearningClipsTheDatasActions() throws {
    func trained(_ action: Float) throws -> [Float] {
      let agent = try agent(ImplicitQLearning.self) { $0.inverseTemperature = 0 }
      _ = try agent.update(on: batch(action: action))
      return agent.networks("actor")![0].parameters
    }
    #expect(try trained(1) == trained(0.99999))
    #expect(try trained(0.9) != trained(0.99999))
  }

  /// clip(ε, −c, c), then clip(a + ε, −1, 1).
  @Test func targetNoiseAndActionsAreClipped() throws {
    func target(_ noise: Float, clip: Double) throws -> Double {
      let agent = try agent(TwinDelayedDDPG.self) { ($0.targetNoise, $0.noiseClip) = (0.2, clip) }
      agent.parts.noises.first { $0.name == "smoothing" }!.noise.fixed = [Float](
        repeating: noise, count: rows * 2)
      return try agent.update(on: batch())["target_q_mean"]!
    }
    for sign: Float in [-1, 1] {
      let atBound = try target(sign * 2.5, clip: 0.5)
      #expect(try abs(target(sign * 10, clip: 0.5) - atBound) < 1e-6)
      #expect(try abs(target(sign * 1, clip: 0.5) - atBound) > 1e-6)
      // With a wide bound the action's own is met.
      #expect(try target(sign * 15, clip: 10) == target(sign * 30, clip: 10))
      #expect(try abs(target(sign * 15, clip: 10) - atBound) > 1e-6)
    }
  }

  /// A perturbation that would lead beyond ±1 ends there.
  @Test func perturbedActionsAreClipped() throws {
    let agent = try agent(BatchConstrainedQLearning.self) {
      ($0.perturbation, $0.targetCandidates) = (2, 2)
      ($0.autoencoderWidth, $0.firstWidth, $0.secondWidth) = (8, 8, 8)
    }
    // tanh 50 is 1, and an action plus 2 is at least 1.
    let wide = agent.networks("perturbation")!
    for unit in 0..<2 { wide[0].bias(2)[unit] = 50 }
    try agent.load(wide, into: "perturbation")
    let batch = batch()
    let loss = try agent.update(on: batch)["policy_loss"]!
    let value = mean(agent.networks("critic")![0], batch.observations, action: 1)
    #expect(abs(loss + value) < 1e-6 * max(1, abs(value)))
  }

  /// The drawn critics are others in each update, and all come.
  @Test func everyCriticIsDrawnForTargets() throws {
    let agent = try agent(RLPD.self) {
      ($0.critics, $0.targetCritics, $0.discount, $0.policyDelay) = (4, 1, 1, 1000)
      ($0.entropyBackup, $0.criticLearningRate) = (false, 1e-30)
    }
    // Critics that say 0, 1, 2 and 3, whatever they are asked.
    let critics = agent.networks("critic")!
    for (number, critic) in critics.enumerated() {
      critic.parameters = [Float](repeating: 0, count: critic.parameters.count)
      critic.bias(2)[0] = Float(number)
    }
    try agent.load(critics, into: "critic")
    var batch = batch(scale: 0)
    batch.masks = [Float](repeating: 1, count: rows)
    var counts = [Int](repeating: 0, count: 4)
    for _ in 0..<80 { counts[Int(try agent.update(on: batch)["target_q_mean"]!.rounded())] += 1 }
    #expect(counts.allSatisfy { $0 > 8 }, "\(counts)")
  }

  @Test func multipliersBeginWhereTheirAuthorsLetThem() throws {
    for (weighting, start) in [(CQLSettings.Weighting.lagrange, 1), (.scaledLagrange, 2.718_281_8)]
    {
      let agent = try agent(ConservativeQLearning.self) { $0.weighting = weighting }
      #expect(abs(agent.numbers["multiplier"]! - start) < 1e-6)
    }
  }

  /// What an update that failed had of its gradients is forgotten.
  @Test(arguments: ["sac", "cql", "iql", "td3-bc"]) func failedUpdatesLeaveNoGradient(
    name: String
  ) throws {
    let type = try AlgorithmRegistry.named(name)
    var setup = AgentSetup(observationSize: 3, actionSize: 2)
    setup.hiddenSizes = [8, 8]
    let agent = try Agent.make(
      type, type.settingsType.init(), setup, pool: WorkerPool(threads: 1))
    _ = try agent.update(on: batch())
    #expect(throws: TrainingError.self) { try agent.update(on: batch(scale: 1e30)) }
    for block in agent.parts.blocks {
      #expect(block.gradient(0).allSatisfy { $0 == 0 }, "\(block.name)")
    }
  }

  /// minⱼ maxᵢ and maxᵢ minⱼ are over both twins.
  @Test(arguments: [CQLSettings.Backup.minimumOfMaxima, .maximumOfMinima], [false, true])
  func backupsLookAtBothTwins(backup: CQLSettings.Backup, reversed: Bool) throws {
    let agent = try agent(ConservativeQLearning.self) {
      ($0.backup, $0.discount, $0.sampledActions) = (backup, 1, 2)
    }
    let critics = agent.networks("critic")!
    for (number, critic) in critics.enumerated() {
      critic.parameters = [Float](repeating: 0, count: critic.parameters.count)
      critic.bias(2)[0] = reversed == (number == 0) ? 3 : 1
    }
    try agent.load(critics, into: "critic")
    #expect(abs(try agent.update(on: batch(scale: 0))["target_q_mean"]! - 1) < 1e-6)
  }

  @Test func givenTargetsAndFreshPoliciesAreTaken() throws {
    let agent = try agent(SoftActorCritic.self) { _ in }
    let (critics, others) = (agent.networks("critic")!, agent.networks("critic")!)
    for other in others { other.parameters = other.parameters.map { $0 + 1 } }
    try agent.load(critics, into: "critic", targets: others)
    func parameters(_ targets: Bool) -> [[Float]] {
      agent.networks("critic", targets: targets)!.map(\.parameters)
    }
    #expect(parameters(true) == others.map(\.parameters))
    #expect(parameters(false) == critics.map(\.parameters))

    var stream = RandomStream(seed: 1, purpose: "acting")
    func action() -> [Float] {
      agent.policy.action(for: [1, 2, 3], selection: .mean, using: &stream).action
    }
    let before = action()
    #expect(action() == before)
    _ = try agent.update(on: batch())
    #expect(action() != before)
  }
}
