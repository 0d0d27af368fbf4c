import Datasets
import DenseMath
import Environments
import Foundation
import HDF5
import RLCore
import TestSupport
import Testing

/// A file in the layout of v2 as h5py writes it: episodes of 20, 15, 22 and 3 rows, of which the first
/// and third end in a terminal, the second in a time-out, and the last not at all.
@Suite struct D4RLDatasetTests {
  let path = Resources.fixture("datasets/d4rl-v2.hdf5").path

  @Test func layout() throws {
    let dataset = try D4RLDataset(contentsOf: path)
    #expect(dataset.rows == 60)
    #expect(dataset.observationSize == 11)
    #expect(dataset.actionSize == 3)
    #expect(dataset.version == .v2)
    #expect(dataset.hasTimeouts && dataset.hasNextObservations && dataset.hasPhysicalStates)
    #expect(dataset.environmentName == "hopper")
    #expect(dataset.metadata.first { $0.name == "iteration" }?.value == "400")
    #expect(dataset.metadata.first { $0.name == "algorithm" }?.value == "SAC")
    #expect(dataset.metadata.first { $0.name == "policy/nonlinearity" }?.value == "relu")
  }

  /// `qlearning_dataset`, written out: no time-out rows, not the last row, the following row as s′.
  @Test func followingRowRule() throws {
    let file = try HDF5File(reading: path)
    let observations = try file.dataset("observations").read(Float.self)
    let actions = try file.dataset("actions").read(Float.self)
    let rewards = try file.dataset("rewards").read(Float.self)
    let terminals = try file.dataset("terminals").readFlags()
    let timeouts = try file.dataset("timeouts").readFlags()
    let rows = (0..<59).filter { !timeouts[$0] }
    #expect(rows.count == 58)

    let transitions = try D4RLDataset(contentsOf: path).transitions()
    #expect(transitions.count == 58)
    #expect(
      transitions.observations.elements
        == rows.flatMap { observations[$0 * 11..<($0 + 1) * 11] })
    #expect(
      transitions.nextObservations.elements
        == rows.flatMap { observations[($0 + 1) * 11..<($0 + 2) * 11] })
    #expect(transitions.actions.elements == rows.flatMap { actions[$0 * 3..<($0 + 1) * 3] })
    #expect(transitions.rewards == rows.map { rewards[$0] })
    #expect(transitions.terminated == rows.map { terminals[$0] })
    #expect(transitions.terminated.filter { $0 }.count == 2)
  }

  @Test func storedNextObservations() throws {
    let transitions = try D4RLDataset(contentsOf: path).transitions(.storedNextObservations)
    let stored = try HDF5File(reading: path).dataset("next_observations").read(Float.self)
    #expect(transitions.count == 60)
    #expect(transitions.nextObservations.elements == stored)
  }

  @Test func storedPolicy() throws {
    let policy = try #require(try D4RLDataset(contentsOf: path).storedPolicy())
    #expect(
      policy.tensors.keys.sorted() == [
        "fc0.bias", "fc0.weight", "fc1.bias", "fc1.weight", "last_fc.bias", "last_fc.weight",
        "last_fc_log_std.bias", "last_fc_log_std.weight",
      ])
    #expect(policy["fc0.weight"]?.shape == [4, 11])
    #expect(policy.metadata["output_distribution"] == "tanh_gaussian")
  }

  @Test func summary() throws {
    let dataset = try D4RLDataset(contentsOf: path)
    let specification = EnvironmentKind.hopper.specification
    let summary = try DatasetSummary(dataset, specification: specification)
    let rewards = try HDF5File(reading: path).dataset("rewards").read(Float.self).map { Double($0) }
    #expect(summary.episodes == 4)
    #expect(summary.completeEpisodes == 3)
    #expect(summary.terminals == 2)
    #expect(summary.timeouts == 1)
    #expect(summary.transitions == 58)
    let returns = [0..<20, 20..<35, 35..<57].map { rewards[$0].reduce(0, +) }
    #expect(abs(summary.returnMean - returns.reduce(0, +) / 3) < 1e-12)
    #expect(summary.returnMin == returns.min())
    #expect(summary.returnMax == returns.max())
    let score = try #require(summary.normalizedScore)
    #expect(abs(score - 100 * (summary.returnMean + 20.272305) / 3254.572305) < 1e-9)
    let text = summary.warnings.joined(separator: "\n")
    #expect(text.contains("cut after 3 rows"))
    #expect(text.contains("1 time-out comes before the limit of 1000 steps, the first in row 34"))
    #expect(text.contains("disagree with infos/qpos"))
    #expect(!text.contains("inside an episode"))
  }

  @Test func digestIndependentReadersAgree() throws {
    let one = try D4RLDataset(contentsOf: path).transitions()
    let two = try D4RLDataset(contentsOf: path).transitions()
    #expect(one == two)
  }

  @Test func wrongEnvironment() throws {
    let dataset = try D4RLDataset(contentsOf: path)
    try dataset.check(against: EnvironmentKind.hopper.specification)
    let error = try #require(throws: DatasetError.self) {
      try dataset.check(against: EnvironmentKind.halfcheetah.specification)
    }
    #expect(
      error
        == .mismatch(
          file: path, field: "observations", expected: "17 columns (halfcheetah)",
          actual: "11 columns"))
  }
}
