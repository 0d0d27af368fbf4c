import Configuration
import Datasets
import DenseMath
import Foundation
import RLCore
import Runs
import TestSupport
import Testing

@testable import Stages

/// What distillation is told, and what it looks at.
@Suite struct DistillStageTests: TinyStages {
  let folder = TemporaryDirectory()

  init() throws { try makeDataset() }

  private func configuration(distillation settings: [String]) throws -> ExperimentConfiguration {
    try configuration([.distillation], settings.map { "distillation.\($0)" })
  }

  /// - Returns: the distilled policy's file.
  private func distil(
    _ ensemble: String, _ settings: [String], to output: String
  ) throws -> String {
    try DistillStage(context(configuration(distillation: settings))).run(
      ensemble: ensemble, output: folder.file(output), addToEnsemble: false)
  }

  private func number(_ name: String, of output: String) throws -> Int {
    let data = try Data(contentsOf: URL(fileURLWithPath: folder.file("\(output)/summary.json")))
    let summary = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    return try #require((summary["numbers"] as? [String: Any])?[name] as? Int)
  }

  @Test(arguments: [3, 6]) func patienceCountsFromTheBestEpoch(patience: Int) throws {
    _ = try distil(
      agents(), ["epochs=2000", "patience=\(patience)", "learningRate=0.01"], to: "distilled")
    let (last, best) = (
      try number("epochs", of: "distilled"), try number("bestEpoch", of: "distilled")
    )
    #expect(last - best == patience && last < 2000)
  }

  @Test func theHeldOutShareCounts() throws {
    let ensemble = try agents()
    func validation(_ fraction: Double) throws -> [Double] {
      _ = try distil(ensemble, ["validationFraction=\(fraction)"], to: "held-\(fraction)")
      return try column("validation_loss", of: "held-\(fraction)")
    }
    #expect(try validation(0.1) != validation(0.5))
  }

  /// Members that normalise what they observe are distilled into a policy that does, and acts as they do.
  @Test func normalizedObservations() throws {
    let ensemble = try agents(
      "cql", "dataset.observations=normalized", "offline.cql.policyLearningRate=0.05",
      "offline.gradientSteps=30")
    let settings = ["epochs=40", "epochSteps=50", "batchSize=64", "learningRate=0.01"]
    let file = try distil(ensemble, settings, to: "distilled")
    let (mixture, task) = try EvaluateStage.read("\(ensemble)/weights", task: nil)
    let (policy, _) = try EvaluateStage.read(file, task: task)

    let observations = try D4RLDataset(contentsOf: dataset).transitions().observations
    var stream = RandomStream(seed: 0, purpose: "act")
    var (error, size) = (Float(0), Float(0))
    for row in 0..<50 {
      let observation = Array(observations.row(row))
      let wanted = mixture.action(for: observation, selection: .mean, using: &stream).action
      let found = policy.action(for: observation, selection: .mean, using: &stream).action
      for (one, other) in zip(wanted, found) {
        error += abs(one - other)
        size += abs(one)
      }
    }
    #expect(error < 0.1 * size)

    let evaluation = try task.evaluate(
      policy, configuration: configuration(distillation: settings),
      round: number("epochs", of: "distilled"),
      pool: WorkerPool(threads: 1))
    #expect(try column("eval_return_mean", of: "distilled").last == evaluation.returns[0])
  }
}
