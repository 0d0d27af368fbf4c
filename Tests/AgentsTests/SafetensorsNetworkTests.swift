import DenseMath
import Foundation
import Autodiff
import RLCore
import TestSupport
import Testing

@testable import Agents

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
    expect("missing last_fc.weight;", refusal { $0["last_fc.weight"] = nil })
    expect("missing fc0.weight, superfluous fc1", refusal { $0["fc0.weight"] = nil })
    expect("missing fc1.bias; expected fc0.weight, fc0.bias, fc1", refusal { $0["fc1.bias"] = nil })
    expect("missing last_fc_log_std.bias", refusal { $0["last_fc_log_std.bias"] = nil })
    expect("superfluous fc3.weight; expected", refusal { $0["fc3.weight"] = $0["fc1.weight"] })
    expect("superfluous fc1.bias; expected", refusal { $0["fc1.weight"] = nil })
    expect(
      "'last_fc.weight': expected shape [outputs, 4]",
      refusal {
        $0["fc1.weight"] = nil
        $0["fc1.bias"] = nil
      })
    expect(
      "'fc0.bias': expected shape [4], found shape [5]",
      refusal { $0["fc0.bias"] = Tensor(.float32([0, 0, 0, 0, 0])) })
    expect(
      "'fc0.bias': expected float32, float16, bfloat16 or float64, found integers",
      refusal { $0["fc0.bias"] = Tensor(.int64([0, 0, 0, 0])) })
    expect(
      "'fc0.bias': expected finite numbers, found inf",
      refusal { $0["fc0.bias"] = Tensor(.float64([0, 0, 1e39, 0])) })
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
      "not the tensors of a critic network, superfluous last_fc_log_std.bias",
      refusal(.critic) { $0["last_fc_log_std.bias"] = $0["last_fc.bias"] })
    expect(
      "[1, 5] of a critic",
      refusal(.critic) {
        $0["last_fc.weight"] = Tensor(.float32([Float](repeating: 0, count: 10)), shape: [2, 5])
      })
  }
}
