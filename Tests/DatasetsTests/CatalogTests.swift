import Datasets
import Foundation
import TestSupport
import Testing

@Suite struct CatalogTests {
  @Test func names() {
    let names = D4RLCatalog.entries.map(\.name)
    #expect(names.count == 15 + 18 + 18 && Set(names).count == names.count)
    #expect(!names.contains("hopper-full-replay-v0") && names.contains("hopper-full-replay-v1"))
    #expect(Set(D4RLCatalog.entries.map(\.url)).count == names.count)
    // Sizes are known of all v0 and v2 files but full-replay.
    #expect(
      D4RLCatalog.entries.filter { $0.bytes != nil }.map(\.name)
        == names.filter { !$0.hasSuffix("v1") && !$0.contains("full-replay") })
  }

  @Test(arguments: [
    ("hopper-medium-v2", "gym_mujoco_v2/hopper_medium-v2.hdf5", 152_756_557),
    ("walker2d-medium-replay-v0", "gym_mujoco/walker_mixed.hdf5", 8_832_937),
    ("hopper-medium-replay-v0", "gym_mujoco/hopper_mixed.hdf5", 10_983_879),
    ("walker2d-medium-expert-v0", "gym_mujoco/walker2d_medium_expert.hdf5", 166_972_341),
    ("halfcheetah-full-replay-v1", "gym_mujoco_v1/halfcheetah_full_replay-v1.hdf5", nil),
  ])
  func addresses(name: String, path: String, bytes: Int?) throws {
    let entry = try #require(D4RLCatalog.entry(named: name))
    #expect(entry.url == "http://rail.eecs.berkeley.edu/datasets/offline_rl/\(path)")
    #expect(entry.bytes == bytes)
    #expect(entry.cachePath.hasSuffix("/\(entry.fileName)"))
  }

  @Test func minariDatasetsOfAFolder() throws {
    let folder = TemporaryDirectory()
    try MinariFile().write(to: folder.file("mujoco/hopper/medium-v0"))
    try MinariFile().write(to: folder.file("other-v1"))
    try FileManager.default.createDirectory(
      atPath: folder.file("mujoco/empty"), withIntermediateDirectories: true)
    let found = MinariCatalog.entries(below: folder.path)
    #expect(found.map(\.id) == ["mujoco/hopper/medium-v0", "other-v1"])
    #expect(found.allSatisfy { $0.bytes > 1000 })
    #expect(MinariCatalog.entries(below: folder.file("nothing")) == [])
  }
}
