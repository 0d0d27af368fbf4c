import DenseMath
import Foundation
import Autodiff
import RLCore
import TestSupport
import Testing

@testable import Agents

@Suite struct EnsembleDirectoryTests {
  private let folder = TemporaryDirectory()

  private func policy(_ hidden: [Int] = [4, 5], inputs: Int = 3, seed: UInt64 = 1) -> NetworkFile {
    let shape = NetworkShape(inputSize: inputs, hiddenSizes: hidden, outputSize: 4)
    return NetworkFile(
      .policy(shape, actionSize: 2, seed: seed, purpose: "test"), role: .policy,
      metadata: ["environment": "hopper", "odd": "kept"])
  }

  private func critic(_ hidden: [Int] = [4, 5], inputs: Int = 5, seed: UInt64 = 1) -> NetworkFile {
    let shape = NetworkShape(inputSize: inputs, hiddenSizes: hidden, outputSize: 1)
    return NetworkFile(.critic(shape, seed: seed, purpose: "test"), role: .critic)
  }

  private func ensemble(targets: Bool = false) -> EnsembleDirectory {
    EnsembleDirectory(
      members: (0..<3).map { (index: UInt64) in
        StoredAgent(
          actor: policy(seed: index),
          critics: [critic(seed: 10 + index), critic(seed: 20 + index)],
          targets: targets ? [critic(seed: 30 + index), critic(seed: 40 + index)] : nil)
      })
  }

  @Test(arguments: [false, true]) func ensembleRoundTrip(_ targets: Bool) throws {
    let original = ensemble(targets: targets)
    try original.write(to: folder.file("e"))
    let read = try EnsembleDirectory.read(folder.file("e"))
    #expect(read.members.count == 3 && read.environment == "hopper")
    for (a, b) in zip(read.members, original.members) {
      #expect(a.parts.map(\.name) == ["actor", "critic"])
      for (x, y) in zip(a.parts, b.parts) {
        #expect(x.networks.map(\.network.parameters) == y.networks.map(\.network.parameters))
        #expect(x.targets?.map(\.network.parameters) == y.targets?.map(\.network.parameters))
      }
    }
    #expect(
      TemporaryDirectory.names(folder.file("e/member-1"))
        == (targets
        ? ["actor", "critic1", "critic2", "target1", "target2"] : ["actor", "critic1", "critic2"])
        .map { $0 + ".safetensors" })
  }

  @Test func rewritingWithoutTargetsRemovesThem() throws {
    try ensemble(targets: true).write(to: folder.file("e"))
    try ensemble().write(to: folder.file("e"))
    #expect(try EnsembleDirectory.read(folder.file("e")).members[0].part("critic")?.targets == nil)
  }

  @Test func refusedEnsembles() throws {
    let path = folder.file("e")
    func refusal(_ change: () throws -> Void) throws -> String {
      try? FileManager.default.removeItem(atPath: path)
      try ensemble().write(to: path)
      try change()
      do throws(EnsembleDirectoryError) {
        _ = try EnsembleDirectory.read(path)
        return "accepted"
      } catch {
        return error.description
      }
    }
    let remove = FileManager.default.removeItem(atPath:)
    #expect(try refusal {}.contains("accepted"))
    #expect(
      try refusal { try remove(path + "/member-1") }
        == "\(path): expected 'member-1' because 'member-2' is there, found none")
    #expect(
      try refusal { try remove(path + "/member-1/critic2.safetensors") }
        == "\(path)/member-1/critic2.safetensors: the file is missing")
    #expect(
      try refusal {
        for index in 0..<3 { try remove(path + "/member-\(index)") }
      }.contains("not an ensemble"))
    #expect(try refusal { try remove(path) }.contains("cannot open"))
    let mismatch = try refusal {
      try policy([4, 6]).write(to: path + "/member-2/actor.safetensors")
    }
    #expect(mismatch.contains("member-2/actor.safetensors"))
    #expect(mismatch.contains("expected 3 → 4 → 5 → 4") && mismatch.contains("found 3 → 4 → 6 → 4"))
    #expect(
      try refusal { try critic(inputs: 6).write(to: path + "/member-0/critic2.safetensors") }
        .contains("member-0/critic2.safetensors: layer sizes: expected 5 →"))
    #expect(
      try refusal {
        for i in 0..<3 {
          for j in 1...2 {
            try critic(inputs: 6).write(to: path + "/member-\(i)/critic\(j).safetensors")
          }
        }
      }.contains("inputs (observation and action): expected 5 as in member-0, found 6"))
    #expect(
      try refusal { try critic().write(to: path + "/member-0/target1.safetensors") }
        .contains("member-0/target2.safetensors: the file is missing"))
    #expect(
      try refusal { try critic().write(to: path + "/member-0/actor.safetensors") }
        .contains("'kind': expected tanh-gaussian, found critic"))
  }

  @Test(.enabled(if: Resources.shared("pretrained") != nil, "the genuine weights are not here"))
  func genuineMember() throws {
    let base = Resources.shared("pretrained/off2onrl-halfcheetah-medium-v0")!.path
    let actor = try NetworkFile.read(base + "/seed0-actor.safetensors", as: .policy)
    #expect(actor.network.shape.parameterCount == 73_484)
    let critic = try NetworkFile.read(base + "/seed0-critic1.safetensors", as: .critic)
    #expect(critic.network.shape.parameterCount == 72_193)
  }
}
