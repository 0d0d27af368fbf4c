import Configuration
import Datasets
import DenseMath
import Environments
import Foundation
import RLCore
import Runs
import TestSupport
import Testing

@testable import Agents
@testable import Stages

/// One bit of a file is wrong, every bit in turn: the file is refused, or what is read is what was written.
@Suite struct BitFlipTests {
  private let folder: TemporaryDirectory
  private let output: String

  /// A run of behaviour cloning with the smallest files.
  init() throws {
    folder = TemporaryDirectory()
    let dataset = folder.file("hopper.hdf5")
    let space = EnvironmentKind.hopper.specification
    _ = try DatasetCollector(environment: .hopper, seed: 0, steps: 50).collect(
      UniformPolicy(observationSize: space.observationSize, actionSize: space.actionSize),
      to: dataset, metadata: D4RLMetadata(), pool: WorkerPool(threads: 1))
    let settings = [
      "networks.hiddenUnits=2", "networks.hiddenLayers=1", "evaluation.episodes=1",
      "offline.members=1", "offline.algorithm=bc", "offline.bc.batchSize=8",
      "offline.gradientSteps=2", "offline.epochSteps=2",
    ]
    let configuration = try ExperimentConfiguration.resolve(
      ConfigurationSources(
        file: ConfigurationLayer(
          name: "test", yaml: "{environment: hopper, dataset: {path: \(dataset)}}"),
        overrides: settings),
      catalog: .registered, stages: [.offline]
    ).configuration
    output = folder.file("run")
    try OfflineStage(
      StageContext(configuration: configuration, pool: WorkerPool(threads: 1))
    ).run(output: output)
  }

  /// Flips each bit of a file and reads.
  ///
  /// - Parameter isSame: throws where the file is refused, and tells whether what it holds is unchanged.
  private func flipAll(_ path: String, isSame: () throws -> Bool) throws {
    let original = try Data(contentsOf: URL(fileURLWithPath: path))
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    func put(_ byte: UInt8, at position: Int) throws {
      try file.seek(toOffset: UInt64(position))
      try file.write(contentsOf: [byte])
    }
    var counts = (refused: 0, harmless: 0)
    for position in original.indices {
      for bit in 0..<8 {
        try put(original[position] ^ 1 << bit, at: position)
        do {
          #expect(try isSame(), "bit \(bit) of byte \(position) changes what is read")
          counts.harmless += 1
        } catch {
          counts.refused += 1
        }
      }
      try put(original[position], at: position)
    }
    #expect(try isSame())
    #expect(counts.refused > 100 * counts.harmless, "\(counts)")
    print(
      "bit flips: \((path as NSString).lastPathComponent), \(8 * original.count) bits, "
        + "\(counts.refused) refused, \(counts.harmless) harmless")
  }

  /// Entries that were not there are nobody's.
  private func isSame(_ found: NamedTensors, _ expected: NamedTensors) -> Bool {
    found.tensors == expected.tensors
      && expected.metadata.allSatisfy { found.metadata[$0.key] == $0.value }
  }

  @Test func checkpoints() throws {
    let name = try #require(TemporaryDirectory.names("\(output)/checkpoints").last)
    let path = "\(output)/checkpoints/\(name)"
    let expected = try SafetensorsFile.read(path)
    try flipAll(path) { isSame(try SafetensorsFile.read(path), expected) }
  }

  @Test func agents() throws {
    let member = "\(output)/weights/member-0"
    let actor = "\(member)/actor.safetensors"
    let expected = try SafetensorsFile.read(actor)
    try flipAll(actor) { isSame(try SafetensorsFile.read(actor), expected) }
    func description() throws -> String {
      let agent = try EnsembleDirectory.readAgent(member)
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      let manifest = try #require(AgentManifest(agent))
      return String(decoding: try encoder.encode(manifest), as: UTF8.self)
    }
    let manifest = try description()
    try flipAll("\(member)/agent.json") { try description() == manifest }
  }
}
