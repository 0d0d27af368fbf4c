import Datasets
import DenseMath
import Environments
import Foundation
import HDF5
import RLCore
import TestSupport
import Testing

/// Rows that are not in the order of time, and physical states that are not those of their rows.
@Suite struct RowOrderTests {
  let folder = TemporaryDirectory()
  static let casesAreHere = Resources.shared("cases") != nil

  /// 200 rows of a robot whose states are right, with some columns changed.
  private func file(
    of kind: EnvironmentKind = .hopper, _ change: (_ name: String, _ row: Int, _ count: Int) -> Int
  ) throws -> D4RLDataset {
    let source = folder.file("source.hdf5")
    let specification = kind.specification
    _ = try DatasetCollector(environment: kind, seed: 5, steps: 200).collect(
      UniformPolicy(
        observationSize: specification.observationSize, actionSize: specification.actionSize),
      to: source, metadata: D4RLMetadata(), pool: WorkerPool(threads: 1), replacing: true)
    let file = try HDF5File(reading: source)
    var columns: [String: DatasetFile.Values] = [:]
    func rows<Value>(_ name: String, _ values: [Value]) -> [Value] {
      let width = values.count / 200
      return (0..<200).flatMap { row -> ArraySlice<Value> in
        let from = change(name, row, 200)
        return values[from * width..<(from + 1) * width]
      }
    }
    for name in ["observations", "next_observations", "actions", "rewards"] {
      let array = try file.dataset(name)
      columns[name] = .floats(rows(name, try array.read(Float.self)), array.shape)
    }
    for name in ["infos/qpos", "infos/qvel"] {
      let array = try file.dataset(name)
      columns[name] = .doubles(rows(name, try array.read(Double.self)), array.shape)
    }
    for name in ["terminals", "timeouts"] {
      columns[name] = .flags(rows(name, try file.dataset(name).readFlags()))
    }
    let path = folder.file("\(kind)-data.hdf5")
    try? FileManager.default.removeItem(atPath: path)
    try DatasetFile.write(columns, to: path)
    return try D4RLDataset(contentsOf: path)
  }

  /// Returns are sums along the rows, wherever next observations come from.
  @Test func rowsInRandomOrderHaveNoReturns() throws {
    let shuffled = try file { _, row, count in row * 77 % count }
    #expect(try shuffled.transitions(.storedNextObservations).count == 200)
    #expect {
      _ = try shuffled.transitions(.storedNextObservations, returnDiscount: 0.9)
    } throws: { error in
      guard case .noReturns(_, let rows, let compared, _) = error as? DatasetError else {
        return false
      }
      return rows == compared && "\(error)".contains("no returns")
    }
    #expect(throws: DatasetError.self) { _ = try shuffled.knownReturns(discount: 0.9) }
    let ordered = try file { _, row, _ in row }
    #expect(try ordered.knownReturns(discount: 0.9).returns.count > 0)
    let returns = try ordered.transitions(.storedNextObservations, returnDiscount: 0.9).returnsToGo
    #expect(returns?.count == 200)
  }

  @Test func rowsInRandomOrderAreRefusedUnlessNextObservationsAreRead() throws {
    // 77 and 200 have no common factor: every row once.
    let shuffled = try file { _, row, count in row * 77 % count }
    #expect {
      _ = try shuffled.transitions()
    } throws: { error in
      guard case .unordered(_, let rows, let compared, _) = error as? DatasetError else {
        return false
      }
      return rows == compared && "\(error)".contains("dataset.nextObservations: stored")
    }
    #expect(try shuffled.transitions(.storedNextObservations).count == 200)
    let ordered = try file { _, row, _ in row }
    #expect(try ordered.transitions().count == 199)
  }

  @Test(.enabled(if: casesAreHere, "other people's cases are not at hand"))
  func aReplayBufferInRandomOrder() throws {
    let path = try #require(Resources.shared("cases/shuffled.hdf5")).path
    let dataset = try D4RLDataset(contentsOf: path)
    #expect {
      _ = try dataset.transitions()
    } throws: { error in
      guard case .unordered(_, let rows, _, let first) = error as? DatasetError else {
        return false
      }
      return rows == 906 && first == 0
    }
    #expect(try dataset.transitions(.storedNextObservations).count == 911)
  }

  private func verification(_ dataset: D4RLDataset, _ kind: EnvironmentKind) throws
    -> DatasetVerification
  {
    try DatasetVerification(dataset, in: kind, pool: WorkerPool(threads: 1))
  }

  /// Inspecting, verifying and relabelling of a file, each with what it says of the states.
  private func expectFault(_ dataset: D4RLDataset, _ kind: EnvironmentKind, _ words: String) throws
  {
    let summary = try DatasetSummary(dataset, specification: kind.specification)
    #expect(
      summary.warnings.contains { $0.contains("infos/qpos and infos/qvel") }, "\(summary.warnings)")
    let result = try verification(dataset, kind)
    #expect(result.stateFault?.contains(words) == true, "\(result.stateFault ?? "none")")
    #expect(result.remarks.contains { $0.contains(words) })
    #expect(result.fault != nil)
    #expect {
      _ = try DatasetAssembly.relabelling(dataset, output: folder.file("new.hdf5"))
    } throws: { "\($0)".contains(words) }
  }

  @Test(arguments: [1, -1])
  func statesOffByOneRow(offset: Int) throws {
    let dataset = try file(of: .halfcheetah) { name, row, count in
      name.hasPrefix("infos/") ? min(max(row + offset, 0), count - 1) : row
    }
    try expectFault(dataset, .halfcheetah, "off by one row")
    let summary = try DatasetSummary(dataset, specification: nil)
    #expect(summary.warnings.contains { $0.contains("row i + 1") } == (offset == 1))
  }

  @Test func otherFaultsOfStates() throws {
    let one = try file { name, row, _ in name == "infos/qpos" && row == 44 ? 45 : row }
    try expectFault(one, .hopper, "other states in 1 row, the first is row 44")
    let frozen = try file { name, row, _ in name.hasPrefix("infos/") ? 0 : row }
    try expectFault(frozen, .hopper, "do not change from row to row")
    let right = try file { _, row, _ in row }
    #expect(try verification(right, .hopper).fault == nil)
    #expect(try DatasetAssembly.relabelling(right, output: folder.file("new.hdf5")).rows == 200)
  }

  @Test(.enabled(if: casesAreHere, "other people's cases are not at hand"))
  func infosOneRowLate() throws {
    let path = try #require(Resources.shared("cases/infos_shifted.hdf5")).path
    try expectFault(D4RLDataset(contentsOf: path), .halfcheetah, "off by one row")
  }
}
