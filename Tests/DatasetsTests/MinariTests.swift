import Datasets
import DenseMath
import Environments
import Foundation
import HDF5
import RLCore
import TestSupport
import Testing

/// From Minari to D4RL and back.
@Suite struct MinariTests {
  let folder = TemporaryDirectory()
  private let fixture = Resources.fixture("datasets/minari").path

  private func export(
    _ path: String, to name: String, repeating: Bool = false
  ) throws -> ConversionReport {
    try MinariExport(
      D4RLDataset(contentsOf: path), output: folder.file(name),
      repeatingFinalObservations: repeating
    ).write(to: folder.file(name), id: "bred/\(name)-v0")
  }

  private func bring(_ name: String, to file: String) throws -> ConversionReport {
    try MinariImport(MinariDataset(contentsOf: name)).write(to: folder.file(file))
  }

  /// Every column of both files, compared bit by bit.
  private func expectEqualColumns(_ one: String, _ two: String) throws {
    let (one, two) = (try D4RLDataset(contentsOf: one), try D4RLDataset(contentsOf: two))
    #expect(one.columns.map(\.name) == two.columns.map(\.name))
    #expect(one.columns.map(\.shape) == two.columns.map(\.shape))
    for column in one.columns {
      let (a, b) = (try one.file.dataset(column.name), try two.file.dataset(column.name))
      if column.type == .boolean {
        #expect(try a.readFlags() == b.readFlags(), "\(column.name)")
      } else {
        #expect(
          try a.read(Double.self).map(\.bitPattern) == b.read(Double.self).map(\.bitPattern),
          "\(column.name)")
      }
    }
  }

  private func specification(
    _ id: String, kwargs: String = "{}", wrappers: String = "[]", limit: String = "1000"
  ) -> String {
    "{\"id\": \"\(id)\", \"max_episode_steps\": \(limit), \"kwargs\": \(kwargs), "
      + "\"additional_wrappers\": \(wrappers)}"
  }

  /// Of the plain robots the version is found.
  @Test(arguments: [
    ("Hopper-v5", "{}", "hopper-v5"), ("Hopper-v4", "{}", "hopper"),
    ("Walker2d-v2", "{}", "walker2d"),
    ("HalfCheetah-v5", "{\"ctrl_cost_weight\": 0.1, \"render_mode\": \"human\"}", "halfcheetah-v5"),
    ("Hopper-v5", "{\"healthy_z_range\": [0.7, Infinity], \"frame_skip\": 4}", "hopper-v5"),
  ])
  func versions(id: String, kwargs: String, robot: String) throws {
    var file = MinariFile()
    file.metadata["env_spec"] = specification(id, kwargs: kwargs)
    try file.write(to: folder.file("plain"))
    let dataset = try MinariDataset(contentsOf: folder.file("plain"))
    #expect(dataset.environmentName == robot)
    #expect(dataset.metadata.differences == [])
    _ = try bring(folder.file("plain"), to: "plain.hdf5")
    #expect(try D4RLDataset(contentsOf: folder.file("plain.hdf5")).environmentName == robot)
  }

  /// Arguments, wrappers, time limits and versions that make another task are refused by name.
  @Test(arguments: [
    (
      "Hopper-v5", "{\"healthy_reward\": 2.0}", "[]", "1000", "its healthy_reward is 2.0 (here 1.0)"
    ),
    ("Hopper-v5", "{\"unheard_of\": true}", "[]", "1000", "its unheard_of is true"),
    ("Hopper-v4", "{}", "[{\"name\": \"RescaleAction\"}]", "1000", "the wrapper RescaleAction"),
    ("Hopper-v5", "{}", "[]", "500", "its time limit is 500 steps (here 1000)"),
    ("Hopper-v5", "{}", "[]", "null", "it has no time limit"),
    ("Hopper-v6", "{}", "[]", "1000", "its id is Hopper-v6"),
    ("MyHopper-v0", "{}", "[]", "1000", "its id is MyHopper-v0"),
  ])
  func otherTasksAreRefused(
    id: String, kwargs: String, wrappers: String, limit: String, difference: String
  ) throws {
    var file = MinariFile()
    file.metadata["env_spec"] = specification(id, kwargs: kwargs, wrappers: wrappers, limit: limit)
    let path = folder.file("other")
    try file.write(to: path)
    #expect {
      _ = try bring(path, to: "other.hdf5")
    } throws: { "\($0)".contains(difference) && "\($0)".contains("--as-plain-robot") }
    let report = try MinariImport(MinariDataset(contentsOf: path), asPlainRobot: true)
      .write(to: folder.file("other.hdf5"))
    #expect(report.notes.contains { $0.contains(difference) })
    let made = try D4RLDataset(contentsOf: folder.file("other.hdf5"))
    let summary = try DatasetSummary(made, specification: nil)
    #expect(summary.trainingWarnings.contains { $0.contains(difference) })
  }

  /// What Minari's own collector wrote, against what Minari itself reads from it.
  @Test func readsWhatMinariWrites() throws {
    let dataset = try MinariDataset(contentsOf: fixture)
    let episodes = JSON(fixture: "datasets/minari.json")["episodes"]
    let all = (0..<episodes.count).map { episodes[$0] }
    #expect(dataset.metadata.datasetID == "bred/hopper/fixture-v0")
    #expect(dataset.metadata.environmentID == "Hopper-v5")
    #expect(dataset.environmentName == "hopper-v5")
    #expect(dataset.steps == all.map { $0["steps"].int })
    #expect(dataset.leftOut == ["infos/x_position"])
    let report = try bring(fixture, to: "data.hdf5")
    #expect(report.rows == 36 && report.episodes == 3)
    #expect(report.notes == ["left out: infos/x_position"])

    let made = try D4RLDataset(contentsOf: folder.file("data.hdf5"))
    func column(_ name: String) throws -> [Double] { try made.file.dataset(name).read(Double.self) }
    func single(_ values: [Double]) -> [Double] { values.map { Double(Float($0)) } }
    #expect(
      try column("observations")
        == single(all.flatMap { $0["observations"].doubles.dropLast(11) }))
    #expect(
      try column("next_observations")
        == single(all.flatMap { $0["observations"].doubles.dropFirst(11) }))
    #expect(try column("actions") == single(all.flatMap { $0["actions"].doubles }))
    #expect(try column("rewards") == single(all.flatMap { $0["rewards"].doubles }))
    // JSON's numbers may be off by their last digit.
    for name in ["qpos", "qvel"] {
      let expected = all.flatMap { $0[name].doubles.dropLast(6) }
      let found = try column("infos/\(name)")
      #expect(found.count == expected.count)
      #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-14 }, "\(name)")
    }
    func rows(_ name: String) -> [Int] {
      all.flatMap { $0[name].doubles }.enumerated().filter { $1 == 1 }.map(\.offset)
    }
    let terminals = try made.terminals()
    let timeouts = try made.timeouts(terminals: terminals)
    #expect(terminals.indices.filter { terminals[$0] } == rows("terminations"))
    #expect(timeouts.indices.filter { timeouts[$0] } == rows("truncations"))
    #expect(rows("terminations") == [23] && rows("truncations") == [11, 35])
    let metadata = Dictionary(uniqueKeysWithValues: made.metadata.map { ($0.name, $0.value) })
    #expect(metadata["environment"] == "hopper-v5")
    try made.check(against: EnvironmentKind.hopperV5.specification)
    #expect(throws: DatasetError.self) {
      try made.check(against: EnvironmentKind.hopper.specification)
    }
    #expect(metadata["algorithm"] == "random")
    #expect(metadata["author"] == "BRED")
    #expect(metadata["minari_dataset_id"] == "bred/hopper/fixture-v0")
    // The stored states lead to the stored successors: nothing is shifted by a row.
    let verified = try DatasetVerification(made, in: .hopperV5, pool: WorkerPool(threads: 1))
    #expect(verified.checked == 36 && verified.medianObservationError < 1e-4)
    // Another version's reward would be off by 1 where the robot falls.
    #expect(verified.terminalMismatches == 0 && verified.maxRewardError < 0.5)
  }

  @Test func thereAndBack() throws {
    let source = Resources.fixture("datasets/d4rl-v2.hdf5").path
    let report = try export(source, to: "minari")
    #expect(report.episodes == 4 && report.rows == 60 && report.notes == [])
    let dataset = try MinariDataset(contentsOf: folder.file("minari"))
    #expect(dataset.steps == [20, 15, 22, 3])
    #expect(dataset.leftOut == [])
    _ = try bring(folder.file("minari"), to: "back.hdf5")
    try expectEqualColumns(source, folder.file("back.hdf5"))
    let (one, two) = (
      try D4RLDataset(contentsOf: source), try D4RLDataset(contentsOf: folder.file("back.hdf5"))
    )
    #expect(try one.storedPolicy() == two.storedPolicy())
    for (name, value) in one.metadata {
      #expect(two.metadata.first { $0.name == name }?.value == value, "\(name)")
    }
    #expect(try two.file.dataset("metadata/iteration").read(Int64.self) == [400])
  }

  @Test func collectedThereAndBack() throws {
    let source = folder.file("source.hdf5")
    _ = try DatasetCollector(environment: .hopper, seed: 5, steps: 400).collect(
      UniformPolicyFixture.hopper, to: source, metadata: D4RLMetadata(),
      pool: WorkerPool(threads: 2))
    for name in ["one", "two"] { _ = try export(source, to: name) }
    for file in ["main_data.hdf5", "metadata.json"] {
      let contents = ["one", "two"].map {
        FileManager.default.contents(atPath: folder.file("\($0)/data/\(file)"))
      }
      if file.hasSuffix("hdf5") { #expect(contents[0] == contents[1]) }
      #expect(contents[0] != nil)
    }
    _ = try bring(folder.file("one"), to: "back.hdf5")
    try expectEqualColumns(source, folder.file("back.hdf5"))
    #expect(folder.contents == ["back.hdf5", "one", "source.hdf5", "two"])
  }

  /// Infos have one row more than actions; D4RL does not know it.
  @Test func lastInfosAreNotNumbers() throws {
    _ = try export(Resources.fixture("datasets/d4rl-v2.hdf5").path, to: "minari")
    let file = try HDF5File(reading: folder.file("minari/data/main_data.hdf5"))
    let positions = try file.dataset("episode_1/infos/qpos")
    #expect(positions.shape == [16, 6])
    let values = try positions.read(Double.self)
    #expect(values.dropLast(6).allSatisfy(\.isFinite) && values.suffix(6).allSatisfy(\.isNaN))
    #expect(try file.dataset("episode_1/infos/action_log_probs").shape == [16])
    #expect(
      try file.attributes(of: "episode_1") == ["id": .integer(1), "total_steps": .integer(15)])
  }

  @Test func filesWithoutNextObservations() throws {
    let source = folder.file("v0.hdf5")
    try DatasetFile.write(DatasetFile.columns(rows: 30), to: source)
    let refusal = try #require(throws: DatasetError.self) { try export(source, to: "minari") }
    #expect(refusal.description.contains("--repeat-final-observations"))
    #expect(folder.contents == ["v0.hdf5"])
    let report = try export(source, to: "minari", repeating: true)
    #expect(report.notes.contains { $0.contains("stands twice") })
    let observations = try HDF5File(reading: folder.file("minari/data/main_data.hdf5"))
      .dataset("episode_0/observations").read(Float.self)
    #expect(observations == (0..<20).map { Float($0) } + [18, 19])
    _ = try bring(folder.file("minari"), to: "back.hdf5")
    try expectEqualColumns(source, folder.file("back.hdf5"))
  }

  /// Rows that do not continue one another cannot be in one episode.
  @Test func seams() throws {
    var columns = DatasetFile.columns(rows: 30)
    var next = (0..<60).map { Float($0 + 2) }
    next[2 * 14] = -1
    columns["next_observations"] = .floats(next, [30, 2])
    try DatasetFile.write(columns, to: folder.file("data.hdf5"))
    let report = try export(folder.file("data.hdf5"), to: "minari")
    #expect(report.episodes == 4)
    #expect(report.notes.contains { $0.hasPrefix("in 1 rows next_observations") })
    _ = try bring(folder.file("minari"), to: "back.hdf5")
    let back = try D4RLDataset(contentsOf: folder.file("back.hdf5"))
    let timeouts = try back.timeouts(terminals: back.terminals())
    #expect(timeouts.indices.filter { timeouts[$0] } == [14])
    #expect(try back.file.dataset("next_observations").read(Float.self) == next)
  }

  @Test func identifiers() {
    for id in ["mujoco/hopper/medium-v0", "a-v12", "D4RL/door/human-v2", "x_y/z-v1-v2"] {
      #expect(MinariMetadata.isValid(id: id), "\(id)")
    }
    for id in [
      "", "hopper", "a/-v0", "-v0", "a-v", "/a-v0", "a//b-v0", "a b-v0", "ä-v0", "../a-v0",
    ] {
      #expect(!MinariMetadata.isValid(id: id), "\(id)")
    }
    #expect(MinariExport.defaultID(for: "x/hopper_medium-v2.hdf5") == "d4rl/hopper/medium-v2")
    #expect(MinariExport.defaultID(for: "walker_mixed.hdf5") == "d4rl/walker2d/medium-replay-v0")
    #expect(MinariExport.defaultID(for: "mine.hdf5") == "bred/mine-v0")
  }

  @Test func existingFoldersStay() throws {
    let source = Resources.fixture("datasets/d4rl-v2.hdf5").path
    _ = try export(source, to: "minari")
    #expect(throws: DatasetError.exists(file: folder.file("minari"))) {
      try export(source, to: "minari")
    }
    // Not even with force, where it is something else.
    try FileManager.default.createDirectory(
      atPath: folder.file("thesis"), withIntermediateDirectories: true)
    let refusal = try #require(throws: DatasetError.self) {
      try MinariExport(D4RLDataset(contentsOf: source), output: "x").write(
        to: folder.file("thesis"), id: "a-v0", replacing: true)
    }
    #expect(refusal.description.contains("not a Minari dataset"))
    _ = try MinariExport(D4RLDataset(contentsOf: source), output: "x").write(
      to: folder.file("minari"), id: "other-v3", replacing: true)
    #expect(
      try MinariDataset(contentsOf: folder.file("minari")).metadata.datasetID == "other-v3")
    #expect(folder.contents == ["minari", "thesis"])
  }
}
