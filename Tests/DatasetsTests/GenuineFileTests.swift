import Datasets
import DenseMath
import Environments
import Foundation
import RLCore
import TestSupport
import Testing

/// The excerpts of D4RL's own files, where they are at hand.
@Suite struct GenuineFileTests {
  static let isHere = Resources.shared("d4rl-excerpts") != nil

  @Test(
    .enabled(if: isHere, "genuine D4RL excerpts are not at hand"),
    arguments: [
      ("halfcheetah_medium-v2", D4RLVersion.v2, 2000, 1998, [4669, 4880]),
      ("hopper_medium-v2", .v2, 911, 910, [1465, 1413]),
      ("hopper_medium", .v0, 524, 523, [752, 968]),
      ("hopper_random-v1", .v1, 50, 49, [39.2, 9.3]),
      ("walker2d_random-v1", .v1, 44, 43, [0.6, 0.7]),
      ("halfcheetah_medium_replay-v1", .v1, 2000, 1998, [-292, -317]),
    ])
  func summaries(
    name: String, version: D4RLVersion, rows: Int, transitions: Int, returns: [Double]
  ) throws {
    let path = try #require(Resources.shared("d4rl-excerpts/\(name).hdf5")).path
    let dataset = try D4RLDataset(contentsOf: path)
    let robot = String(name.prefix { $0 != "_" })
    #expect(dataset.environmentName == robot)
    #expect(dataset.version == version)
    let summary = try DatasetSummary(
      dataset, specification: EnvironmentKind(named: robot).specification)
    #expect(summary.rows == rows)
    #expect(summary.transitions == transitions)
    #expect(summary.completeEpisodes == 2)
    for (episode, expected) in zip(summary.episodeList, returns) {
      #expect(abs(episode.returnValue - expected) < (abs(expected) > 100 ? 0.6 : 0.06))
    }
    #expect(try dataset.transitions().count == transitions)
  }

  /// The older engine behind D4RL: medians as published, not zero and not large.
  @Test(
    .enabled(if: isHere, "genuine D4RL excerpts are not at hand"),
    arguments: [("halfcheetah", 0.15), ("hopper", 0.011)])
  func dynamics(robot: String, median: Double) throws {
    let path = try #require(Resources.shared("d4rl-excerpts/\(robot)_medium-v2.hdf5")).path
    let result = try DatasetVerification(
      D4RLDataset(contentsOf: path), in: EnvironmentKind(named: robot), pool: WorkerPool(threads: 2)
    )
    #expect(abs(result.medianObservationError - median) < 0.1 * median)
    #expect(result.terminalMismatches == 0)
    #expect(result.remarks.contains { $0.contains("older engine") })
  }
}
