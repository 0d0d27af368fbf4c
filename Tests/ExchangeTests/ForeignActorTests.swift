import Agents
import Autodiff
import DenseMath
import Foundation
import RLCore
import TestSupport
import Testing

@testable import Exchange

/// Actors under the names of other programs. The names were taken from these programs; that actions are equal to
/// theirs is checked by `make check-exchange`, here they are compared with a network in plain loops.
@Suite struct ForeignActorTests {
  private static let sizes = [5, 7, 6, 3]

  /// One layer for each name, random and reproducible, and the numbers of all layers in one array.
  private func tensors(
    _ layers: [String], sizes: [Int] = Self.sizes, seed: UInt64 = 1
  ) -> (NamedTensors, [Double]) {
    var stream = RandomStream(seed: seed, purpose: "test/foreign")
    var (result, parameters) = (NamedTensors(), [Double]())
    for (index, layer) in layers.enumerated() {
      let (inputs, outputs) = (sizes[index], sizes[index + 1])
      let weight = (0..<inputs * outputs).map { _ in Float(stream.uniform(-0.9, 0.9)) }
      let bias = (0..<outputs).map { _ in Float(stream.uniform(-0.9, 0.9)) }
      result["\(layer).weight"] = Tensor(.float32(weight), shape: [outputs, inputs])
      result["\(layer).bias"] = Tensor(.float32(bias))
      parameters += (weight + bias).map(Double.init)
    }
    return (result, parameters)
  }

  private let observation: [Float] = [0.3, -0.7, 1.2, 0.1, -0.4]

  private func outputs(_ parameters: [Double], sizes: [Int] = Self.sizes) -> [Double] {
    PlainNetwork(sizes: sizes).outputs(parameters, observation.map(Double.init))
  }

  private func action(_ actor: ForeignActor) throws -> [Float] {
    var stream = RandomStream(seed: 0, purpose: "test/unused")
    return try #require(actor.network.policy)
      .action(for: observation, selection: .mean, using: &stream).action
  }

  static let deterministic: [(program: String, layers: [String])] = [
    ("CORL TD3+BC, BC, SPOT", ["net.0", "net.2", "net.4"]),
    ("CORL IQL, deterministic", ["net.net.0", "net.net.3", "net.net.6"]),
    ("Stable-Baselines3 TD3", ["actor.mu.0", "actor.mu.2", "actor.mu.4"]),
    (
      "d3rlpy TD3, TD3+BC, DDPG, BC", ["_encoder._layers.0", "_encoder._layers.2", "_fc"]
    ),
  ]

  @Test(arguments: deterministic)
  func deterministicActors(program: String, layers: [String]) throws {
    let (tensors, parameters) = tensors(layers)
    let actor = try ForeignActor(tensors, file: "x")
    #expect(actor.program == program && actor.leftAside.isEmpty)
    #expect(normalizedError(try action(actor), outputs(parameters).map { tanh($0) }) < 1e-6)
  }

  static let twoHeads: [(program: String, body: [String], mean: String, logStd: String)] = [
    ("rlkit", ["fc0", "fc1"], "last_fc", "last_fc_log_std"),
    ("CORL SAC-N, EDAC", ["trunk.0", "trunk.2"], "mu", "log_sigma"),
    ("Stable-Baselines3 SAC", ["latent_pi.0", "latent_pi.2"], "mu", "log_std"),
    (
      "d3rlpy SAC, CQL, Cal-QL", ["_encoder._layers.0", "_encoder._layers.2"], "_mu", "_logstd"
    ),
  ]

  @Test(arguments: twoHeads.indices)
  func actorsOfTwoHeads(index: Int) throws {
    let (program, body, mean, logStd) = Self.twoHeads[index]
    var (tensors, parameters) = tensors(body + [mean])
    let (spread, spreadParameters) = self.tensors([logStd], sizes: [6, 3], seed: 2)
    for (name, tensor) in spread.tensors { tensors[name] = tensor }
    let actor = try ForeignActor(tensors, file: "x")
    #expect(actor.program == program)
    #expect(normalizedError(try action(actor), outputs(parameters).map { tanh($0) }) < 1e-6)
    // The other head, on the same body.
    let policy = try #require(actor.network.policy as? GaussianPolicy)
    let head = policy.heads(for: Matrix(rows: 1, columns: 5, elements: observation))
    let below = parameters.prefix(parameters.count - 21)
    let expected = outputs(Array(below) + spreadParameters)
    #expect(normalizedError(head.elements.suffix(3), expected) < 1e-6)
    #expect(policy.logStdBounds.lower == (program == "CORL SAC-N, EDAC" ? -5 : -20))
  }

