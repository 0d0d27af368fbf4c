import Datasets
import DenseMath
import Environments
import Foundation
import HDF5
import RLCore
import TestSupport
import Testing

enum UniformPolicyFixture {
  static let hopper = UniformPolicy(observationSize: 11, actionSize: 3)
}

@Suite struct CollectionTests {
  let folder = TemporaryDirectory()

  private func collect(_ name: String, threads: Int, steps: Int = 400) throws -> String {
    let path = folder.file(name)
    let pool = WorkerPool(threads: threads)
    defer { pool.shutDown() }
    let report = try DatasetCollector(environment: .hopper, seed: 5, steps: steps).collect(
      UniformPolicyFixture.hopper, to: path, metadata: D4RLMetadata(), pool: pool)
    #expect(report.rows == steps)
    return path
  }

  @Test func sameBytesForAnyNumberOfThreads() throws {
    let one = try Data(contentsOf: URL(fileURLWithPath: collect("one.hdf5", threads: 1)))
    let three = try Data(contentsOf: URL(fileURLWithPath: collect("three.hdf5", threads: 3)))
    #expect(one == three)
    #expect(folder.contents == ["one.hdf5", "three.hdf5"])
  }

  @Test func recipe() throws {
    let dataset = try D4RLDataset(contentsOf: collect("data.hdf5", threads: 2))
    #expect(dataset.rows == 400)
    #expect(dataset.version == .v2)
    #expect(dataset.metadata.first { $0.name == "environment" }?.value == "hopper")
    #expect(dataset.metadata.first { $0.name == "seed" }?.value == "5")
    let summary = try DatasetSummary(
      dataset, specification: EnvironmentKind.hopper.specification)
    #expect(summary.terminals > 5 && summary.timeouts == 0)
    // Nothing odd except that the last episode is cut.
    #expect(summary.warnings.allSatisfy { $0.contains("last episode is cut") })
    let logProbs = try HDF5File(reading: dataset.path).dataset("infos/action_log_probs")
      .read(Float.self)
    #expect(logProbs.allSatisfy { abs($0 + 3 * Float(log(2.0))) < 1e-5 })
  }

