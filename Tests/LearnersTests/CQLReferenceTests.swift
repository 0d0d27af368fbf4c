import Agents
import DenseMath
import Networks
import RLCore
import TestSupport
import Testing

@testable import Learners

/// CQL in all its variants against PyTorch: values, all gradients, and three whole updates.
@Suite struct CQLReferenceTests {
  static let tolerance = 1e-5

  private func learner(
    _ agent: JSON, _ change: (inout ConservativeQLearning.Configuration) -> Void
  ) -> ConservativeQLearning {
    let critics = ReferenceValues.twins(agent["critics"])
    var configuration = ConservativeQLearning.Configuration()
    configuration.hiddenSizes = ReferenceValues.hiddenSizes(critics[0])
    configuration.batchSize = 4
    configuration.sampledActions = 3
    configuration.initialLogTemperature = agent["logAlpha"].double
    change(&configuration)
    let learner = ConservativeQLearning(
      configuration: configuration, observationSize: 3, actionSize: 2, seeds: [0],
      pool: WorkerPool(threads: 2))
    let member = learner.members[0]
    member.actor.network.parameters =
      ReferenceValues.network(agent["policy"][0], .policy).parameters
    for (index, critic) in member.critics.enumerated() {
      critic.network.parameters = ReferenceValues.network(critics[index], .critic).parameters
      let target = ReferenceValues.twins(agent["targets"])[index]
      critic.target!.parameters = ReferenceValues.network(target, .critic).parameters
    }
    learner.drawsNoise = false
    return learner
  }

  private func setNoise(_ member: CQLMember, _ noise: JSON) {
    member.current.noise.elements = noise["currentNoise"].floats
    member.next.noise.elements = noise["nextNoise"].floats
    member.uniformActions.elements = noise["uniformActions"].floats
    member.currentSampleNoise.elements = noise["currentSampleNoise"].floats
    member.nextSampleNoise.elements = noise["nextSampleNoise"].floats
  }

  private func configure(_ configuration: inout ConservativeQLearning.Configuration, _ name: String)
  {
    switch name {
    case "weight": configuration.conservatism = .fixed(weight: 0.5)
    case "regularizerTemperature": configuration.regularizerTemperature = 2
    case "density": configuration.regularizer = .density
    case "lagrangeOfficial":
      configuration.conservatism = .lagrange(weight: 5, gap: 0.8, form: .official)
    case "lagrangeScaled":
      configuration.conservatism = .lagrange(weight: 5, gap: 0.8, form: .scaled)
    case "minimumOfMaxima": configuration.backup = .minimumOfMaxima
    case "maximumOfMinima": configuration.backup = .maximumOfMinima
    case "entropyBackup": configuration.backup = .entropy
    case "cloning": configuration.behaviorCloningSteps = 1
    default: #expect(name == "fixed")
    }
  }

  @Test(arguments: [
    ("twoLayers", "fixed"), ("threeLayers", "fixed"), ("twoLayers", "weight"),
    ("twoLayers", "regularizerTemperature"), ("twoLayers", "density"),
    ("twoLayers", "lagrangeOfficial"), ("twoLayers", "lagrangeScaled"),
    ("twoLayers", "minimumOfMaxima"), ("twoLayers", "maximumOfMinima"),
    ("twoLayers", "entropyBackup"), ("twoLayers", "cloning"),
  ])
  func lossesAndGradients(shape: String, name: String) throws {
    let fixture = JSON(fixture: "learners/cql.json")[shape]
    let (inputs, reference) = (fixture["inputs"], fixture[name])
    let learner = learner(inputs["agent"]) { configuration in
      configuration.policyLearningRate = 0
      configuration.criticLearningRate = 0
      configure(&configuration, name)
    }
    let member = learner.members[0]
    setNoise(member, inputs["noise"])
    let metrics = try learner.update(on: [ReferenceValues.batch(inputs["batch"])])

    let losses = reference["losses"]
    func expect(_ what: String, _ actual: Double, _ expected: Double) {
      #expect(
        normalizedError(actual, expected) < Self.tolerance, "\(what): \(actual) for \(expected)")
    }
    #expect(normalizedError(member.targets.elements, losses["targets"].doubles) < 2e-6)
    let td = losses["td"].doubles
    expect("td", metrics["member0_td_loss"]!, (td[0] + td[1]) / 2)
    for twin in 0..<2 {
      expect("R\(twin)", member.regularizer(twin: twin), losses["regularizers"][twin].double)
    }
    expect("policy", metrics["member0_policy_loss"]!, losses["policy"].double)
    let gradients = reference["gradients"]
    for (index, expected) in ReferenceValues.twins(gradients["critics"]).enumerated() {
      ReferenceValues.expect(
        ReferenceValues.gradient(member.critics[index]), equal: expected, .critic,
        tolerance: Self.tolerance, "gradient of critic \(index)")
    }
    if gradients.has("policy") {
      ReferenceValues.expect(
        ReferenceValues.gradient(member.actor), equal: gradients["policy"][0], .policy,
        tolerance: Self.tolerance, "gradient of the policy")
    }
    let temperature = try learner.state.doubles("member-0/temperature")[1] / 0.1
    expect("temperature's gradient", temperature, gradients["logAlpha"].double)
    if gradients.has("logMultiplier") {
      let multiplier = try learner.state.doubles("member-0/multiplier")[1] / 0.1
      #expect(abs(gradients["logMultiplier"].double) > 0.1)
      expect("multiplier's gradient", multiplier, gradients["logMultiplier"].double)
    }
  }

  @Test(arguments: ["cql", "cqlThreeLayers"]) func threeUpdates(name: String) throws {
    let reference = JSON(fixture: "learners/updates.json")[name]
    let learner = learner(reference["inputs"]["agent"]) { _ in }
    let member = learner.members[0]
    for step in ReferenceValues.items(reference["inputs"]["steps"]) {
      setNoise(member, step["noise"])
      _ = try learner.update(on: [ReferenceValues.batch(step["batch"])])
    }
    let final = reference["final"]
    #expect(normalizedError(member.temperature.logarithm, final["logAlpha"].double) < 1e-6)
    ReferenceValues.expect(
      member.actor.network.parameters, equal: final["policy"][0], .policy, tolerance: 2e-6,
      "policy")
    for (index, critic) in member.critics.enumerated() {
      ReferenceValues.expect(
        critic.network.parameters, equal: ReferenceValues.twins(final["critics"])[index], .critic,
        tolerance: 2e-6, "critic \(index)")
      ReferenceValues.expect(
        critic.target!.parameters, equal: ReferenceValues.twins(final["targets"])[index], .critic,
        tolerance: 2e-6, "target \(index)")
    }
  }
}
