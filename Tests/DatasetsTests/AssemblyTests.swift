import Datasets
import DenseMath
import Environments
import Foundation
import HDF5
import RLCore
import TestSupport
import Testing

@Suite struct AssemblyTests {
  let folder = TemporaryDirectory()

  private func collected(_ name: String, seed: UInt64, steps: Int) throws -> D4RLDataset {
    let path = folder.file(name)
    _ = try DatasetCollector(environment: .hopper, seed: seed, steps: steps).collect(
      UniformPolicyFixture.hopper, to: path, metadata: D4RLMetadata(),
      pool: WorkerPool(threads: 1))
    return try D4RLDataset(contentsOf: path)
  }

  private func values(_ path: String, _ name: String) throws -> [Float] {
    try HDF5File(reading: path).dataset(name).read(Float.self)
  }

  private func flags(_ path: String, _ name: String) throws -> [Bool] {
    try HDF5File(reading: path).dataset(name).readFlags()
  }

  /// D4RL's rule: cut the first after its last complete episode, append the second, cut the whole.
  @Test func stitch() throws {
    let first = try collected("first.hdf5", seed: 1, steps: 150)
    let second = try collected("second.hdf5", seed: 2, steps: 130)
    let terminals = try flags(first.path, "terminals")
    let end = try #require(terminals.lastIndex(of: true)) + 1
    #expect(end < 150)
    let output = folder.file("both.hdf5")
    let assembly = try DatasetAssembly.stitching(first, second, rows: 200, output: output)
    try assembly.write(to: output, command: "test")
    #expect(assembly.rows == 200)
    let expected =
      try values(first.path, "rewards").prefix(end)
      + values(second.path, "rewards").prefix(200 - end)
    #expect(try values(output, "rewards") == Array(expected))
    #expect(try flags(output, "timeouts").allSatisfy { !$0 })
    let uncut = try DatasetAssembly.stitching(first, second, output: output)
    #expect(uncut.rows == end + 130)
  }

  /// Where a file ends within an episode, nothing may seem to follow its last row.
  @Test func mergeKeepsPiecesApart() throws {
    let first = try collected("first.hdf5", seed: 1, steps: 150)
    let second = try collected("second.hdf5", seed: 2, steps: 130)
    let output = folder.file("both.hdf5")
    try DatasetAssembly(
      [.init(first, rows: 0..<150), .init(second, rows: 0..<130)], output: output
    ).write(to: output, command: "test")
    #expect(
      try values(output, "observations")
        == values(first.path, "observations") + values(second.path, "observations"))
    let timeouts = try flags(output, "timeouts")
    #expect(timeouts.indices.filter { timeouts[$0] } == [149])
    let summary = try DatasetSummary(
      D4RLDataset(contentsOf: output), specification: EnvironmentKind.hopper.specification)
    #expect(!summary.warnings.contains { $0.contains("inside an episode") })
  }

  @Test func slice() throws {
    let source = try collected("data.hdf5", seed: 1, steps: 400)
    let all = try DatasetSummary(source, specification: nil).episodeList
    let longest = all.map(\.length).max()!
    let output = folder.file("slice.hdf5")
    try DatasetAssembly.slicing(source, output: output) { $1.length == longest || $0 == 0 }
      .write(to: output, command: "test")
    let kept = try DatasetSummary(D4RLDataset(contentsOf: output), specification: nil).episodeList
    let expected = all.enumerated().filter { $0 == 0 || $1.length == longest }.map(\.element)
    #expect(kept.map(\.returnValue) == expected.map(\.returnValue))
    #expect(kept.map(\.length) == expected.map(\.length))
    let error = try #require(throws: DatasetError.self) {
      _ = try DatasetAssembly.slicing(source, output: output) { _, _ in false }
    }
    #expect(error.description.contains("expected at least one"))
  }

  /// What only some of the files have cannot be kept, and that is said.
  @Test func mergeAndStitchSayWhatTheyDrop() throws {
    let first = try collected("first.hdf5", seed: 1, steps: 150)
    var columns: [String: DatasetFile.Values] = [:]
    for name in ["observations", "actions", "rewards"] {
      let array = try first.file.dataset(name)
      columns[name] = .floats(try array.read(Float.self), array.shape)
    }
    columns["terminals"] = .flags(try first.terminals())
    let path = folder.file("hopper-v0.hdf5")
    try DatasetFile.write(columns, to: path)
    let old = try D4RLDataset(contentsOf: path)
    let output = folder.file("both.hdf5")
    for assembly in [
      try DatasetAssembly(
        [.init(first, rows: 0..<150), .init(old, rows: 0..<150)], output: output),
      try DatasetAssembly.stitching(old, first, output: output),
    ] {
      #expect(assembly.notes.count == 3)
      #expect(assembly.notes[0].hasPrefix("next_observations left out: \(path) has none"))
    }
    let alike = try DatasetAssembly.stitching(first, first, output: output)
    #expect(alike.notes.isEmpty)
  }

  @Test func relabel() throws {
    let source = try collected("data.hdf5", seed: 1, steps: 100)
    let output = folder.file("new.hdf5")
    let pool = WorkerPool(threads: 2)
    defer { pool.shutDown() }
    let rewards = try DatasetAssembly.simulatedRewards(.hopper, pool: pool, file: source.path)
    try DatasetAssembly([.init(source, rows: 0..<100)], output: output)
      .write(to: output, command: "test") { (rows) throws(DatasetError) in
        var changed = rows
        changed.rewards = changed.rewards.map { _ in 0 }
        return try rewards(changed)
      }
    let (new, old) = try (values(output, "rewards"), values(source.path, "rewards"))
    #expect(normalizedError(new, old) < 1e-5)
    let alone = WorkerPool(threads: 1)
    try DatasetAssembly([.init(source, rows: 0..<100)], output: folder.file("alone.hdf5")).write(
      to: folder.file("alone.hdf5"), command: "test",
      rewards: DatasetAssembly.simulatedRewards(.hopper, pool: alone, file: source.path))
    #expect(
      FileManager.default.contents(atPath: output)
        == FileManager.default.contents(atPath: folder.file("alone.hdf5")))
  }

  @Test func foreignFilesAreRefused() throws {
    let source = try collected("data.hdf5", seed: 1, steps: 50)
    let other = folder.file("other.hdf5")
    try DatasetFile.write(DatasetFile.columns(rows: 20), to: other)
    let error = try #require(throws: DatasetError.self) {
      _ = try DatasetAssembly(
        [.init(source, rows: 0..<50), .init(D4RLDataset(contentsOf: other), rows: 0..<20)],
        output: folder.file("both.hdf5"))
    }
    #expect(error.description.contains("2 columns") && error.description.contains(other))
  }
}
