import DenseMath
import Foundation
import Autodiff
import RLCore
import TestSupport
import Testing

@testable import Agents

/// Every kind of network under D4RL's names, and what the metadata add.
@Suite struct NetworkKindTests {
  private let folder = TemporaryDirectory()

  /// 3 inputs, two hidden layers, no two parameters alike.
  private func network(outputs: Int, layerNorm: Bool = false) -> Network {
    let network = Network(
      shape: NetworkShape(
        inputSize: 3, hiddenSizes: [5, 4], outputSize: outputs, normalizesLayers: layerNorm))
    var generator = RandomStream(seed: 1, purpose: "test/network")
    network.initialize(.torch, using: &generator)
    // Scales and shifts of layer norms too.
    network.parameters = network.parameters.enumerated().map { $1 + Float($0) / 1000 }
    return network
  }

  private func file(_ role: NetworkRole, layerNorm: Bool = false) -> NetworkFile {
    var file = NetworkFile(
      network(outputs: role == .critic ? 1 : 4, layerNorm: layerNorm), role: role,
      metadata: ["environment": "hopper", "odd": "kept"])
    if role.isPolicy {
      file.normalizer = ObservationNormalizer(mean: [1, -2, 0.5], std: [2, 0.25, 3])
    }
    return file
  }

  private func read(_ file: NetworkFile) throws -> NetworkFile {
    try file.write(to: folder.file("n"))
    return try NetworkFile.read(folder.file("n"), as: file.role)
  }

  @Test(arguments: NetworkRole.allCases, [false, true])
  func roundTrip(role: NetworkRole, layerNorm: Bool) throws {
    let original = file(role, layerNorm: layerNorm)
    let read = try read(original)
    #expect(read.network.shape == original.network.shape)
    #expect(read.network.parameters == original.network.parameters)
    #expect(read.normalizer == original.normalizer)
    #expect(read.tensors == original.tensors)
    #expect(read.metadata["odd"] == "kept" && read.environment == "hopper")
    let names = Set(read.tensors.tensors.keys)
    #expect(names.isSuperset(of: ["ln0.weight", "ln0.bias", "ln1.weight"]) == layerNorm)
    #expect(names.contains("last_fc_log_std.weight") == (role == .policy))
    #expect(names.contains("log_std") == (role == .gaussian))
    #expect(names.contains("normalizer.mean") == role.isPolicy)
  }

