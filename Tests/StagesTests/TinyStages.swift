import Algorithms
import Configuration
import Datasets
import DenseMath
import Foundation
import RLCore
import Runs
import TestSupport
import Testing

@testable import Environments
@testable import Stages

/// Stages on a dataset of 400 rows, with networks of a few units: a moment's work.
protocol TinyStages {
  var folder: TemporaryDirectory { get }
}

extension TinyStages {
  var dataset: String { folder.path + "/hopper.hdf5" }

  /// Random actions on the hopper, episodes of about 20 steps.
  func makeDataset() throws {
    let space = EnvironmentKind.hopper.specification
    _ = try DatasetCollector(environment: .hopper, seed: 0, steps: 400).collect(
      UniformPolicy(observationSize: space.observationSize, actionSize: space.actionSize),
      to: dataset, metadata: D4RLMetadata(), pool: WorkerPool(threads: 1))
  }

  /// A tiny run of these stages; `more` are `--set` texts.
  func configuration(
    _ stages: Set<ExperimentStage>, _ more: [String] = [], method: ConfigurationLayer? = nil
  ) throws -> ExperimentConfiguration {
    let tiny = [
      "networks.hiddenUnits=8", "evaluation.episodes=1", "offline.members=2",
      "offline.gradientSteps=7", "offline.epochSteps=3", "offline.checkpointInterval=2",
      "distillation.epochs=3", "distillation.epochSteps=2", "online.environmentSteps=25",
      "online.updatesPerStep=0.3", "online.checkpointInterval=2",
    ]
    let blocks =
      more.contains("online.collection=episodes") ? [] : ["online.blockSteps=10"]
    return try ExperimentConfiguration.resolve(
      ConfigurationSources(
        method: method,
        file: ConfigurationLayer(
          name: "test", yaml: "{environment: hopper, dataset: {path: \(dataset)}}"),
        overrides: tiny + blocks + more),
      catalog: .registered, stages: stages
    ).configuration
  }

  /// An algorithm for a stage, its minibatches and the widths that it declares itself as small as the rest.
  func tiny(_ stage: String, _ algorithm: String) -> [String] {
    let widths: [String] =
      switch algorithm {
      case "bcq": ["autoencoderWidth", "firstWidth", "secondWidth"]
      case "spot": ["vaeWidth"]
      default: []
      }
    return ["\(stage).algorithm=\(algorithm)"]
      + (["batchSize"] + widths).map { "\(stage).\(algorithm).\($0)=8" }
  }

  func context(
    _ configuration: ExperimentConfiguration, stopping: Bool = false
  ) -> StageContext {
    let interruption = Interruption()
    if stopping { interruption.request() }
    return StageContext(
      configuration: configuration, pool: WorkerPool(threads: 1), interruption: interruption,
      resume: stopping)
  }

  func agents(_ algorithm: String = "cql", _ more: String...) throws -> String {
    let ensemble = folder.path + "/agents"
    try OfflineStage(
      context(
        configuration(
          [.offline],
          tiny("offline", algorithm) + more))
    ).run(output: ensemble)
    return ensemble
  }

  /// A column of a run's `progress.csv`, NaN for empty cells.
  func column(_ name: String, of run: String) throws -> [Double] {
    let rows = try String(contentsOfFile: "\(folder.path)/\(run)/progress.csv", encoding: .utf8)
      .split(separator: "\n").map {
        $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      }
    let index = try #require(rows[0].firstIndex(of: name))
    return rows.dropFirst().map { Double($0[index]) ?? .nan }
  }

  /// A step of the hopper that nothing but its reward is known of.
  func collected(_ reward: Double) -> CollectedStep {
    let space = EnvironmentKind.hopper.specification
    let observation = [Float](repeating: 0, count: space.observationSize)
    return CollectedStep(
      observation: observation, action: [Float](repeating: 0, count: space.actionSize), logProb: 0,
      reward: reward, nextObservation: observation, terminated: false, truncated: false,
      state: PhysicalState(
        position: [Double](repeating: 0, count: space.positionSize),
        velocity: [Double](repeating: 0, count: space.velocitySize)))
  }
}
