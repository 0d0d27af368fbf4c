import Algorithms
import DenseMath
import Foundation
import RLCore
import TestSupport
import Testing

@testable import Agents

/// One bit of a file is wrong, every bit in turn: the file is refused, or what is read is what was written.
@Suite struct BitFlipTests {
  private let folder = TemporaryDirectory()
  private let agent: Agent

  init() throws {
    agent = try TestAgents.make(BehaviorCloning.self)
    // What has not been measured is not a number, and not equal to itself.
    try TestAgents.train(agent)
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
    #expect(try isSame())
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
    #expect(counts.refused > 50 * counts.harmless, "\(counts)")
    print(
      "bit flips: \((path as NSString).lastPathComponent), \(8 * original.count) bits, "
        + "\(counts.refused) refused, \(counts.harmless) harmless")
  }

  /// What the file had is there; an entry whose name is damaged is nobody's.
  private func isSame(_ found: NamedTensors, _ expected: NamedTensors) -> Bool {
    found.tensors == expected.tensors
      && expected.metadata.allSatisfy { found.metadata[$0.key] == $0.value }
  }

  /// The complete training state of an agent, as in `checkpoints/`.
  @Test func checkpoints() throws {
    let path = folder.file("step-1.safetensors")
    var state = agent.state
    state.metadata = ["stage": "pretrain", "configuration": "seed: 7\nenvironment: hopper\n"]
    try SafetensorsFile.write(state, to: path)
    try flipAll(path) { isSame(try SafetensorsFile.read(path), state) }
  }

  @Test func agents() throws {
    try AgentFiles.write(
      agents: [agent], to: folder.path,
      origin: AgentFiles.Origin(
        environment: "hopper", producer: "test", settings: BehaviorCloning.Settings()))
    let member = folder.file("member-0")
    let actor = "\(member)/actor.safetensors"
    let expected = try SafetensorsFile.read(actor)
    try flipAll(actor) { isSame(try SafetensorsFile.read(actor), expected) }
    func description() throws -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      let manifest = try #require(AgentManifest(EnsembleDirectory.readAgent(member)))
      return String(decoding: try encoder.encode(manifest), as: UTF8.self)
    }
    let manifest = try description()
    try flipAll("\(member)/agent.json") { try description() == manifest }
  }
}