  /// Scale and shift of a layer norm are its weight and its bias.
  @Test func layerNormNames() throws {
    let file = file(.critic, layerNorm: true)
    let layer = ParameterLayout(file.network.shape).layers[1]
    let all = file.network.parameters
    let tensors = file.tensors
    #expect(tensors["ln1.weight"] == Tensor(.float32(Array(all[layer.scale..<layer.scale + 4]))))
    #expect(tensors["ln1.bias"] == Tensor(.float32(Array(all[layer.shift..<layer.shift + 4]))))
    var half = tensors
    half["ln1.bias"] = nil
    #expect(throws: NetworkFileError.self) {
      try NetworkFile(half, as: .critic, file: "x")
    }
  }

  private func actions(_ policy: any Policy, _ selection: ActionSelection) -> [ChosenAction] {
    var stream = RandomStream(seed: 3, purpose: "actions")
    return (0..<4).map { row in
      policy.action(
        for: [Float(row), -1, 0.5], selection: selection, using: &stream)
    }
  }

  @Test(arguments: ActionSelection.allCases)
  func deterministicPolicy(selection: ActionSelection) throws {
    var original = file(.deterministic)
    original.normalizer = nil
    original.explorationNoise = 0.03
    let policy = try #require(read(original).policy as? DeterministicPolicy)
    #expect(policy.explorationNoise == 0.03)
    let expected = DeterministicPolicy(network: original.network, explorationNoise: 0.03)
    #expect(actions(policy, selection) == actions(expected, selection))
  }

  @Test(arguments: [false, true]) func gaussianPolicy(squashes: Bool) throws {
    var original = file(.gaussian)
    original.normalizer = nil
    original.logStds = [-1, -2, 0.5, -5]
    original.squashesMean = squashes
    let policy = try #require(read(original).policy)
    let expected = PlainGaussianPolicy(
      network: original.network, logStds: [-1, -2, 0.5, -5], squashesMean: squashes)
    for selection in ActionSelection.allCases {
      #expect(actions(policy, selection) == actions(expected, selection))
    }
    #expect(actions(policy, .mean) != actions(policy, .sample))
  }

  @Test func boundsOfTheDeviation() throws {
    var original = file(.policy)
    original.normalizer = nil
    #expect(try (read(original).policy as? GaussianPolicy)?.logStdBounds == .standard)
    original.logStdBounds = LogStdBounds(lower: -5, upper: 1.5)
    #expect(
      try (read(original).policy as? GaussianPolicy)?.logStdBounds
        == LogStdBounds(lower: -5, upper: 1.5))
  }

  /// The policy normalises first: it does what the network would do with (s − mean)/std.
  @Test func normalizedPolicy() throws {
    let original = file(.policy)
    let policy = try #require(read(original).policy)
    let bare = GaussianPolicy(network: original.network)
    var (a, b) = (RandomStream(seed: 1, purpose: "x"), RandomStream(seed: 1, purpose: "x"))
    #expect(
      policy.action(for: [3, -1, 6.5], selection: .mean, using: &a)
        != bare.action(for: [3, -1, 6.5], selection: .mean, using: &b))
    #expect(
      policy.action(for: [3, -1, 6.5], selection: .sample, using: &a)
        == bare.action(for: [1, 4, 2], selection: .sample, using: &b))
  }

  @Test func refusedDetails() {
    func refusal(_ role: NetworkRole, _ change: (inout NamedTensors) -> Void) -> String {
      var tensors = file(role).tensors
      change(&tensors)
      do throws(NetworkFileError) {
        _ = try NetworkFile(tensors, as: role, file: "somewhere")
        return "accepted"
      } catch {
        return error.description
      }
    }
    #expect(refusal(.gaussian) { $0["log_std"] = nil }.contains("missing log_std;"))
    #expect(
      refusal(.gaussian) { $0["log_std"] = Tensor(.float32([1])) }.contains("expected shape [4]"))
    #expect(refusal(.gaussian) { $0.metadata["mean"] = "sigmoid" }.contains("'sigmoid'"))
    #expect(
      refusal(.deterministic) { $0.metadata["exploration_noise"] = "much" }
        .contains("'exploration_noise': expected a number, found 'much'"))
    #expect(
      refusal(.deterministic) { $0.metadata["exploration_noise"] = "-0.1" }
        .contains("expected at least 0, found -0.1"))
    #expect(
      refusal(.policy) { $0.metadata["log_std_min"] = "2.5" }
        .contains("'log_std_min': expected less than 2.0, found 2.5"))
    #expect(refusal(.policy) { $0["normalizer.std"] = nil }.contains("missing normalizer.std"))
    #expect(
      refusal(.policy) { $0["normalizer.std"] = Tensor(.float32([1, 0, 1])) }
        .contains("'normalizer.std': expected numbers above 0, found 0.0 at position 1"))
    #expect(
      refusal(.critic) {
        $0["normalizer.mean"] = Tensor(.float32([1, 0, 1]))
        $0["normalizer.std"] = Tensor(.float32([1, 1, 1]))
      }.contains("superfluous normalizer.mean, normalizer.std"))
    #expect(
      refusal(.gaussian) { $0.metadata["kind"] = "deterministic" }
        .contains("expected gaussian, found deterministic"))
  }

  @Test func onlyPoliciesAct() throws {
    try file(.critic).write(to: folder.file("c"))
    let error = #expect(throws: NetworkFileError.self) {
      try NetworkFile.readPolicy(folder.file("c"))
    }
    #expect(
      error?.description.contains("tanh-gaussian, deterministic, gaussian, found critic") == true)
    #expect(file(.critic).policy == nil && file(.network).policy == nil)
  }

  // MARK: Types of elements

  /// A policy's file with its weights in another type: header and data made by hand.
  private func converted(
    _ type: String, _ tensors: NamedTensors, _ bytes: (Float) -> [UInt8]
  ) throws -> String {
    var (data, members): ([UInt8], [String]) = ([], [])
    for (name, tensor) in tensors.tensors.sorted(by: { $0.key < $1.key }) {
      guard case .float32(let values) = tensor.elements else { continue }
      let start = data.count
      for value in values { data += bytes(value) }
      members.append(
        "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(tensor.shape),"
          + "\"data_offsets\":[\(start),\(data.count)]}")
    }
    let header = Array("{\(members.joined(separator: ","))}".utf8)
    let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
    let path = folder.file(type)
    try Data(length + header + data).write(to: URL(fileURLWithPath: path))
    return path
  }

  private func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  @Test func otherFloats() throws {
    var original = file(.policy)
    original.normalizer = nil
    // Quarters: every type holds them exactly.
    let count = original.network.parameters.count
    original.network.parameters = (0..<count).map { Float($0 % 64) / 4 - 8 }
    let half = try converted("F16", original.tensors) { self.bytes(Float16($0).bitPattern) }
    let brain = try converted("BF16", original.tensors) {
      self.bytes(UInt16($0.bitPattern >> 16))
    }
    let double = try converted("F64", original.tensors) { self.bytes(Double($0).bitPattern) }
    for path in [half, brain, double] {
      let read = try NetworkFile.read(path, as: .policy)
      #expect(read.network.parameters == original.network.parameters, "\(path)")
      // Written again they are float32.
      #expect(read.tensors.tensors == original.tensors.tensors)
    }
    let other = try converted("I8", original.tensors) { _ in [0] }
    let error = #expect(throws: NetworkFileError.self) { try NetworkFile.read(other, as: .policy) }
    #expect(error?.description.contains("found I8") == true)
  }

  @Test func allHalfPrecisionNumbers() {
    for bits in UInt16.min...UInt16.max {
      let (mine, exact) = (Float(halfPrecision: bits), Float(Float16(bitPattern: bits)))
      if exact.isNaN {
        #expect(mine.isNaN)
      } else if mine.bitPattern != exact.bitPattern {
        Issue.record("\(bits): \(mine) instead of \(exact)")
      }
    }
  }

  @Test(
    .enabled(if: Resources.shared("cases/f16.safetensors") != nil, "the cases are not here"))
  func genuineHalfPrecision() throws {
    let half = try NetworkFile.read(
      Resources.shared("cases/f16.safetensors")!.path, as: .policy)
    #expect(half.network.shape.inputSize == 11 && half.actionSize == 3)
  }
}
