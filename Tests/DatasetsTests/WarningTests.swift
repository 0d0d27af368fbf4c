import Datasets
import DenseMath
import Environments
import Foundation
import HDF5
import RLCore
import TestSupport
import Testing

/// Each fault of a file, put there on purpose, is found and named with its row.
@Suite struct WarningTests {
  let folder = TemporaryDirectory()

  /// 200 rows of hopper, of which nothing is to be said, changed and written anew.
  private func warnings(
    of kind: EnvironmentKind = .hopper, _ change: (inout Rows) throws -> Void
  ) throws -> [String] {
    let source = folder.file("source-\(kind).hdf5")
    let specification = kind.specification
    let policy = UniformPolicy(
      observationSize: specification.observationSize, actionSize: specification.actionSize)
    _ = try DatasetCollector(environment: kind, seed: 5, steps: 200).collect(
      policy, to: source, metadata: D4RLMetadata(), pool: WorkerPool(threads: 1), replacing: true)
    var rows = Rows()
    let file = try HDF5File(reading: source)
    for name in [
      "observations", "next_observations", "actions", "rewards", "infos/action_log_probs",
    ] {
      rows.shapes[name] = try file.dataset(name).shape
      rows.floats[name] = try file.dataset(name).read(Float.self)
    }
    for name in ["infos/qpos", "infos/qvel"] {
      rows.shapes[name] = try file.dataset(name).shape
      rows.doubles[name] = try file.dataset(name).read(Double.self)
    }
    for name in ["terminals", "timeouts"] {
      rows.flags[name] = try file.dataset(name).readFlags()
    }
    // So that the end of the file is the end of an episode.
    if !rows.flags["terminals"]![199] { rows.flags["timeouts"]![199] = true }
    try change(&rows)
    let path = folder.file("\(kind).hdf5")
    try? FileManager.default.removeItem(atPath: path)
    try rows.write(to: path)
    return try DatasetSummary(D4RLDataset(contentsOf: path), specification: specification).warnings
      // Of the last row, whose episode was cut.
      .filter { !$0.contains("the first in row 199") }
  }

  private struct Rows {
    var floats: [String: [Float]] = [:]
    var doubles: [String: [Double]] = [:]
    var flags: [String: [Bool]] = [:]
    var shapes: [String: [Int]] = [:]

    func write(to path: String) throws {
      var columns: [String: DatasetFile.Values] = [:]
      for (name, values) in floats { columns[name] = .floats(values, shapes[name]!) }
      for (name, values) in doubles { columns[name] = .doubles(values, shapes[name]!) }
      for (name, values) in flags { columns[name] = .flags(values) }
      try DatasetFile.write(columns, to: path)
    }

    /// A row that neither begins nor ends an episode.
    func inside(from row: Int) -> Int {
      (row...).first { row in
        (row - 1...row + 1).allSatisfy { !flags["terminals"]![$0] && !flags["timeouts"]![$0] }
      }!
    }
  }

