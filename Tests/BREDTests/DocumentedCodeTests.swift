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
    let result = try pipeline(data: Self.dataset, members: 2, updates: 3, blocks: 2)
    #expect(result.episodes.count == 5)
    #expect(result.normalizedScore > -1 && result.normalizedScore < 150)
    // The same again gives the same.
    #expect(try pipeline(data: Self.dataset, members: 2, updates: 3, blocks: 2) == result)
  }

  @Test func theReadmeShowsThePipeline() throws {
    let source = try text("Tests/BREDTests/ReadmePipeline.swift")
    let shown = try #require(
      source.components(separatedBy: "// README begin\n").last?
        .components(separatedBy: "// README end").first)
    #expect(try text("README.md").contains("```swift\n" + shown + "```"))
  }

  @Test(arguments: ["BehaviorCloning", "StepSchedule"])
  func theGuideShowsItsFiles(name: String) throws {
    let shown = "```swift\n" + (try text("Tests/BREDTests/\(name).swift")) + "```"
    #expect(try text("docs/algorithms/writing-a-learner.md").contains(shown))
  }

  @Test func theNewLearnerLearns() throws {
    // Actions that are a function of the observation, so that cloning has something to find.
    let (rows, observationSize, actionSize) = (512, 4, 2)
    var stream = RandomStream(seed: 1, purpose: "test/cloning")
    var batch = Batch(size: rows, observationSize: observationSize, actionSize: actionSize)
    for row in 0..<rows {
      for k in 0..<observationSize {
        batch.observations[row, k] = Float(stream.uniform(-1, 1))
      }
      for k in 0..<actionSize { batch.actions[row, k] = 0.8 * batch.observations[row, k] }
    }
    func learner() -> BehaviorCloning {
      BehaviorCloning(
        observationSize: observationSize, actionSize: actionSize, batchSize: rows,
        learningRate: 1e-3, seed: 0)
    }
    let first = learner()
    var losses: [Double] = []
    for _ in 0..<150 { losses.append(try first.update(on: [batch])["loss"]!) }
    #expect(losses.last! < losses.first! - 1)
    let observation = Array(batch.observations.row(7))
    let chosen = first.policy.action(for: observation, selection: .mean, using: &stream).action
    for k in 0..<actionSize { #expect(abs(chosen[k] - batch.actions[7, k]) < 0.15) }

    // Its state is all it needs to go on.
    let second = learner()
    try second.restore(first.state)
    let (a, b) = (try first.update(on: [batch]), try second.update(on: [batch]))
    #expect(a == b)
    #expect(first.state == second.state)
  }

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
