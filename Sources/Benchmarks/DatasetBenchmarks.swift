import DenseMath
import Datasets
import Environments
import Foundation
import RLCore

/// Loading a D4RL file of one million hopper rows into the columns learners use.
///
/// The file is made once, in the system's temporary folder, and kept there for the next run; its
/// numbers are random, which deflate packs worse than a robot's, so loading real data is no slower.
enum DatasetBenchmarks {
  static let rows = 1_000_000
  static let block = 10_000

  static var file: String {
    FileManager.default.temporaryDirectory.appendingPathComponent("bred-benchmark-hopper-1m.hdf5")
      .path
  }

  static func load() throws -> BenchmarkCase {
    // Older versions left files whose successors contradict the following rows.
    if (try? D4RLDataset(contentsOf: file).transitions()) == nil {
      try? FileManager.default.removeItem(atPath: file)
      try make(file, rows: rows)
    }
    return BenchmarkCase(
      name: "dataset-load", iterations: 1,
      operation: { _ = try D4RLDataset(contentsOf: file).transitions() }, floor: nil)
  }

  /// - Parameter rows: a multiple of ``block``.
  static func make(_ file: String, rows: Int) throws {
    let specification = EnvironmentKind.hopper.specification
    var shape = D4RLShape(specification)
    (shape.positionSize, shape.velocitySize) = (0, 0)
    let writer = try D4RLWriter(
      creating: file, rows: rows, shape: shape, metadata: D4RLMetadata())
    for start in stride(from: 0, to: rows, by: block) {
      var stream = RandomStream(seed: 1, purpose: "benchmark/rows", step: UInt64(start))
      func values(_ columns: Int) -> [Float] {
        (0..<block * columns).map { _ in Float(stream.uniform(-1, 1)) }
      }
      var part = D4RLRows()
      part.observations = values(shape.observationSize)
      // Blocks end with episodes, whose last successor is nobody's observation.
      part.nextObservations = Array(
        part.observations.dropFirst(shape.observationSize)
          + part.observations.prefix(shape.observationSize))
      part.actions = values(shape.actionSize)
      part.rewards = values(1)
      part.terminals = [Bool](repeating: false, count: block)
      part.timeouts = (0..<block).map { ($0 + 1) % 1000 == 0 }
      part.actionLogProbs = values(1)
      try writer.append(part)
    }
    try writer.finish()
  }
}
