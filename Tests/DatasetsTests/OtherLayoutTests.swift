import Datasets
import Foundation
import HDF5
import RLCore
import TestSupport
import Testing

/// Files that other programs laid out.
@Suite struct OtherLayoutTests {
  let folder = TemporaryDirectory()

  /// d3rlpy 1 marks every end in `episode_terminals`, whatever the reason.
  @Test func episodeTerminals() throws {
    let path = folder.file("data.hdf5")
    var columns = DatasetFile.columns(rows: 30)
    columns["timeouts"] = nil
    columns["terminals"] = .floats((0..<30).map { $0 == 9 || $0 == 29 ? 1 : 0 }, [30])
    columns["episode_terminals"] = .floats((0..<30).map { $0 % 10 == 9 ? 1 : 0 }, [30])
    try DatasetFile.write(columns, to: path)
    let dataset = try D4RLDataset(contentsOf: path)
    #expect(dataset.hasTimeouts)
    let transitions = try dataset.transitions()
    // Row 19 is a time-out, row 29 the last.
    #expect(transitions.count == 28)
    #expect(transitions.terminated.filter { $0 }.count == 1)
    let summary = try DatasetSummary(dataset, specification: nil)
    #expect(summary.episodes == 3 && summary.completeEpisodes == 3)
    #expect(summary.terminals == 2 && summary.timeouts == 1 && summary.transitions == 28)
    #expect(summary.warnings.contains { $0.contains("episode_terminals (d3rlpy 1)") })

    // A rearranged file has D4RL's columns.
    let output = folder.file("sliced.hdf5")
    try DatasetAssembly([.init(dataset, rows: 0..<30)], output: output)
      .write(to: output, command: "test")
    let sliced = try HDF5File(reading: output).dataset("timeouts").readFlags()
    #expect(sliced == (0..<30).map { $0 == 19 })

    columns["episode_terminals"] = .floats([0, 1], [2])
    try FileManager.default.removeItem(atPath: path)
    try DatasetFile.write(columns, to: path)
    #expect(
      try #require(throws: DatasetError.self) { try D4RLDataset(contentsOf: path) }
        == .mismatch(
          file: path, field: "episode_terminals", expected: "shape [30]", actual: "shape [2]"))
  }

  @Test(arguments: [
    ("d3rlpy2.hdf5", "this is d3rlpy 2's layout", "observations_2 [5, 11]"),
    ("robomimic.hdf5", "this is robomimic's layout", "data/demo_1/obs/object [5, 10]"),
    ("minari/data/main_data.hdf5", "this is Minari's layout", "episode_0/actions [12, 3]"),
  ])
  func named(name: String, layout: String, array: String) throws {
    // Where nothing but the contents can tell.
    let path = folder.file("data.hdf5")
    try FileManager.default.copyItem(
      at: Resources.fixture("datasets/\(name)"), to: URL(fileURLWithPath: path))
    let error = try #require(throws: DatasetError.self) { try D4RLDataset(contentsOf: path) }
    #expect(error.description.hasPrefix("\(path): \(layout)"))
    #expect(error.description.contains(array), "\(error)")
    #expect(error.description.contains("(observations, actions, rewards, terminals)"))
  }

  @Test func dones() throws {
    let path = folder.file("data.hdf5")
    var columns = DatasetFile.columns(rows: 30)
    columns["dones"] = columns["terminals"]
    columns["terminals"] = nil
    try DatasetFile.write(columns, to: path)
    let error = try #require(throws: DatasetError.self) { try D4RLDataset(contentsOf: path) }
    #expect(error.description.contains("'dones', which does not tell terminals from time-outs"))
    #expect(error.description.contains("actions [30, 1], dones [30], observations [30, 2]"))
  }

  @Test func unknown() throws {
    let path = folder.file("data.hdf5")
    try DatasetFile.write(["weights": .floats([1, 2], [2])], to: path)
    let error = try #require(throws: DatasetError.self) { try D4RLDataset(contentsOf: path) }
    #expect(error.description.contains("this is an unknown layout"))
    #expect(error.description.hasSuffix("the file holds weights [2]"))
  }

  /// Small files that other people's reports led to, where they are at hand.
  @Test(
    .enabled(if: Resources.shared("cases/plain.hdf5") != nil, "the shared cases are not at hand"),
    arguments: [
      ("plain", 3, 58), ("userblock", 3, 58), ("d3rlpy_v1", 3, 58), ("unwritten_contiguous", 2, 59),
      ("unwritten_chunked", 2, 59),
    ])
  func cases(name: String, episodes: Int, transitions: Int) throws {
    let path = try #require(Resources.shared("cases/\(name).hdf5")).path
    let dataset = try D4RLDataset(contentsOf: path)
    #expect(try dataset.transitions().count == transitions)
    #expect(try DatasetSummary(dataset, specification: nil).episodes == episodes)
    if name.hasPrefix("unwritten") {
      let timeouts = try HDF5File(reading: path).dataset("timeouts").readFlags()
      #expect(timeouts == [Bool](repeating: false, count: 60))
    }
  }

  /// What stands beside the columns and cannot be read is left out, and said so.
  @Test func besideTheColumns() throws {
    let dataset = try D4RLDataset(
      contentsOf: Resources.fixture("datasets/beside.hdf5").path)
    #expect(try dataset.transitions().count == 28)
    let warnings = try DatasetSummary(dataset, specification: nil).warnings
    for words in [
      "log is left out: is a link to another file, which is not followed",
      "latest is left out: is a soft link to nothing in this file",
      "flag is left out: is a named type, not a dataset",
      "infos/image is left out: has more than 2 dimensions, which is not supported",
    ] { #expect(warnings.contains(words), "\(words) is not among \(warnings)") }
    // What is wanted is not left out silently.
    let error = try #require(throws: DatasetError.self) {
      try D4RLDataset(contentsOf: Resources.fixture("datasets/outside.hdf5").path)
    }
    #expect(error.description.contains("rewards: is a link to another file"))
  }
}
