import Datasets
import DenseMath
import Environments
import Foundation
import RLCore
import TestSupport
import Testing

/// Each fault of a file gives one error that names file, field, expected and actual.
@Suite struct BadDatasetTests {
  let folder = TemporaryDirectory()
  var path: String { folder.file("data.hdf5") }

  private func error(
    _ change: (inout [String: DatasetFile.Values]) -> Void
  ) throws -> DatasetError {
    var columns = DatasetFile.columns(rows: 30)
    change(&columns)
    try? FileManager.default.removeItem(atPath: path)
    try DatasetFile.write(columns, to: path)
    return try #require(throws: DatasetError.self) {
      _ = try D4RLDataset(contentsOf: path).transitions()
    }
  }

  @Test func correctFileIsRead() throws {
    try DatasetFile.write(DatasetFile.columns(rows: 30), to: path)
    let transitions = try D4RLDataset(contentsOf: path).transitions()
    #expect(transitions.count == 29)
    #expect(transitions.terminated.filter { $0 }.count == 2)
  }

  @Test(arguments: ["observations", "actions", "rewards", "terminals"])
  func missingField(name: String) throws {
    #expect(try error { $0[name] = nil } == .missing(file: path, field: name))
  }

  @Test func wrongShapes() throws {
    #expect(
      try error { $0["rewards"] = .floats([1, 2, 3], [3]) }
        == .mismatch(
          file: path, field: "rewards", expected: "shape [30]", actual: "shape [3]"))
    #expect(
      try error { $0["actions"] = .floats([Float](repeating: 0, count: 30), [30]) }
        == .mismatch(
          file: path, field: "actions", expected: "shape [30, columns]", actual: "shape [30]"))
    #expect(
      try error { $0["next_observations"] = .floats([Float](repeating: 0, count: 90), [30, 3]) }
        == .mismatch(
          file: path, field: "next_observations", expected: "shape [30, 2]",
          actual: "shape [30, 3]"))
    #expect(
      try error { $0["timeouts"] = .flags([true, false]) }
        == .mismatch(
          file: path, field: "timeouts", expected: "shape [30]", actual: "shape [2]"))
  }

  @Test func wrongTypes() throws {
    #expect(
      try error { $0["rewards"] = .flags([Bool](repeating: true, count: 30)) }
        == .mismatch(
          file: path, field: "rewards", expected: "numbers", actual: "bool"))
    let numbers = [Float](repeating: 0.5, count: 30)
    let text = try error { $0["terminals"] = .floats(numbers, [30]) }.description
    #expect(text.contains("terminals") && text.contains("row 0"))
  }

  @Test func notFinite() throws {
    var observations = (0..<60).map { Float($0) }
    observations[35] = .nan
    let caught = try error { $0["observations"] = .floats(observations, [30, 2]) }
    #expect(
      caught.description
        == "\(path): field 'observations': row 17, column 1 is nan, expected a finite number")
    var rewards = [Float](repeating: 0, count: 30)
    rewards[4] = .infinity
    #expect(
      try error { $0["rewards"] = .floats(rewards, [30]) }
        == .notFinite(
          file: path, field: "rewards", row: 4, column: 0, value: .infinity))
  }

  @Test func olderLayouts() throws {
    // v1 medium-replay: float64, (n, 1) rewards, flags as numbers.
    var columns = DatasetFile.columns(rows: 30)
    columns["rewards"] = .doubles((0..<30).map { Double($0) }, [30, 1])
    columns["terminals"] = .doubles((0..<30).map { $0 == 12 ? 1 : 0 }, [30])
    columns["timeouts"] = .doubles((0..<30).map { $0 == 20 ? 1 : 0 }, [30])
    try DatasetFile.write(columns, to: path)
    let transitions = try D4RLDataset(contentsOf: path).transitions()
    #expect(transitions.count == 28)
    #expect(transitions.rewards[20] == 21)
    #expect(transitions.terminated[12])
  }

  /// Without `timeouts`, the row at which the count of steps equals 999 is one.
  @Test func countedTimeouts() throws {
    let rows = 2500
    var columns: [String: DatasetFile.Values] = [
      "observations": .floats((0..<rows).map { Float($0) }, [rows, 1]),
      "actions": .floats([Float](repeating: 0, count: rows), [rows, 1]),
      "rewards": .floats([Float](repeating: 1, count: rows), [rows]),
    ]
    columns["terminals"] = .flags((0..<rows).map { $0 == 1099 })
    try DatasetFile.write(columns, to: path)
    let dataset = try D4RLDataset(contentsOf: path)
    #expect(dataset.version == .v0)
    let transitions = try dataset.transitions()
    let expected = (0..<2499).filter { $0 != 999 && $0 != 2099 }
    #expect(transitions.observations.elements == expected.map { Float($0) })
    let summary = try DatasetSummary(dataset, specification: nil)
    #expect(summary.timeouts == 2)
    #expect(summary.transitions == 2497)
    #expect(summary.warnings.contains { $0.contains("no timeouts column") })
  }

  @Test func extraColumns() throws {
    var columns = DatasetFile.columns(rows: 30)
    columns["infos/goal"] = .floats([1, 2, 3], [3])
    try DatasetFile.write(columns, to: path)
    let dataset = try D4RLDataset(contentsOf: path)
    #expect(dataset.column("infos/goal")?.shape == [3])
    #expect(try dataset.transitions().count == 29)
    #expect(
      try error { $0["infos/qpos"] = .doubles([1, 2, 3], [3, 1]) }
        == .mismatch(
          file: path, field: "infos/qpos", expected: "shape [30, columns]", actual: "shape [3, 1]"))
    #expect(
      try error { $0["infos/action_log_probs"] = .floats([1, 2, 3], [3]) }
        == .mismatch(
          file: path, field: "infos/action_log_probs", expected: "shape [30]", actual: "shape [3]"))
  }

  @Test func shrinksWhileItIsRead() throws {
    try DatasetFile.write(DatasetFile.columns(rows: 3000), to: path)
    let dataset = try D4RLDataset(contentsOf: path)
    truncate(path, 2048)
    for read in [
      { _ = try DatasetSummary(dataset, specification: nil) }, { _ = try dataset.transitions() },
    ] {
      let error = try #require(throws: DatasetError.self) { try read() }
      #expect(error.description.contains("became shorter"), "\(error)")
    }
  }

  private func collected() throws -> [UInt8] {
    let source = folder.file("whole.hdf5")
    _ = try DatasetCollector(environment: .hopper, seed: 1, steps: 120).collect(
      UniformPolicyFixture.hopper, to: source, metadata: D4RLMetadata(),
      pool: WorkerPool(threads: 1))
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: source)))
  }

  /// Damage anywhere in a file that this package wrote.
  @Test func mutated() throws {
    let whole = try collected()
    var outcomes = [0, 0]
    let files = Resources.longTests ? 800 : 80
    for step in 0..<files {
      var generator = RandomStream(seed: 3, purpose: "mutate/dataset", step: UInt64(step))
      try Data(HDF5Mutation.apply(to: whole, using: &generator)).replaceFile(at: path)
      if let error = refusal() {
        #expect(error.description.contains(path))
        outcomes[1] += 1
      } else {
        outcomes[0] += 1
      }
    }
    #expect(outcomes[0] > files / 40 && outcomes[1] > files / 4)
  }

  @Test(.enabled(if: Fuzzing.isOn, "make fuzz"))
  func fuzz() throws {
    let whole = try collected()
    try Fuzzing.run("dataset", path: path) {
      HDF5Mutation.apply(to: whole, using: &$0)
    } read: {
      refusal() == nil
    }
  }

  private func refusal() -> DatasetError? {
    do throws(DatasetError) {
      let dataset = try D4RLDataset(contentsOf: path)
      let summary = try DatasetSummary(
        dataset, specification: EnvironmentKind.hopper.specification)
      _ = try DatasetProfile(dataset, summary, coverage: (0, 1))
      let transitions = try dataset.transitions()
      #expect(transitions.count <= dataset.rows)
      _ = try dataset.storedPolicy()
      return nil
    } catch { return error }
  }
}
