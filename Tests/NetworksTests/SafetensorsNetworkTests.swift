import DenseMath
import Foundation
import RLCore
import TestSupport
import Testing

@testable import Networks

@Suite struct SafetensorsNetworkTests {
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

  @Test func namesAndShapes() throws {
    let tensors = policy().tensors
    #expect(
      tensors.tensors.mapValues(\.shape) == [
        "fc0.weight": [4, 3], "fc0.bias": [4], "fc1.weight": [5, 4], "fc1.bias": [5],
        "last_fc.weight": [2, 5], "last_fc.bias": [2], "last_fc_log_std.weight": [2, 5],
        "last_fc_log_std.bias": [2],
      ])
    #expect(
      tensors.metadata == ["kind": "tanh-gaussian", "environment": "hopper", "odd": "kept"])
    // The second half of the head's outputs is the log-std.
    let network = policy().network
    let head = network.layout.head
    guard case .float32(let bias) = tensors["last_fc_log_std.bias"]!.elements else { return }
    #expect(bias == Array(network.parameters[head.bias + 2..<head.bias + 4]))
    guard case .float32(let weight) = tensors["last_fc_log_std.weight"]!.elements else { return }
    #expect(weight == Array(network.parameters[head.weight + 10..<head.weight + 20]))
    #expect(
      Set(critic([3]).tensors.tensors.keys) == [
        "fc0.weight", "fc0.bias", "last_fc.weight", "last_fc.bias",
      ])
  }

  @Test func networkRoundTrip() throws {
    for original in [policy(), policy([7, 6, 5]), critic(), critic([1])] {
      let path = folder.file("n.safetensors")
      try original.write(to: path)
      let read = try NetworkFile.read(path, as: original.role)
      #expect(read.network.shape == original.network.shape)
      #expect(read.network.parameters == original.network.parameters)
      #expect(read.metadata["odd"] == original.metadata["odd"])
    }
  }

  private func refusal(
    _ role: NetworkRole = .policy, _ change: (inout NamedTensors) -> Void
  ) -> String {
    var tensors = (role == .policy ? policy() : critic()).tensors
    change(&tensors)
    do throws(NetworkFileError) {
      _ = try NetworkFile(tensors, as: role, file: "somewhere.safetensors")
      return "accepted"
    } catch {
      return error.description
    }
  }

  @Test func refusedNetworks() {
    func expect(_ words: String, _ message: String) {
      #expect(message.contains(words), "\(message)")
      #expect(message.contains("somewhere.safetensors"))
    }
    expect("'last_fc.weight': expected a tensor", refusal { $0["last_fc.weight"] = nil })
    expect("'fc0.weight': expected a tensor", refusal { $0["fc0.weight"] = nil })
    expect("'fc1.bias': expected a tensor", refusal { $0["fc1.bias"] = nil })
    expect("'last_fc_log_std.bias'", refusal { $0["last_fc_log_std.bias"] = nil })
    expect("'fc3.weight': expected no such", refusal { $0["fc3.weight"] = $0["fc1.weight"] })
    expect("'last_fc.weight': expected shape [outputs, 4]", refusal { $0["fc1.weight"] = nil })
    expect(
      "'fc0.bias': expected shape [4], found shape [5]",
      refusal { $0["fc0.bias"] = Tensor(.float32([0, 0, 0, 0, 0])) })
    expect(
      "'fc0.bias': expected float32", refusal { $0["fc0.bias"] = Tensor(.float64([0, 0, 0, 0])) })
    expect(
      "'fc0.bias': expected finite numbers, found nan at position 2",
      refusal { $0["fc0.bias"] = Tensor(.float32([0, 0, .nan, 0])) })
    expect(
      "'fc0.weight': expected shape", refusal { $0["fc0.weight"] = Tensor(.float32([1, 2, 3])) })
    expect(
      "'fc0.weight': expected shape",
      refusal { $0["fc0.weight"] = Tensor(.float32([]), shape: [0, 3]) })
    expect("expected tanh-gaussian, found critic", refusal { $0.metadata["kind"] = "critic" })
    expect(
      "no such tensor in a critic",
      refusal(.critic) { $0["last_fc_log_std.bias"] = $0["last_fc.bias"] })
    expect(
      "[1, 5] of a critic",
      refusal(.critic) {
        $0["last_fc.weight"] = Tensor(.float32([Float](repeating: 0, count: 10)), shape: [2, 5])
      })
  }

  private func ensemble(targets: Bool = false) -> EnsembleDirectory {
    EnsembleDirectory(
      members: (0..<3).map { (index: UInt64) in
        EnsembleMember(
          actor: policy(seed: index),
          critics: [critic(seed: 10 + index), critic(seed: 20 + index)],
          targets: targets ? [critic(seed: 30 + index), critic(seed: 40 + index)] : nil)
      }, distilled: targets ? policy([9], seed: 7) : nil)
  }

  @Test(arguments: [false, true]) func ensembleRoundTrip(_ targets: Bool) throws {
    let original = ensemble(targets: targets)
    try original.write(to: folder.file("e"))
    let read = try EnsembleDirectory.read(folder.file("e"))
    #expect(read.members.count == 3 && read.observationSize == 3 && read.actionSize == 2)
    for (a, b) in zip(read.members, original.members) {
      #expect(a.actor.network.parameters == b.actor.network.parameters)
      #expect(a.critics.map(\.network.parameters) == b.critics.map(\.network.parameters))
      #expect(a.targets?.map(\.network.parameters) == b.targets?.map(\.network.parameters))
    }
    #expect(read.distilled?.network.parameters == original.distilled?.network.parameters)
    #expect(
      TemporaryDirectory.names(folder.file("e/member-1"))
        == (targets
        ? ["actor", "critic1", "critic2", "target1", "target2"] : ["actor", "critic1", "critic2"])
        .map { $0 + ".safetensors" })
  }

  @Test func rewritingWithoutTargetsRemovesThem() throws {
    try ensemble(targets: true).write(to: folder.file("e"))
    try ensemble().write(to: folder.file("e"))
    #expect(try EnsembleDirectory.read(folder.file("e")).members[0].targets == nil)
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
      try refusal { try policy(inputs: 8).write(to: path + "/distilled.safetensors") }
        .contains("distilled.safetensors: policy: expected 3 →"))
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
