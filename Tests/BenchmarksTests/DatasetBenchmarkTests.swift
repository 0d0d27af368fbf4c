import Datasets
import RLCore
import TestSupport
import Testing

@testable import Benchmarks

@Suite struct DatasetBenchmarkTests {
  /// The file that loading is measured with, made afresh, is one that loads.
  @Test func theFileLoads() throws {
    let folder = TemporaryDirectory()
    let file = folder.file("rows.hdf5")
    try DatasetBenchmarks.make(file, rows: 2 * DatasetBenchmarks.block)
    let transitions = try D4RLDataset(contentsOf: file).transitions()
    // Each of the 20 episodes ends by its time limit, which is no transition.
    #expect(transitions.count == 20_000 - 20)
  }
}
