import Foundation
import TestSupport

/// A small dataset and a small ensemble, made once by the command itself.
final class Workshop: Sendable {
  static let shared = Workshop()

  let folder = TemporaryDirectory()
  var dataset: String { folder.file("hopper.hdf5") }
  var ensemble: String { folder.file("agents/weights") }

  /// Networks and episodes that take milliseconds.
  static let small = [
    "--set", "networks.hiddenUnits=16", "--set", "evaluation.episodes=1",
    "--set", "pretrain.members=2", "--set", "pretrain.batchSize=16",
    "--set", "pretrain.gradientSteps=40", "--set", "pretrain.epochSteps=10",
    "--set", "distillation.epochs=3", "--set", "distillation.epochSteps=10",
    "--set", "finetune.environmentSteps=400", "--set", "finetune.blockSteps=100",
    "--set", "finetune.firstBlockMultiplier=2", "--set", "finetune.batchSize=32",
    "--set", "finetune.checkpointInterval=1",
  ]

  /// The same for runs that distil nothing.
  static let smallWithoutDistillation = {
    var result: [String] = []
    for index in stride(from: 0, to: small.count, by: 2)
    where !small[index + 1].hasPrefix("distillation.") {
      result += small[index...index + 1]
    }
    return result
  }()

  private init() {
    _ = try? CommandRunner.run([
      "sac", "--env", "hopper", "--output", folder.file("sac"), "--replay-dataset", dataset,
      "--quiet", "--set", "networks.hiddenUnits=16", "--set", "sac.environmentSteps=600",
      "--set", "sac.blockSteps=300", "--set", "sac.updatesPerStep=0.05", "--set",
      "evaluation.episodes=1",
    ])
    _ = try? CommandRunner.run(
      [
        "pretrain", "--env", "hopper", "--dataset", dataset, "--output", folder.file("agents"),
        "--quiet",
      ] + Workshop.small)
  }
}
