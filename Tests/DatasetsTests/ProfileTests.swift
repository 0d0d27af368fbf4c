import Datasets
import DenseMath
import Environments
import Foundation
import HDF5
import RLCore
import TestSupport
import Testing

/// What pictures show, against plain loops.
@Suite struct ProfileTests {
  let folder = TemporaryDirectory()

  private func collected(steps: Int) throws -> D4RLDataset {
    let path = folder.file("data.hdf5")
    _ = try DatasetCollector(environment: .hopper, seed: 9, steps: steps).collect(
      UniformPolicyFixture.hopper, to: path, metadata: D4RLMetadata(),
      pool: WorkerPool(threads: 1))
    return try D4RLDataset(contentsOf: path)
  }

  @Test func againstPlainLoops() throws {
    let dataset = try collected(steps: 700)
    let summary = try DatasetSummary(dataset, specification: nil)
    let profile = try DatasetProfile(dataset, summary, coverage: (1, 0))
    let file = try HDF5File(reading: dataset.path)
    let observations = try file.dataset("observations").read(Float.self)
    let rewards = try file.dataset("rewards").read(Float.self)

    let second = (0..<700).map { Double(observations[$0 * 11 + 1]) }
    let (least, most) = (second.min()!, second.max()!)
    let histogram = profile.histograms["observations"]![1]
    #expect(histogram.lower == least && histogram.upper == most)
    var expected = [Int](repeating: 0, count: histogram.counts.count)
    for value in second {
      let share = (value - least) / (most - least)
      expected[min(expected.count - 1, Int(share * Double(expected.count)))] += 1
    }
    // Values on a border may fall to either side of it.
    #expect(zip(histogram.counts, expected).map { abs($0 - $1) }.reduce(0, +) <= 2)
    #expect(histogram.counts.reduce(0, +) == 700)

    let coverage = try #require(profile.coverage)
    #expect(coverage.counts.reduce(0, +) + coverage.outside == 700)
    let inside = (0..<700).filter {
      coverage.x.contains(second[$0]) && coverage.y.contains(Double(observations[$0 * 11]))
    }
    #expect(inside.count == 700 - coverage.outside)
    var grid = [Int](repeating: 0, count: coverage.counts.count)
    for row in inside {
      func cell(_ value: Double, _ range: ClosedRange<Double>) -> Int {
        let share = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
        return min(coverage.size - 1, Int(share * Double(coverage.size)))
      }
      // Row by row from the lowest height.
      let height = cell(Double(observations[row * 11]), coverage.y)
      grid[height * coverage.size + cell(second[row], coverage.x)] += 1
    }
    #expect(zip(coverage.counts, grid).map { abs($0 - $1) }.reduce(0, +) <= 4)

    #expect(profile.stepsPerBin == 1)
    for step in [0, 5, 12] {
      let there = summary.episodeList.filter { $0.length > step }
      let values = there.map { Double(rewards[$0.firstRow + step]) }
      let mean = values.reduce(0, +) / Double(values.count)
      let found = profile.rewards[step]
      #expect(found.step == step && found.episodes == there.count)
      #expect(abs(found.mean - mean) < 1e-9)
      let spread = values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Double(values.count)
      #expect(abs(found.deviation - spread.squareRoot()) < 1e-6)
    }
  }

  /// A wild row is counted apart instead of shrinking the picture; one that is no number is passed
  /// over.
  @Test func wildRows() throws {
    var columns = DatasetFile.columns(rows: 400)
    var values = (0..<800).map { Float($0 % 7) }
    values[100] = 1e30
    values[201] = .nan
    columns["observations"] = .floats(values, [400, 2])
    try DatasetFile.write(columns, to: folder.file("wild.hdf5"))
    let dataset = try D4RLDataset(contentsOf: folder.file("wild.hdf5"))
    let summary = try DatasetSummary(dataset, specification: nil)
    let profile = try DatasetProfile(dataset, summary, coverage: (0, 1))
    let coverage = try #require(profile.coverage)
    #expect(coverage.outside == 1 && coverage.counts.reduce(0, +) == 398)
    #expect(profile.histograms["observations"]![1].counts.reduce(0, +) == 399)
  }

  /// The file may change between the two passes: other values, no crash.
  @Test func anotherFileThanTheSummarys() throws {
    let dataset = try collected(steps: 300)
    var columns = DatasetFile.columns(rows: 300)
    columns["observations"] = .floats([Float](repeating: -3e38, count: 3300), [300, 11])
    columns["actions"] = .floats([Float](repeating: .infinity, count: 900), [300, 3])
    columns["rewards"] = .floats([Float](repeating: 3e38, count: 300), [300])
    try DatasetFile.write(columns, to: folder.file("other.hdf5"))
    let summary = try DatasetSummary(dataset, specification: nil)
    let profile = try DatasetProfile(
      D4RLDataset(contentsOf: folder.file("other.hdf5")), summary, coverage: (0, 1))
    #expect(profile.coverage?.outside == 300)
  }

  @Test func emptyHistograms() {
    #expect(DatasetProfile.Histogram([], bins: 9).counts == [0])
    #expect(DatasetProfile.Histogram([.nan, 4, 4], bins: 9).counts == [2])
    #expect(DatasetProfile.Histogram([0, .leastNonzeroMagnitude], bins: 9).counts == [2])
    #expect(DatasetProfile.Histogram([0, 1, 2, 3], bins: 2).counts == [2, 2])
  }

  /// Mean and deviation as TD3+BC's code has them.
  @Test func normalizerOfObservations() {
    let matrix = Matrix(rows: 4, columns: 2, elements: [1, 5, 2, 5, 3, 5, 6, 5])
    let normalizer = ObservationNormalizer(of: matrix)
    #expect(normalizer.mean == [3, 5])
    #expect(normalizer.std == [Float(3.5.squareRoot() + 1e-3), Float(1e-3)])
    #expect(normalizer(matrix).row(3) == [3 / normalizer.std[0], 0])
  }
}
