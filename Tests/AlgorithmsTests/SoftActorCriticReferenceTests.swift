import Agents
import DenseMath
import Autodiff
import RLCore
import TestSupport
import Testing

@testable import Algorithms

/// SAC and its ensemble form against PyTorch: values, all gradients, and three whole updates.
@Suite struct SoftActorCriticReferenceTests {
  static let tolerance = 5e-6

  private func agent(
    _ start: JSON, learningRate: Double, backup: SoftActorCritic.Backup = .entropy
  ) throws -> Agent {
    let critics = ReferenceValues.twins(start["critics"])
    let actors = ReferenceValues.items(start["policy"])
    var settings = SoftActorCritic.Settings()
    settings.batchSize = 4
    settings.policyLearningRate = learningRate
    settings.criticLearningRate = learningRate
    settings.backup = backup
    var setup = AgentSetup(observationSize: 3, actionSize: 2)
    setup.hiddenSizes = ReferenceValues.hiddenSizes(critics[0])
    setup.ensembleSize = critics.count / 2
    setup.actorMembers = actors.count
    let agent = try Agent(SoftActorCritic.self, settings, setup, pool: WorkerPool(threads: 2))
    try agent.load(actors.map { ReferenceValues.network($0, .policy) }, into: "actor")
    try agent.load(
      critics.map { ReferenceValues.network($0, .critic) }, into: "critic",
      targets: ReferenceValues.twins(start["targets"]).map { ReferenceValues.network($0, .critic) })
    var state = agent.state
    state["temperature/parameters"] = Tensor(.float32([Float(start["logAlpha"].double)]))
    try agent.restore(state)
    return agent
  }

  private func setNoise(_ agent: Agent, _ noise: JSON) {
    ReferenceValues.setNoise(
      agent, ["current": noise["currentNoise"], "next": noise["nextNoise"]])
  }

  @Test(arguments: ["sac", "threeLayers", "deterministic", "ensemble", "mixture"])
  func lossesAndGradients(name: String) throws {
    let reference = JSON(fixture: "learners/sac.json")[name]
    // A rate of which nothing is left after rounding.
    let agent = try agent(
      reference["inputs"]["agent"], learningRate: 1e-30,
      backup: name == "deterministic" ? .deterministic : .entropy)
    setNoise(agent, reference["inputs"]["noise"])
    let metrics = try agent.update(on: ReferenceValues.batch(reference["inputs"]["batch"]))

    let losses = reference["losses"]
    func expect(_ metric: String, _ expected: Double) {
      #expect(
        normalizedError(metrics[metric]!, expected) < Self.tolerance,
        "\(metric): \(metrics[metric]!) for \(expected)")
    }
    let criticLosses = losses["critics"].doubles
    expect("critic_loss", criticLosses.reduce(0, +) / Double(criticLosses.count))
    expect("policy_loss", losses["policy"].double)
    expect("temperature_loss", losses["temperature"].double)
    let targets = losses["targets"].doubles
    expect("target_q_mean", targets.reduce(0, +) / Double(targets.count))

    let gradients = reference["gradients"]
    for (index, expected) in ReferenceValues.items(gradients["policy"]).enumerated() {
      ReferenceValues.expect(
        ReferenceValues.gradient(agent, "actor", index), equal: expected, .policy,
        tolerance: Self.tolerance, "gradient of policy \(index)")
    }
    for (index, expected) in ReferenceValues.twins(gradients["critics"]).enumerated() {
      ReferenceValues.expect(
        ReferenceValues.gradient(agent, "critic", index), equal: expected, .critic,
        tolerance: Self.tolerance, "gradient of critic \(index)")
    }
    let expected = gradients["logAlpha"].double
    #expect(abs(expected) > 0.01)
    #expect(
      normalizedError(Double(ReferenceValues.gradient(agent, "temperature")[0]), expected)
        < Self.tolerance)
  }

  @Test(arguments: ["sac", "ensemble"]) func threeUpdates(name: String) throws {
    let reference = JSON(fixture: "learners/updates.json")[name]
    let start = reference["inputs"]["agent"]
    let agent = try agent(start, learningRate: 3e-4)
    for step in ReferenceValues.items(reference["inputs"]["steps"]) {
      setNoise(agent, step["noise"])
      _ = try agent.update(on: ReferenceValues.batch(step["batch"]))
    }
    let final = reference["final"]
    let logAlpha = try agent.state.floats("temperature/parameters", count: 1)[0]
    #expect(normalizedError(Double(logAlpha), final["logAlpha"].double) < 1e-6)
    #expect(abs(final["logAlpha"].double - start["logAlpha"].double) > 1e-4)
    ReferenceValues.expect(
      agent.networks("actor")![0].parameters, equal: final["policy"][0], .policy, tolerance: 2e-6,
      "policy")
    let (critics, targets) = (agent.networks("critic")!, agent.networks("critic", targets: true)!)
    for index in critics.indices {
      ReferenceValues.expect(
        critics[index].parameters, equal: ReferenceValues.twins(final["critics"])[index], .critic,
        tolerance: 2e-6, "critic \(index)")
      ReferenceValues.expect(
        targets[index].parameters, equal: ReferenceValues.twins(final["targets"])[index], .critic,
        tolerance: 2e-6, "target \(index)")
    }
  }
}
