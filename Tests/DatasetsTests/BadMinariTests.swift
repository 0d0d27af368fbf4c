import Datasets
import DenseMath
import Foundation
import RLCore
import TestSupport
import Testing

/// Each fault of a Minari dataset gives one error that names file, field, expected and actual.
@Suite struct BadMinariTests {
  let folder = TemporaryDirectory()
  private var path: String { folder.file("minari") }

  private func error(_ change: (inout MinariFile) -> Void) throws -> String {
    var file = MinariFile()
    change(&file)
    try? FileManager.default.removeItem(atPath: path)
    try file.write(to: path)
    return try refusal()
  }

  private func refusal() throws -> String {
    let error = try #require(throws: DatasetError.self) {
      try MinariImport(MinariDataset(contentsOf: path)).write(to: folder.file("out.hdf5"))
    }
    #expect(error.description.hasPrefix(path))
    #expect(!folder.contents.contains("out.hdf5"))
    return error.description
  }

  @Test func aGoodOneIsRead() throws {
    try MinariFile().write(to: path)
    for given in [path, "\(path)/", "\(path)/data", "\(path)/data/main_data.hdf5"] {
      #expect(MinariDataset.isMinari(given))
      let dataset = try MinariDataset(contentsOf: given)
      #expect(dataset.steps == [4, 3, 5] && dataset.rows == 12)
      #expect(dataset.observationSize == 2 && dataset.actionSize == 1)
      #expect(dataset.metadata.texts["author"] == "A, B")
    }
    _ = try MinariImport(MinariDataset(contentsOf: path)).write(to: folder.file("out.hdf5"))
    let made = try D4RLDataset(contentsOf: folder.file("out.hdf5"))
    #expect(try made.terminals().indices.filter { try made.terminals()[$0] } == [3, 6, 11])
  }

  @Test func openEnds() throws {
    var file = MinariFile()
    file.episodes[0].terminates = false
    file.episodes[2].terminates = false
    try file.write(to: path)
    let report = try MinariImport(MinariDataset(contentsOf: path)).write(
      to: folder.file("out.hdf5"))
    #expect(report.notes.first?.hasPrefix("1 episodes") == true)
    let made = try D4RLDataset(contentsOf: folder.file("out.hdf5"))
    let timeouts = try made.timeouts(terminals: made.terminals())
    #expect(timeouts.indices.filter { timeouts[$0] } == [3])
  }

  @Test func missingMetadata() throws {
    try MinariFile().write(to: path)
    try FileManager.default.removeItem(atPath: "\(path)/data/metadata.json")
    #expect(try refusal().contains("data/metadata.json: cannot be read: a Minari dataset needs"))
  }

  @Test func missingData() throws {
    try MinariFile().write(to: path)
    try FileManager.default.removeItem(atPath: "\(path)/data/main_data.hdf5")
    #expect(try refusal().contains("main_data.hdf5: No such file"))
    try FileManager.default.removeItem(atPath: "\(path)/data")
    #expect(try refusal().contains("is not a Minari dataset"))
  }

  @Test func truncated() throws {
    try MinariFile().write(to: path)
    let url = URL(fileURLWithPath: "\(path)/data/main_data.hdf5")
    let whole = try Data(contentsOf: url)
    for length in stride(from: 0, to: whole.count, by: 701) {
      try whole.prefix(length).replaceFile(at: url.path)
      #expect(try refusal().contains("main_data.hdf5"))
    }
  }

  @Test(arguments: [
    "not JSON", "[]", "3", "{", "{\"dataset_id\": 7}",
    "{\"dataset_id\": \"a-v0\", \"total_episodes\": true, \"total_steps\": 1}",
    "{\"dataset_id\": \"a-v0\", \"total_episodes\": -1, \"total_steps\": 1}",
    "{\"dataset_id\": \"a-v0\", \"total_episodes\": 1e30, \"total_steps\": 1}",
    "{\"dataset_id\": \"a-v0\", \"total_episodes\": 3}",
  ])
  func impossibleMetadata(text: String) throws {
    try MinariFile().write(to: path)
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/data/metadata.json"))
    #expect(try refusal().contains("data/metadata.json: field '"))
  }

  @Test func otherKinds() throws {
    #expect(
      try error { $0.metadata["data_format"] = "arrow" }.contains("expected hdf5, found arrow"))
    #expect(
      try error { $0.metadata["observation_space"] = "{\"type\": \"Dict\", \"subspaces\": {}}" }
        .contains("'observation_space': expected a Box of one dimension, found Dict"))
    #expect(
      try error { $0.metadata["action_space"] = "{\"type\": \"Box\", \"shape\": [2, 3]}" }
        .contains("'action_space': expected a Box of one dimension, found a Box of 2 dimensions"))
  }

  @Test func missingEpisodes() throws {
    #expect(
      try error { $0.episodes[1].name = "episode_7" }
        .contains("'episode_1': expected a group (total_episodes is 3), found nothing"))
    #expect(
      try error { $0.metadata["total_episodes"] = 1_000_000_000_000 }
        .contains("'episode_3': expected a group"))
    #expect(
      try error { $0.metadata["total_episodes"] = 2 }
        .contains("'total_episodes': expected 2 as in metadata.json, found 3 groups"))
    #expect(try error { $0.metadata["total_episodes"] = 0 }.contains("expected at least one"))
  }

  @Test func disagreeingShapes() throws {
    #expect(
      try error { $0.episodes[1].observationSize = 3 }
        .contains("'episode_1/observations': expected shape [4, 2], found shape [4, 3]"))
    #expect(
      try error {
        $0.metadata["observation_space"] = nil
        $0.episodes[2].observationSize = 1
      }.contains("'episode_2/observations': expected shape [6, 2], found shape [6, 1]"))
    #expect(
      try error { $0.episodes[0].observationRows = 4 }
        .contains("'episode_0/observations': expected shape [5, 2], found shape [4, 2]"))
    #expect(
      try error { $0.episodes[0].rewards = 3 }
        .contains("'episode_0/rewards': expected shape [4], found shape [3]"))
    #expect(
      try error { $0.episodes[2].flags = 6 }
        .contains("'episode_2/terminations': expected shape [5], found shape [6]"))
  }

  @Test func disagreeingNumbers() throws {
    #expect(
      try error { $0.episodes[1].totalSteps = 9 }
        .contains("'episode_1/@total_steps': expected 3, found 9"))
    #expect(
      try error { $0.episodes[1].id = 0 }.contains("'episode_1/@id': expected 1, found 0"))
    #expect(
      try error { $0.metadata["total_steps"] = 13 }
        .contains("'total_steps': expected 13 as in metadata.json, found 12 steps"))
    var file = MinariFile()
    file.episodes[1].id = nil
    file.episodes[1].totalSteps = nil
    try? FileManager.default.removeItem(atPath: path)
    try file.write(to: path)
    #expect(try MinariDataset(contentsOf: path).rows == 12)
  }

  /// Where a D4RL file is expected, the error says what to do.
  @Test func insteadOfAD4RLFile() throws {
    try MinariFile().write(to: path)
    for given in [path, "\(path)/data/main_data.hdf5"] {
      let error = try #require(throws: DatasetError.self) { try D4RLDataset(contentsOf: given) }
      #expect(
        error.description
          == "\(given): this is a Minari dataset: convert it with: bred dataset convert \(given) "
          + "--output FILE.hdf5")
    }
  }

  /// Damage anywhere in what Minari's own collector wrote.
  @Test func mutated() throws {
    let source = Resources.fixture("datasets/minari").path
    try FileManager.default.copyItem(atPath: source, toPath: path)
    let url = URL(fileURLWithPath: "\(path)/data/main_data.hdf5")
    let whole = [UInt8](try Data(contentsOf: url))
    let output = folder.file("out.hdf5")
    var outcomes = [0, 0]
    let files = Resources.longTests ? 300 : 80
    for step in 0..<files {
      var generator = RandomStream(seed: 4, purpose: "mutate/minari", step: UInt64(step))
      try Data(HDF5Mutation.apply(to: whole, using: &generator)).replaceFile(at: url.path)
      do {
        _ = try MinariImport(MinariDataset(contentsOf: path)).write(to: output, replacing: true)
        #expect(try D4RLDataset(contentsOf: output).rows == 36)
        outcomes[0] += 1
      } catch {
        #expect(error.description.contains(path))
        outcomes[1] += 1
      }
    }
    #expect(outcomes[0] > files / 15 && outcomes[1] > files / 6)
  }
}
