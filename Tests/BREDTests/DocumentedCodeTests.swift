import BRED
import Foundation
import TestSupport
import Testing

/// What README and documentation show is what is compiled here, and it runs.
@Suite struct DocumentedCodeTests {
  private static let folder = TemporaryDirectory()

  /// A small dataset of random actions.
  private static let dataset: String = {
    let path = folder.file("hopper.hdf5")
    let space = EnvironmentKind.hopper.specification
    let policy = UniformPolicy(
      observationSize: space.observationSize, actionSize: space.actionSize)
    _ = try? DatasetCollector(environment: .hopper, seed: 0, steps: 1500).collect(
      policy, to: path, metadata: D4RLMetadata(), pool: WorkerPool(threads: 1))
    return path
  }()

  @Test func theReadmePipelineRuns() throws {
    let output = Self.folder.file("readme")
    // Small networks and short stages, which the README leaves at the paper's sizes.
    let settings = [
      "networks.hiddenUnits=16", "offline.cql.batchSize=32", "online.sac.batchSize=32",
      "distillation.epochs=2", "distillation.epochSteps=5", "online.blockSteps=100",
      "online.firstBlockMultiplier=1", "evaluation.episodes=1",
    ]
    let lab = try Lab(
      environment: "hopper", dataset: Self.dataset, output: output, settings: settings, threads: 2,
      isQuiet: true)
    let agents = try lab.train("cql", members: 2, updates: 5)
    let distilled = try lab.distill(agents)
    let tuned = try lab.finetune(
      agents, steps: 200,
      settings: ["online.replay=balanced", "online.initialOnlineFraction=0.5"])
    let result = try lab.evaluate(tuned, episodes: 3)
    #expect(result.returns.count == 3 && result.normalizedScore > -5)

    // Policies that are handed out are copies: the same before and after other work.
    var stream = RandomStream(seed: 0, purpose: "unused by the mean action")
    let observation = [Float](repeating: 0.1, count: 11)
    let policy = try distilled.policy
    let before = policy.action(for: observation, selection: .mean, using: &stream)

    // Everything is there already, so the same again is quick and gives the same.
    let again = try lab.finetune(
      try lab.train("cql", members: 2, updates: 5), steps: 200,
      settings: ["online.replay=balanced", "online.initialOnlineFraction=0.5"])
    #expect(try lab.evaluate(again, episodes: 3) == result)
    #expect(policy.action(for: observation, selection: .mean, using: &stream) == before)
  }

  @Test func thePipelineByHandRuns() throws {
    let result = try pipelineByHand(data: Self.dataset, members: 2, updates: 3, blocks: 2)
    #expect(result.episodes.count == 5)
    #expect(result.normalizedScore > -1 && result.normalizedScore < 150)
    // The same again gives the same.
    #expect(try pipelineByHand(data: Self.dataset, members: 2, updates: 3, blocks: 2) == result)
  }

  @Test func theReadmeShowsThePipeline() throws {
    let source = try text("Tests/BREDTests/ReadmePipeline.swift")
    let shown = try #require(
      source.components(separatedBy: "// README begin\n").last?
        .components(separatedBy: "// README end").first)
    #expect(try text("README.md").contains("```swift\n" + shown + "```"))
  }

  @Test(arguments: ["ExpectileQLearning", "StepSchedule"])
  func theGuideShowsItsFiles(name: String) throws {
    let shown = "```swift\n" + (try text("Tests/BREDTests/\(name).swift")) + "```"
    #expect(try text("docs/algorithms/writing-a-learner.md").contains(shown))
  }

  /// One file and one line: training, resume, agent files, help and configuration come with it.
  @Test func theNewAlgorithmIsAtHomeEverywhere() throws {
    Self.register
    #expect(AlgorithmRegistry.names.contains("expectile-q"))
    let lab = try Lab(
      environment: "hopper", dataset: Self.dataset, output: Self.folder.file("expectile"),
      settings: ["networks.hiddenUnits=16", "evaluation.episodes=1"], threads: 1, isQuiet: true)
    let settings = ["offline.expectile-q.batchSize=32", "offline.expectile-q.expectile=0.8"]
    let agents = try lab.train("expectile-q", members: 2, updates: 6, settings: settings)
    #expect(
      FileManager.default.fileExists(atPath: "\(agents.path)/member-1/value.safetensors"))
    let text = try String(
      contentsOfFile: Self.folder.file("expectile/pretrain/config.yaml"), encoding: .utf8)
    #expect(text.contains("expectile: 0.8") && text.contains("algorithm: expectile-q"))
    let tuned = try lab.finetune(
      agents, steps: 40,
      settings: [
        "online.algorithm=expectile-q", "online.expectile-q.batchSize=32", "online.blockSteps=20",
        "online.replay=uniform",
      ])
    #expect(try lab.evaluate(tuned, episodes: 2).returns.count == 2)
    #expect(
      SettingTable.help(ExpectileQLearning.Settings.self, section: "offline.expectile-q")
        .contains("Inverse temperature"))
    #expect(throws: ConfigurationError.self) {
      try lab.train("expectile-q", updates: 1, settings: ["offline.expectile-q.expectile=0.2"])
    }
  }

  @Test func theNewAlgorithmLearnsAndGoesOnExactly() throws {
    // Actions that are a function of the observation, and better the closer they are to it.
    var batch = Batch(size: 256, observationSize: 4, actionSize: 2)
    var stream = RandomStream(seed: 1, purpose: "test/expectile")
    for row in 0..<256 {
      for k in 0..<4 { batch.observations[row, k] = Float(stream.uniform(-1, 1)) }
      for k in 0..<2 {
        let noise = Float(stream.uniform(-0.5, 0.5))
        batch.actions[row, k] = 0.4 * batch.observations[row, k] + noise
        batch.rewards[row] -= noise * noise
      }
    }
    func agent() throws -> Agent {
      var setup = AgentSetup(observationSize: 4, actionSize: 2)
      setup.hiddenSizes = [32, 32]
      var settings = ExpectileQLearning.Settings()
      settings.learningRate = 3e-3
      return try Agent(ExpectileQLearning.self, settings, setup, pool: WorkerPool(threads: 1))
    }
    let first = try agent()
    var losses: [Double] = []
    for _ in 0..<300 { losses.append(try first.update(on: batch)["policy_loss"]!) }
    #expect(losses.last! < losses.first! - 1)
    let second = try agent()
    try second.restore(first.state)
    let (a, b) = (try first.update(on: batch), try second.update(on: batch))
    #expect(a == b)
    #expect(first.state == second.state)
  }

  private static let register: Void = AlgorithmRegistry.add(ExpectileQLearning.self)

  @Test func theNewScheduleMixes() throws {
    let schedule = StepSchedule(initialFraction: 0.5, finalStep: 1000, stairs: 5)
    let shares = [0, 199, 200, 999, 1000, 9999].map(schedule.onlineFraction(at:))
    for (share, expected) in zip(shares, [0.5, 0.5, 0.6, 0.9, 1, 1]) {
      #expect(abs(share - expected) < 1e-12)
    }
    let sampler = BalancedSampler(schedule: schedule)
    #expect(try sampler.onlineRows(batchSize: 256, environmentSteps: 200) == 154)
    #expect(try sampler.onlineRows(batchSize: 256, environmentSteps: 1000) == 256)
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOf: Resources.package.appendingPathComponent(path), encoding: .utf8)
  }
}
