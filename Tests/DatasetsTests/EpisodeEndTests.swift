import DenseMath
import Foundation
import HDF5
import RLCore
import TestSupport
import Testing

@testable import Datasets
@testable import Environments

/// What the ends of episodes do to returns, statistics and flags.
@Suite struct EpisodeEndTests {
  private let folder = TemporaryDirectory()

  /// Episodes of four, three and three rows, the first ended by a terminal, the second by a time-out, the third by
  /// the end of the file; each row is worth 1.
  private func threeEnds() throws -> D4RLDataset {
    var columns = DatasetFile.columns(rows: 10)
    columns["terminals"] = .flags((0..<10).map { $0 == 3 })
    columns["timeouts"] = .flags((0..<10).map { $0 == 6 })
    let path = folder.file("ends.hdf5")
    try DatasetFile.write(columns, to: path)
    return try D4RLDataset(contentsOf: path)
  }

  @Test func returnsToGoEndWithTheEpisode() throws {
    let transitions = try threeEnds().transitions(returnDiscount: 0.5)
    // Rows 6 and 9 are dropped.
    #expect(transitions.returnsToGo == [1.875, 1.75, 1.5, 1, 1.75, 1.5, 1.75, 1.5])
  }

  /// γ = 0.1: of what a time-out or the end of the file cuts off, three rewards before it a thousandth is missing,
  /// two before it a hundredth, which is too much.
  @Test func returnsAreKnownFarFromACut() throws {
    let file = try threeEnds()
    let known = try file.knownReturns(discount: 0.1)
    #expect(known.returns == [1.111, 1.11, 1.1, 1, 1.11, 1.11])
    let all = try file.transitions().observations
    // Rows 0 to 4; row 7 is the seventh of those that are not dropped.
    for (row, kept) in [0, 1, 2, 3, 4, 6].enumerated() {
      #expect(Array(known.observations.row(row)) == Array(all.row(kept)))
    }
    #expect(try file.knownReturns(discount: 0.1, limit: 3).returns == [1.111, 1.1, 1.11])
    #expect(try file.knownReturns(discount: 1).returns == [4, 3, 2, 1])
  }

  /// NumPy's percentiles of 1, 2, 3, 4.
  @Test func percentilesAreNumPys() throws {
    var columns = DatasetFile.columns(rows: 10)
    columns["terminals"] = .flags((0..<10).map { [0, 2, 5, 9].contains($0) })
    let path = folder.file("percentiles.hdf5")
    try DatasetFile.write(columns, to: path)
    let summary = try DatasetSummary(D4RLDataset(contentsOf: path), specification: nil)
    for (found, expected) in zip(summary.returnPercentiles, [1.15, 1.75, 2.5, 3.25, 3.85]) {
      #expect(abs(found - expected) < 1e-12)
    }
  }

  @Test func aCutEpisodeDoesNotCountInTheMeanReturn() throws {
    let path = folder.file("cut.hdf5")
    let report = try DatasetCollector(environment: .hopper, seed: 5, steps: 400).collect(
      UniformPolicyFixture.hopper, to: path, metadata: D4RLMetadata(),
      pool: WorkerPool(threads: 1))
    let list = try DatasetSummary(D4RLDataset(contentsOf: path), specification: nil).episodeList
    #expect(list.last?.isComplete == false)
    let whole = list.filter(\.isComplete).map(\.returnValue)
    let mean = whole.reduce(0, +) / Double(whole.count)
    #expect(abs(report.meanReturn - mean) < 1e-3 && abs(mean - list.last!.returnValue) > 0.1)
  }

  @Test(arguments: [
    (terminated: true, truncated: false, unstable: false, terminal: true, timeout: false),
    // A fall in the last step that is allowed: D4RL leaves `terminals` clear.
    (true, true, false, false, true), (false, true, false, false, true),
    // Nothing follows the last good row before a breakdown.
    (false, false, true, false, true), (false, false, false, false, false),
  ])
  func lastRowsAreFlagged(
    terminated: Bool, truncated: Bool, unstable: Bool, terminal: Bool, timeout: Bool
  ) {
    var episode = Episode(specification: EnvironmentKind.hopper.specification)
    for _ in 0..<3 {
      episode.append(
        observation: [Float](repeating: 0, count: 11),
        chosen: ChosenAction(action: [0, 0, 0], logProb: 0), reward: 1,
        nextObservation: [Float](repeating: 0, count: 11),
        state: PhysicalState(
          position: [Double](repeating: 0, count: 6), velocity: [Double](repeating: 0, count: 6)))
    }
    episode.result.terminated = terminated
    episode.result.truncated = truncated
    episode.result.unstable = unstable
    let rows = DatasetCollector.rows(of: episode, first: 3)
    #expect(rows.terminals == [false, false, terminal])
    #expect(rows.timeouts == [false, false, timeout])
    let cut = DatasetCollector.rows(of: episode, first: 2)
    #expect(cut.terminals == [false, false] && cut.timeouts == [false, false])
  }
}
