import Configuration
import Datasets
import DenseMath
import Environments
import Foundation
import RLCore
import Runs
import TestSupport
import Testing

@testable import Stages

/// A stage that is stopped after every single update ends like one that never was.
@Suite struct StageResumeTests {
  private let folder: TemporaryDirectory
  private let dataset: String

  init() throws {
    folder = TemporaryDirectory()
    dataset = folder.path + "/hopper.hdf5"
    let space = EnvironmentKind.hopper.specification
    _ = try DatasetCollector(environment: .hopper, seed: 0, steps: 400).collect(
      UniformPolicy(observationSize: space.observationSize, actionSize: space.actionSize),
      to: dataset, metadata: D4RLMetadata(), pool: WorkerPool(threads: 1))
  }

  private var configuration: ExperimentConfiguration {
    var result = ExperimentConfiguration()
    result.environment = "hopper"
    result.dataset.path = dataset
    result.networks.hiddenUnits = 8
    result.evaluation.episodes = 1
    result.pretrain.members = 2
    result.pretrain.gradientSteps = 7
    result.pretrain.epochSteps = 3
    result.pretrain.checkpointInterval = 2
    result.pretrain.batchSize = 8
    result.distillation.epochs = 3
    result.distillation.epochSteps = 2
    result.finetune.environmentSteps = 25
    result.finetune.blockSteps = 10
    result.finetune.updatesPerStep = 0.3
    result.finetune.firstBlockMultiplier = 2
    result.finetune.batchSize = 8
    result.finetune.checkpointInterval = 2
    result.sac.environmentSteps = 25
    result.sac.blockSteps = 10
    result.sac.updatesPerStep = 0.3
    result.sac.batchSize = 8
    result.sac.checkpointInterval = 2
    return result
  }

  private func context(stopping: Bool) -> StageContext {
    let interruption = Interruption()
    if stopping { interruption.request() }
    return StageContext(
      configuration: configuration, pool: WorkerPool(threads: 1), interruption: interruption,
      resume: stopping)
  }

  /// Runs a stage at a stretch and in the smallest pieces, and compares.
  private func compare(_ run: (StageContext, String) throws -> Void) throws {
    let (whole, pieces) = (folder.path + "/whole", folder.path + "/pieces")
    try run(context(stopping: false), whole)
    var stops = 0
    while stops < 100 {
      do {
        try run(context(stopping: true), pieces)
        break
      } catch is Interrupted {
        stops += 1
      }
    }
    #expect(stops > 3 && stops < 100)
    #expect(try results(pieces) == results(whole))
    #expect(try !results(whole).isEmpty)
  }

  /// Weights, and the table without its time columns.
  private func results(_ directory: String) throws -> [String: [UInt8]] {
    var result: [String: [UInt8]] = [:]
    let names = FileManager.default.enumerator(atPath: directory)
    while let name = names?.nextObject() as? String {
      let path = "\(directory)/\(name)"
      if name.hasPrefix("weights/") && name.hasSuffix(".safetensors") {
        result[name] = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      }
      if name == "progress.csv" {
        let rows = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
          $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        let kept = rows[0].indices.filter {
          !["wall_seconds", "updates_per_second"].contains(rows[0][$0])
        }
        let text = rows.map { row in kept.map { String(row[$0]) }.joined(separator: ",") }
        result[name] = Array(text.joined(separator: "\n").utf8)
      }
    }
    return result
  }

  @Test func pretraining() throws {
    try compare { try PretrainStage($0).run(output: $1) }
  }

  @Test func fineTuning() throws {
    let ensemble = folder.path + "/agents"
    try PretrainStage(context(stopping: false)).run(output: ensemble)
    try DistillStage(context(stopping: false)).run(
      ensemble: ensemble, output: folder.path + "/distilled")
    try compare { try FineTuneStage($0).run(ensemble: ensemble, output: $1) }
  }

  @Test func trainingFromScratch() throws {
    try compare { try SACStage($0).run(output: $1) }
  }

  /// Its smallest piece is an epoch, so there are fewer stops.
  @Test func distillation() throws {
    let ensemble = folder.path + "/agents"
    try PretrainStage(context(stopping: false)).run(output: ensemble)
    func run(_ context: StageContext, _ output: String) throws {
      try DistillStage(context).run(
        ensemble: ensemble, output: folder.path + output, addToEnsemble: false)
    }
    try run(context(stopping: false), "/whole")
    for _ in 0..<2 {
      #expect(throws: Interrupted.self) { try run(context(stopping: true), "/pieces") }
    }
    try run(context(stopping: true), "/pieces")
    #expect(try results(folder.path + "/pieces") == results(folder.path + "/whole"))
  }

  /// A diverged run stops with an error that names the loss, and keeps its last good checkpoint.
  @Test func divergence() throws {
    var wild = configuration
    wild.pretrain.criticLearningRate = 1
    wild.pretrain.tau = 1
    wild.pretrain.discount = 1
    wild.pretrain.conservativeWeight = 1e6
    wild.pretrain.gradientSteps = 100_000
    wild.pretrain.epochSteps = 5
    wild.pretrain.checkpointInterval = 1
    wild.evaluation.interval = 1_000_000
    // Actions and values of a dataset with enormous rewards leave the range of single precision.
    wild.dataset.path = try enormousRewards()
    let output = folder.path + "/wild"
    let context = StageContext(configuration: wild, pool: WorkerPool(threads: 1))
    #expect(throws: TrainingError.self) { try PretrainStage(context).run(output: output) }
    let names = try FileManager.default.contentsOfDirectory(atPath: output)
    #expect(!names.contains("summary.json"))
  }

  private func enormousRewards() throws -> String {
    let path = folder.path + "/enormous.hdf5"
    var rows = D4RLRows()
    rows.observations = (0..<50 * 11).map { sin(Float($0)) }
    rows.nextObservations = rows.observations
    rows.actions = (0..<50 * 3).map { 0.5 * cos(Float($0)) }
    rows.rewards = (0..<50).map { Float($0) * 1e30 }
    rows.terminals = [Bool](repeating: false, count: 50)
    rows.timeouts = rows.terminals
    rows.actionLogProbs = [Float](repeating: 0, count: 50)
    let writer = try D4RLWriter(
      creating: path, rows: 50,
      shape: D4RLShape(observationSize: 11, actionSize: 3, positionSize: 0, velocitySize: 0),
      metadata: D4RLMetadata())
    try writer.append(rows)
    try writer.finish()
    return path
  }
}