  /// log σ = scale·x + offset there.
  @Test func halvesOfOneLayer() throws {
    let sizes = [5, 7, 6, 6]
    var (tensors, parameters) = tensors(
      ["base_network.0", "base_network.2", "base_network.4"], sizes: sizes)
    tensors["log_std_multiplier.constant"] = Tensor(.float32([0.5]), shape: [])
    tensors["log_std_offset.constant"] = Tensor(.float32([-1]), shape: [])
    let actor = try ForeignActor(tensors, file: "x")
    #expect(actor.program == "CORL CQL, Cal-QL")
    let expected = outputs(parameters, sizes: sizes)
    #expect(normalizedError(try action(actor), expected.prefix(3).map { tanh($0) }) < 1e-6)
    let policy = try #require(actor.network.policy as? GaussianPolicy)
    let head = policy.heads(for: Matrix(rows: 1, columns: 5, elements: observation))
    #expect(
      normalizedError(head.elements.suffix(3), expected.suffix(3).map { 0.5 * $0 - 1 }) < 1e-6)

    tensors["log_std_offset.constant"] = nil
    let error = #expect(throws: ExchangeError.self) { try ForeignActor(tensors, file: "x") }
    #expect(error?.description.contains("missing: log_std_offset.constant") == true)
  }

  @Test func oneNumberForEachAction() throws {
    var (tensors, parameters) = tensors(["_mlp.0", "_mlp.2", "_mlp.4"])
    tensors["_log_std"] = Tensor(.float32([-0.5, 3, 0.25]))
    let awac = try ForeignActor(tensors, file: "x")
    #expect(awac.network.logStds == [-0.5, 2, 0.25])
    let expected = outputs(parameters).map { min(max($0, -1), 1) }
    #expect(normalizedError(try action(awac), expected) < 1e-6)
    let wide = LogStdBounds(lower: -0.1, upper: 4)
    #expect(
      try ForeignActor(tensors, file: "x", logStdBounds: wide).network.logStds == [-0.1, 3, 0.25])

    (tensors, parameters) = self.tensors(["net.net.0", "net.net.2", "net.net.4"])
    tensors["log_std"] = Tensor(.float32([-0.5, 0, 0.25]))
    let iql = try ForeignActor(tensors, file: "x")
    #expect(iql.program == "CORL IQL")
    #expect(normalizedError(try action(iql), outputs(parameters).map { tanh($0) }) < 1e-6)

    (tensors, parameters) = self.tensors(["_encoder._layers.0", "_encoder._layers.2", "_mu"])
    tensors["_logstd"] = Tensor(.float32([0, 2, -40]), shape: [1, 3])
    let d3rlpy = try ForeignActor(tensors, file: "x")
    let sigmoid = 1 / (1 + exp(-2.0))
    #expect(normalizedError(d3rlpy.network.logStds!, [-1.5, -5 + 7 * sigmoid, -5]) < 1e-6)
    #expect(normalizedError(try action(d3rlpy), outputs(parameters).map { tanh($0) }) < 1e-6)
  }

  @Test func whatStandsBesideIsNamed() throws {
    var (tensors, _) = tensors(["actor.mu.0", "actor.mu.2", "actor.mu.4"])
    tensors["critic.qf0.0.weight"] = Tensor(.float32([1]))
    tensors["normalizer.mean"] = Tensor(.float32([0.1, 0, 0, 0, 0]))
    tensors["normalizer.std"] = Tensor(.float32([1, 2, 1, 1, 1]))
    let actor = try ForeignActor(tensors, file: "x")
    #expect(actor.leftAside == ["critic.qf0.0.weight"])
    #expect(actor.network.normalizer?.std == [1, 2, 1, 1, 1])
  }

  @Test func errorsNameTheirTensors() throws {
    func refusal(_ tensors: NamedTensors) throws -> String {
      let error = #expect(throws: ExchangeError.self) { try ForeignActor(tensors, file: "x.st") }
      return error?.description ?? "-"
    }
    var (tensors, _) = tensors(["net.0", "net.2", "net.4"])
    tensors["net.2.weight"] = Tensor(.float32([Float](repeating: 1, count: 12)), shape: [6, 2])
    #expect(
      try refusal(tensors)
        == "x.st: tensor 'net.2.weight': expected shape [outputs, 7], found shape [6, 2]")
    tensors["net.2.weight"] = nil
    tensors["net.2.bias"] = nil
    tensors["net.1.weight"] = Tensor(.float32([1]))
    #expect(try refusal(tensors).contains("missing: net.1.bias"))
    #expect(
      try refusal(self.tensors(["trunk.0", "mu", "log_sigma"], sizes: [5, 6, 3, 3]).0)
        .contains("tensor 'log_sigma.weight': expected shape [3, 6], found shape [3, 3]"))
    var unknown = NamedTensors()
    unknown["dense/kernel"] = Tensor(.float32([1]))
    let text = try refusal(unknown)
    for word in ["x.st", "dense/kernel", "rlkit", "docs/exchange.md"] {
      #expect(text.contains(word))
    }
  }
}
