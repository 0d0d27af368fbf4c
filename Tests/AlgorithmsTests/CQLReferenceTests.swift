import Agents
import DenseMath
import Autodiff
import RLCore
import TestSupport
import Testing

@testable import Algorithms

/// CQL in all its variants against PyTorch: values, all gradients, and three whole updates.
@Suite struct CQLReferenceTests {
  static let tolerance = 1e-5

  private func agent(_ start: JSON, _ change: (inout CQLSettings) -> Void) throws -> Agent {
    let critics = ReferenceValues.twins(start["critics"])
    var settings = CQLSettings()
    settings.batchSize = 4
    settings.sampledActions = 3
    change(&settings)
    var setup = AgentSetup(observationSize: 3, actionSize: 2)
    setup.hiddenSizes = ReferenceValues.hiddenSizes(critics[0])
    let agent = try Agent(
      ConservativeQLearning.self, settings, setup, pool: WorkerPool(threads: 2))
    try agent.load([ReferenceValues.network(start["policy"][0], .policy)], into: "actor")
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
      agent,
      [
        "current": noise["currentNoise"], "next": noise["nextNoise"],
        "uniform": noise["uniformActions"], "current-samples": noise["currentSampleNoise"],
        "next-samples": noise["nextSampleNoise"],
      ])
  }

  private func configure(_ settings: inout CQLSettings, _ name: String) {
    switch name {
    case "weight": settings.conservativeWeight = 0.5
    case "regularizerTemperature": settings.regularizerTemperature = 2
    case "density": settings.regularizer = .plain
    case "lagrangeOfficial": (settings.weighting, settings.lagrangeGap) = (.lagrange, 0.8)
    case "lagrangeScaled": (settings.weighting, settings.lagrangeGap) = (.scaledLagrange, 0.8)
    case "minimumOfMaxima": settings.backup = .minimumOfMaxima
    case "maximumOfMinima": settings.backup = .maximumOfMinima
    case "entropyBackup": settings.backup = .entropy
    case "cloning": settings.cloningSteps = 1
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
    let agent = try agent(inputs["agent"]) { settings in
      settings.policyLearningRate = 1e-30
      settings.criticLearningRate = 1e-30
      configure(&settings, name)
    }
    setNoise(agent, inputs["noise"])
    let metrics = try agent.update(on: ReferenceValues.batch(inputs["batch"]))

    let losses = reference["losses"]
    func expect(_ what: String, _ actual: Double, _ expected: Double) {
      #expect(
        normalizedError(actual, expected) < Self.tolerance, "\(what): \(actual) for \(expected)")
    }
    let targets = losses["targets"].doubles
    expect("y", metrics["target_q_mean"]!, targets.reduce(0, +) / Double(targets.count))
    let td = losses["td"].doubles
    expect("td", metrics["td_loss"]!, (td[0] + td[1]) / 2)
    let regularizers = losses["regularizers"].doubles
    expect("R", metrics["conservative_gap"]!, (regularizers[0] + regularizers[1]) / 2)
    expect("policy", metrics["policy_loss"]!, losses["policy"].double)
    let gradients = reference["gradients"]
    for (index, expected) in ReferenceValues.twins(gradients["critics"]).enumerated() {
      ReferenceValues.expect(
        ReferenceValues.gradient(agent, "critic", index), equal: expected, .critic,
        tolerance: Self.tolerance, "gradient of critic \(index)")
    }
    if gradients.has("policy") {
      ReferenceValues.expect(
        ReferenceValues.gradient(agent, "actor"), equal: gradients["policy"][0], .policy,
        tolerance: Self.tolerance, "gradient of the policy")
    }
    let temperature = Double(ReferenceValues.gradient(agent, "temperature")[0])
    expect("temperature's gradient", temperature, gradients["logAlpha"].double)
    if gradients.has("logMultiplier") {
      let multiplier = Double(ReferenceValues.gradient(agent, "multiplier")[0])
      #expect(abs(gradients["logMultiplier"].double) > 0.1)
      expect("multiplier's gradient", multiplier, gradients["logMultiplier"].double)
    }
  }

  @Test(arguments: ["cql", "cqlThreeLayers"]) func threeUpdates(name: String) throws {
    let reference = JSON(fixture: "learners/updates.json")[name]
    let agent = try agent(reference["inputs"]["agent"]) { _ in }
    for step in ReferenceValues.items(reference["inputs"]["steps"]) {
      setNoise(agent, step["noise"])
      _ = try agent.update(on: ReferenceValues.batch(step["batch"]))
    }
    let final = reference["final"]
    let logAlpha = try agent.state.floats("temperature/parameters", count: 1)[0]
    #expect(normalizedError(Double(logAlpha), final["logAlpha"].double) < 1e-6)
    ReferenceValues.expect(
      agent.networks("actor")![0].parameters, equal: final["policy"][0], .policy, tolerance: 2e-6,
      "policy")
    for (index, critic) in agent.networks("critic")!.enumerated() {
      ReferenceValues.expect(
        critic.parameters, equal: ReferenceValues.twins(final["critics"])[index], .critic,
        tolerance: 2e-6, "critic \(index)")
      ReferenceValues.expect(
        agent.networks("critic", targets: true)![index].parameters,
        equal: ReferenceValues.twins(final["targets"])[index], .critic, tolerance: 2e-6,
        "target \(index)")
    }
  }
}
