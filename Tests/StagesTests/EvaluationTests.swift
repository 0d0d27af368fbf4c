import Agents
import Configuration
import DenseMath
import Environments
import Foundation
import RLCore
import Runs
import TestSupport
import Testing

@testable import Stages

/// What a score is the score of: mean actions, from starts that each evaluation has for itself.
@Suite struct EvaluationTests {
  private let pool = WorkerPool(threads: 1)

  /// Does one thing when asked for its mean, and another when asked to draw.
  private struct TwoFacedPolicy: Policy {
    let observationSize = EnvironmentKind.hopper.specification.observationSize
    let actionSize = EnvironmentKind.hopper.specification.actionSize

    func action(
      for observation: [Float], selection: ActionSelection, using generator: inout RandomStream
    ) -> ChosenAction {
      let value: Float = selection == .mean ? 0.3 : -0.3
      return ChosenAction(action: [Float](repeating: value, count: actionSize), logProb: 0)
    }
  }

  @Test func roundsOfTrainingPlayMeanActions() throws {
    let configuration = try ExperimentConfiguration.resolve(
      ConfigurationSources(
        file: ConfigurationLayer(name: "test", yaml: "{environment: hopper, seed: 3}"),
        overrides: ["evaluation.episodes=2"]),
      catalog: .registered, stages: [.offline]
    ).configuration
    let task = try ControlTask("hopper")
    func round(_ number: Int) throws -> EvaluationResult {
      try task.evaluate(
        TwoFacedPolicy(), configuration: configuration, round: number, pool: pool)
    }
    func plainly(_ selection: ActionSelection) throws -> EvaluationResult {
      try task.evaluate(
        TwoFacedPolicy(), episodes: 2, selection: selection, seed: 3, purpose: "evaluation/1",
        pool: pool)
    }
    #expect(try round(1) == plainly(.mean))
    #expect(try round(1) != plainly(.sample))
    #expect(try round(1) != round(2))
  }

  @Test func filesPlayMeanActionsUnlessAskedToDraw() throws {
    let file = Resources.package.appendingPathComponent(
      "experiments/policies/hopper-medium.safetensors")
    let stage = try EvaluateStage(environment: "hopper", pool: pool)
    let found = try stage.run(policyFile: file.path, episodes: 1, seed: 0)
    #expect(
      try found == stage.run(policyFile: file.path, episodes: 1, seed: 0, selection: .mean))
    #expect(
      try found != stage.run(policyFile: file.path, episodes: 1, seed: 0, selection: .sample))
  }
}
