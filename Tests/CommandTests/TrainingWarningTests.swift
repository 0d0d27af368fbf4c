import Datasets
import DenseMath
import Environments
import Foundation
import HDF5
import RLCore
import TestSupport
import Testing

/// What is odd about a dataset is said when training on it begins.
@Suite struct TrainingWarningTests {
  let folder = TemporaryDirectory()

  private func collect(_ kind: EnvironmentKind, _ name: String) throws -> String {
    let path = folder.file(name)
    let specification = kind.specification
    _ = try DatasetCollector(environment: kind, seed: 5, steps: 120).collect(
      UniformPolicy(
        observationSize: specification.observationSize, actionSize: specification.actionSize),
      to: path, metadata: D4RLMetadata(), pool: WorkerPool(threads: 1))
    return path
  }

  private func train(_ dataset: String, env: String, _ more: [String] = []) throws
    -> CommandRunner.Result
  {
    try CommandRunner.run(
      [
        "train", "cql", "--env", env, "--dataset", dataset, "--output", folder.file("run"),
        "--quiet", "--set", "networks.hiddenUnits=16", "--set", "evaluation.episodes=1",
        "--set", "offline.members=1", "--set", "offline.cql.batchSize=8",
        "--set", "offline.gradientSteps=5",
        "--set", "offline.epochSteps=5",
      ] + more)
  }

  @Test func oddActionsAreWarnedAboutOnceAndKeptInTheManifest() throws {
    let path = try collect(.hopper, "hopper.hdf5")
    // The writer is given rows as they are; torques instead of shares of them.
    let source = try D4RLDataset(contentsOf: path)
    var rows = D4RLRows()
    func column(_ name: String) throws -> [Float] { try source.file.dataset(name).read(Float.self) }
    rows.observations = try column("observations")
    rows.nextObservations = try column("next_observations")
    rows.actions = try column("actions").map { $0 * 200 }
    rows.rewards = try column("rewards")
    rows.terminals = try source.terminals()
    rows.timeouts = try source.timeouts(terminals: rows.terminals)
    rows.actionLogProbs = rows.rewards
    var shape = D4RLShape(EnvironmentKind.hopper.specification)
    (shape.positionSize, shape.velocitySize) = (0, 0)
    let torques = folder.file("torques.hdf5")
    let writer = try D4RLWriter(
      creating: torques, rows: 120, shape: shape, metadata: D4RLMetadata())
    try writer.append(rows)
    try writer.finish()

    let result = try train(torques, env: "hopper")
    #expect(result.status == 0, "\(result.errors)")
    let said = result.errors.split(separator: "\n").filter { $0.contains("outside [-1, 1]") }
    #expect(said.count == 1 && said[0].hasPrefix("warning: "), "\(result.errors)")
    let manifest = try #require(
      try JSONSerialization.jsonObject(
        with: Data(contentsOf: URL(fileURLWithPath: folder.file("run/manifest.json"))))
        as? [String: Any])
    let kept = try #require(manifest["warnings"] as? [String])
    #expect(kept.contains { $0.contains("outside [-1, 1]") })
  }

  /// Data, training, weights and evaluation all keep to version 5.
  @Test func versionFiveFromDataToEvaluation() throws {
    let path = try collect(.hopperV5, "five.hdf5")
    let other = try train(path, env: "hopper")
    #expect(other.status == 1 && other.errors.contains("hopper-v5"), "\(other.errors)")
    let trained = try train(path, env: "Hopper-v5")
    #expect(trained.status == 0, "\(trained.errors)")
    for (env, status) in [("mujoco/hopper/medium-v0", 0), ("hopper", 1)] as [(String, Int32)] {
      let result = try CommandRunner.run(
        "evaluate", "--env", env, "--policy", folder.file("run/weights/member-0/actor.safetensors"),
        "--episodes", "1")
      #expect(result.status == status, "\(env): \(result.errors)")
    }
    let list = try CommandRunner.run("environment", "list")
    #expect(list.output.contains("hopper-v5"))
  }
}