  @Test func episodesAreReadOneByOne() throws {
    let dataset = try D4RLDataset(contentsOf: collect("data.hdf5", threads: 2))
    let hopper = EnvironmentKind.hopper.specification
    let list = try DatasetSummary(dataset, specification: hopper).episodeList
    let episodes = try dataset.episodes(0..<list.count, of: hopper)
    for (episode, record) in zip(episodes, list) {
      #expect(episode.rewards.count == record.length && episode.states.count == record.length)
      #expect(abs(episode.rewards.reduce(0, +) - record.returnValue) < 1e-6)
      #expect(episode.terminal == record.terminal && episode.timeout == record.timeout)
    }
    let positions = try HDF5File(reading: dataset.path).dataset("infos/qpos").read(Double.self)
    let first = list[2].firstRow
    #expect(
      episodes[2].states[0].position == Array(positions[6 * first..<6 * (first + 1)]))
    #expect(try dataset.episodes(2..<4, of: hopper) == Array(episodes[2..<4]))
    for range in [list.count..<list.count + 1, -1..<1] {
      let error = #expect(throws: DatasetError.self) { try dataset.episodes(range, of: hopper) }
      #expect(
        error?.description.contains("expected numbers from 0 to \(list.count - 1)") == true)
    }
    #expect(throws: DatasetError.self) {
      try dataset.episodes(0..<1, of: EnvironmentKind.walker2d.specification)
    }
  }

  /// The states stored before each step lead to the stored successors.
  @Test func verifies() throws {
    let dataset = try D4RLDataset(contentsOf: collect("data.hdf5", threads: 2))
    let result = try DatasetVerification(dataset, in: .hopper, pool: WorkerPool(threads: 2))
    #expect(result.checked == 400)
    #expect(result.maxObservationError < 1e-4)
    #expect(result.maxRewardError < 1e-4)
    #expect(result.terminalMismatches == 0)
  }

  @Test func verificationDoesNotDependOnThreads() throws {
    let dataset = try D4RLDataset(contentsOf: collect("data.hdf5", threads: 2, steps: 1200))
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let results = try [1, 3].map { threads in
      let pool = WorkerPool(threads: threads)
      defer { pool.shutDown() }
      return try encoder.encode(DatasetVerification(dataset, in: .hopper, pool: pool))
    }
    #expect(results[0] == results[1])
  }

  /// Log-probabilities of another policy than the stored one are noticed, and a single wrong one.
  @Test func logProbabilities() throws {
    let dataset = try D4RLDataset(contentsOf: collect("data.hdf5", threads: 1))
    let uniform = -3 * Float(log(2.0))
    func verify(_ change: (Int) -> Float) throws -> DatasetVerification {
      var row = 0
      return try withoutActuallyEscaping(change) { change in
        try DatasetVerification(dataset, in: .hopper, pool: WorkerPool(threads: 1)) {
          actions, observations in
          #expect(actions.columns == 3 && observations.columns == 11)
          defer { row += actions.rows }
          return (0..<actions.rows).map { uniform + change(row + $0) }
        }
      }
    }
    let right = try verify { _ in 0 }
    #expect(right.logProbsChecked > 390 && right.maxLogProbError < 1e-5)
    #expect(!right.remarks.contains { $0.contains("action_log_probs") })
    let one = try verify { $0 == 123 ? 0.5 : 0 }
    #expect(one.worstLogProbRow == 123 && abs(one.maxLogProbError - 0.5) < 1e-5)
    #expect(one.remarks.contains { $0.contains("row 123") })
    for other in [Float(0.5), .nan] {
      let remarks = try verify { _ in other }.remarks
      #expect(remarks.contains { $0.contains("another policy chose the actions") })
    }
  }

  /// A collected file, changed and written anew.
  private func verify(
    _ change: (inout [Float], inout [Bool], inout [Bool]) -> Void
  ) throws -> DatasetVerification {
    let source = try HDF5File(reading: collect("data.hdf5", threads: 2))
    var columns: [String: DatasetFile.Values] = [:]
    for name in ["observations", "actions", "next_observations"] {
      let array = try source.dataset(name)
      columns[name] = .floats(try array.read(Float.self), array.shape)
    }
    for name in ["infos/qpos", "infos/qvel"] {
      let array = try source.dataset(name)
      columns[name] = .doubles(try array.read(Double.self), array.shape)
    }
    var rewards = try source.dataset("rewards").read(Float.self)
    var terminals = try source.dataset("terminals").readFlags()
    var timeouts = [Bool](repeating: false, count: 400)
    change(&rewards, &terminals, &timeouts)
    columns["rewards"] = .floats(rewards, [400])
    columns["terminals"] = .flags(terminals)
    columns["timeouts"] = .flags(timeouts)
    let path = folder.file("false.hdf5")
    try DatasetFile.write(columns, to: path)
    return try DatasetVerification(
      D4RLDataset(contentsOf: path), in: .hopper, pool: WorkerPool(threads: 1))
  }

  @Test func falsifiedFileIsFoundOut() throws {
    let result = try verify { rewards, terminals, _ in
      rewards[77] += 2
      terminals[100].toggle()
    }
    #expect(result.worstRewardRow == 77)
    #expect(abs(result.maxRewardError - 2) < 1e-3)
    #expect(result.terminalMismatches == 1)
  }

  /// D4RL leaves `terminals` clear where a robot falls at the time limit.
  @Test func aFallAtTheTimeLimitIsNoMismatch() throws {
    let result = try verify { _, terminals, timeouts in
      let row = terminals.firstIndex(of: true)!
      (terminals[row], timeouts[row]) = (false, true)
    }
    #expect(result.terminalMismatches == 0)
  }

  @Test func theMedianOfAnEvenNumberLiesBetween() throws {
    let result = try verify { rewards, _, _ in for row in 0..<200 { rewards[row] += 2 } }
    #expect(result.checked == 400)
    #expect(abs(result.medianRewardError - 1) < 1e-3)
  }

  @Test func existingFileIsLeftAlone() throws {
    let path = folder.file("data.hdf5")
    try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
    let error = try #require(throws: DatasetError.self) {
      _ = try DatasetCollector(environment: .hopper, seed: 5, steps: 10).collect(
        UniformPolicyFixture.hopper, to: path, metadata: D4RLMetadata(),
        pool: WorkerPool(threads: 1))
    }
    #expect(error == .exists(file: path))
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("precious".utf8))
    #expect(folder.contents == ["data.hdf5"])
  }

  @Test func unwritableFolder() throws {
    let path = folder.file("none/data.hdf5")
    #expect(throws: DatasetError.self) {
      _ = try DatasetCollector(environment: .hopper, seed: 5, steps: 10).collect(
        UniformPolicyFixture.hopper, to: path, metadata: D4RLMetadata(),
        pool: WorkerPool(threads: 1))
    }
  }
}