  @Test func nothingOdd() throws { #expect(try warnings { _ in } == []) }

  @Test(arguments: [
    "observations", "actions", "rewards", "next_observations", "infos/action_log_probs",
  ])
  func notFinite(name: String) throws {
    let found = try warnings { rows in
      let width = rows.floats[name]!.count / 200
      rows.floats[name]![70 * width] = .nan
      rows.floats[name]![90 * width] = -.infinity
    }
    #expect(found.contains("\(name) has NaN or infinite values in 2 rows, the first is row 70"))
  }

  @Test func notFiniteStates() throws {
    let found = try warnings { $0.doubles["infos/qvel"]![30 * 6 + 2] = .nan }
    #expect(found.contains("infos/qvel has NaN or infinite values in 1 row, the first is row 30"))
  }

  @Test func missingColumns() throws {
    let found = try warnings { $0.flags["timeouts"] = nil }
    #expect(
      found.contains(
        "there is no timeouts column; a row counts as time-out after 1000 steps of an episode"))
    #expect(
      try warnings { $0.floats["next_observations"] = nil }
        == ["there is no next_observations column (v0); the following row is the next observation"])
  }

  @Test func terminalOfARobotThatCannotFall() throws {
    let found = try warnings(of: .halfcheetah) { $0.flags["terminals"]![123] = true }
    #expect(found.contains("1 terminal, the first in row 123, although halfcheetah cannot fall"))
  }

  @Test func timeoutOfAnUnfinishedEpisode() throws {
    var row = 0
    var length = 0
    let found = try warnings { rows in
      row = rows.inside(from: 60)
      rows.flags["timeouts"]![row] = true
      // The cut end of the file is one more.
      length = row - rows.flags["terminals"]![..<row].lastIndex(of: true)!
    }
    let warning = try #require(found.first { $0.contains("before the limit of 1000") })
    #expect(warning.contains("the first in row \(row)"))
    #expect(length > 1)
  }

  @Test func bothFlags() throws {
    var row = 0
    let found = try warnings { rows in
      row = rows.flags["terminals"]!.firstIndex(of: true)!
      rows.flags["timeouts"]![row] = true
    }
    #expect(found.contains("both terminal and time-out are set in 1 row, the first is row \(row)"))
  }

  @Test func observationsThatDisagreeWithTheState() throws {
    let found = try warnings { $0.doubles["infos/qpos"]![44 * 6 + 1] += 0.01 }
    #expect(
      found == [
        "observations disagree with infos/qpos and infos/qvel in 1 row, the first is row 44"
      ])
  }

  @Test func successorsThatDisagreeWithTheFollowingRow() throws {
    var row = 0
    let found = try warnings { rows in
      row = rows.inside(from: 100)
      rows.floats["next_observations"]![row * 11 + 3] += 0.01
    }
    #expect(
      found == [
        "next_observations differs from the following row's observation inside an episode in 1 "
          + "row, the first is row \(row)"
      ])
  }

  @Test func statesThatNeverChange() throws {
    let found = try warnings { rows in
      for name in ["infos/qpos", "infos/qvel"] {
        let first = rows.doubles[name]![..<6]
        rows.doubles[name] = (0..<200).flatMap { _ in first }
      }
    }
    #expect(found.count == 1 && found[0].hasPrefix("infos/qpos and infos/qvel do not change"))
  }

  /// Row 80's velocity of 14 is seen as 10.
  @Test func observationsOfFastRobotsAreClipped() throws {
    let found = try warnings { rows in
      rows.floats["observations"]![80 * 11 + 10] = 10
      rows.floats["next_observations"]![79 * 11 + 10] = 10
      rows.doubles["infos/qvel"]![80 * 6 + 5] = 14
    }
    #expect(found == [])
  }

  @Test func clippedVelocities() throws {
    let found = try warnings { rows in
      // Row 80 was at the limit, and what is stored is what was seen.
      rows.floats["observations"]![80 * 11 + 10] = 10
      rows.floats["next_observations"]![79 * 11 + 10] = 10
      rows.doubles["infos/qvel"] = rows.doubles["infos/qvel"]!.map { min(max($0, -10), 10) }
      rows.doubles["infos/qvel"]![80 * 6 + 5] = 10
    }
    let warning = try #require(found.first { $0.hasPrefix("infos/qvel holds the clipped") })
    #expect(warning.contains("the first in row "))
  }

  @Test func constantColumnsAndLargeActionsAndRepeatedRows() throws {
    let found = try warnings { rows in
      for row in 0..<200 { rows.floats["actions"]![row * 3 + 1] = 0.25 }
      rows.floats["actions"]![33 * 3] = 1.5
      rows.floats["rewards"] = [Float](repeating: 2, count: 200)
    }
    #expect(
      Set(found) == [
        "actions: column 1 never changes", "rewards are the same in every row",
        "actions lie outside [-1, 1] in 1 row, the first is row 33",
      ])
    let repeated = try warnings { rows in
      for (name, width) in [("observations", 11), ("actions", 3)] {
        for column in 0..<width {
          rows.floats[name]![150 * width + column] = rows.floats[name]![20 * width + column]
        }
      }
    }
    #expect(
      repeated.contains(
        "1 row repeats the observation and action of an earlier row, the first is row 150"))
  }

  @Test func wideNumbersAndCutEnd() throws {
    var first = 0
    let found = try warnings { rows in
      rows.doubles["actions"] = rows.floats["actions"]!.map { Double($0) }
      rows.floats["actions"] = nil
      rows.shapes["rewards"] = [200, 1]
      rows.flags["timeouts"]![199] = false
      rows.flags["terminals"]![199] = false
      first = rows.flags["terminals"]!.lastIndex(of: true)! + 1
    }
    #expect(
      found.contains(
        "float64 where D4RL has float32: actions; values are rounded to float32 when read"))
    #expect(found.contains("shape (n, 1) instead of (n): rewards"))
    #expect(
      found.contains(
        "the last episode is cut after \(200 - first) rows without terminal or time-out, from row "
          + "\(first) on (usual in D4RL)"))
  }

  @Test(arguments: [
    ("hopper_medium-v2.hdf5", "medium"), ("hopper_medium_replay-v1.hdf5", "medium-replay"),
    ("walker2d-mixed.hdf5", "medium-replay"),
    ("halfcheetah-medium-expert-v2.hdf5", "medium-expert"),
    ("hopper_full_replay-v2.hdf5", "full-replay"), ("x/expert.hdf5", "expert"), ("mine.hdf5", nil),
  ])
  func kinds(name: String, kind: String?) throws {
    let path = folder.file(name.split(separator: "/").map(String.init).last!)
    try DatasetFile.write(DatasetFile.columns(rows: 20), to: path)
    #expect(try D4RLDataset(contentsOf: path).kindName == kind)
  }
}
