import Agents
import DenseMath
import Networks
import RLCore
import TestSupport
import Testing

@testable import Learners

/// SAC and its ensemble form against PyTorch: values, all gradients, and three whole updates.
@Suite struct SoftActorCriticReferenceTests {
  static let tolerance = 5e-6

  private func learner(
    _ agent: JSON, learningRate: Float, backup: SoftActorCritic.Backup = .entropy
  ) -> SoftActorCritic {
    let critics = ReferenceValues.twins(agent["critics"])
    let targets = ReferenceValues.twins(agent["targets"])
    var configuration = SoftActorCritic.Configuration()
    configuration.hiddenSizes = ReferenceValues.hiddenSizes(critics[0])
    configuration.batchSize = 4
    configuration.policyLearningRate = learningRate
    configuration.criticLearningRate = learningRate
    configuration.criticPairs = critics.count / 2
    configuration.initialLogTemperature = agent["logAlpha"].double
    configuration.backup = backup
    let learner = SoftActorCritic(
      configuration: configuration, observationSize: 3, actionSize: 2,
      actors: ReferenceValues.items(agent["policy"]).map { ReferenceValues.network($0, .policy) },
      critics: critics.map { ReferenceValues.network($0, .critic) }, seed: 0,
      pool: WorkerPool(threads: 2))
    for (critic, target) in zip(learner.critics, targets) {
      critic.target!.parameters = ReferenceValues.network(target, .critic).parameters
    }
    learner.drawsNoise = false
    return learner
  }

  private func setNoise(_ learner: SoftActorCritic, _ noise: JSON) {
    learner.current.noise.elements = noise["currentNoise"].floats
    learner.next.noise.elements = noise["nextNoise"].floats
  }

  @Test(arguments: ["sac", "threeLayers", "deterministic", "ensemble", "mixture"])
  func lossesAndGradients(name: String) throws {
    let reference = JSON(fixture: "learners/sac.json")[name]
    let agent = reference["inputs"]["agent"]
    let learner = learner(
      agent, learningRate: 0, backup: name == "deterministic" ? .deterministic : .entropy)
    setNoise(learner, reference["inputs"]["noise"])
    let metrics = try learner.update(on: [ReferenceValues.batch(reference["inputs"]["batch"])])

    let losses = reference["losses"]
    #expect(normalizedError(learner.current.actions.elements, losses["actions"].doubles) < 2e-6)
    #expect(normalizedError(learner.current.logProbs.elements, losses["logProb"].doubles) < 2e-6)
    #expect(normalizedError(learner.next.actions.elements, losses["nextActions"].doubles) < 2e-6)
    #expect(normalizedError(learner.next.logProbs.elements, losses["nextLogProb"].doubles) < 2e-6)
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
        ReferenceValues.gradient(learner.actors[index]), equal: expected, .policy,
        tolerance: Self.tolerance, "gradient of policy \(index)")
    }
    for (index, expected) in ReferenceValues.twins(gradients["critics"]).enumerated() {
      ReferenceValues.expect(
        ReferenceValues.gradient(learner.critics[index]), equal: expected, .critic,
        tolerance: Self.tolerance, "gradient of critic \(index)")
    }
    let temperatureGradient = try learner.state.doubles("temperature")[1] / 0.1
    let expected = gradients["logAlpha"].double
    #expect(abs(expected) > 0.01)
    #expect(normalizedError(temperatureGradient, expected) < Self.tolerance)
  }

  @Test(arguments: ["sac", "ensemble"]) func threeUpdates(name: String) throws {
    let reference = JSON(fixture: "learners/updates.json")[name]
    let start = reference["inputs"]["agent"]
    let learner = learner(start, learningRate: 3e-4)
    for step in ReferenceValues.items(reference["inputs"]["steps"]) {
      setNoise(learner, step["noise"])
      _ = try learner.update(on: [ReferenceValues.batch(step["batch"])])
    }
    let final = reference["final"]
    #expect(normalizedError(learner.temperature.logarithm, final["logAlpha"].double) < 1e-6)
    #expect(abs(final["logAlpha"].double - start["logAlpha"].double) > 1e-4)
    ReferenceValues.expect(
      learner.actors[0].network.parameters, equal: final["policy"][0], .policy, tolerance: 2e-6,
      "policy")
    for (index, critic) in learner.critics.enumerated() {
      ReferenceValues.expect(
        critic.network.parameters, equal: ReferenceValues.twins(final["critics"])[index], .critic,
        tolerance: 2e-6, "critic \(index)")
      ReferenceValues.expect(
        critic.target!.parameters, equal: ReferenceValues.twins(final["targets"])[index], .critic,
        tolerance: 2e-6, "target \(index)")
    }
  }
}
