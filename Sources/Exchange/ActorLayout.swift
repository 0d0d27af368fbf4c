import Agents
import Autodiff
import RLCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How another program names the tensors of an actor.
struct ActorLayout: Sendable {
  /// Where log σ comes from.
  enum LogStd: Sendable {
    case none
    /// A head of its own on the same body.
    case head(String)
    /// One number for each action; with a range, the sigmoid of the parameter goes over that range.
    case parameter(String, sigmoidOver: LogStdBounds?)
    /// The second half of the last layer's outputs, scaled and shifted by two numbers of the file.
    case secondHalf(scale: String, offset: String)
  }

  let name: String
  let role: NetworkRole
  /// Before the number of a layer, such as `trunk.` in `trunk.0.weight`.
  let layers: String
  /// The means' layer; `nil`: the last of the numbered ones.
  var head: String?
  var logStd = LogStd.none
  var squashesMean = false
  var logStdBounds = LogStdBounds.standard
  /// Names without which it is not this layout.
  let marks: [String]

  private static let iqlBounds = LogStdBounds(lower: -5, upper: 2)

  /// More particular ones first. Sources: rlkit `torch/sac/policies/gaussian_policy.py`; CORL
  /// `algorithms/offline/*.py` and `finetune/*.py`; Stable-Baselines3 `sac/policies.py`, `td3/policies.py`;
  /// d3rlpy `models/torch/policies.py`.
  static let all = [
    ActorLayout(
      name: "rlkit", role: .policy, layers: "fc", head: "last_fc",
      logStd: .head("last_fc_log_std"), marks: ["fc0.weight", "last_fc_log_std.weight"]),
    ActorLayout(
      name: "CORL CQL, Cal-QL", role: .policy, layers: "base_network.",
      logStd: .secondHalf(scale: "log_std_multiplier.constant", offset: "log_std_offset.constant"),
      marks: ["base_network.0.weight", "log_std_multiplier.constant"]),
    ActorLayout(
      name: "CORL SAC-N, EDAC", role: .policy, layers: "trunk.", head: "mu",
      logStd: .head("log_sigma"), logStdBounds: iqlBounds,
      marks: ["trunk.0.weight", "log_sigma.weight"]),
    ActorLayout(
      name: "CORL IQL", role: .gaussian, layers: "net.net.",
      logStd: .parameter("log_std", sigmoidOver: nil), squashesMean: true,
      marks: ["net.net.0.weight", "log_std"]),
    ActorLayout(
      name: "CORL IQL, deterministic", role: .deterministic, layers: "net.net.",
      marks: ["net.net.0.weight"]),
    ActorLayout(
      name: "CORL AWAC", role: .gaussian, layers: "_mlp.",
      logStd: .parameter("_log_std", sigmoidOver: nil), marks: ["_mlp.0.weight", "_log_std"]),
    ActorLayout(
      name: "CORL TD3+BC, BC, SPOT", role: .deterministic, layers: "net.", marks: ["net.0.weight"]
    ),
    ActorLayout(
      name: "Stable-Baselines3 SAC", role: .policy, layers: "latent_pi.", head: "mu",
      logStd: .head("log_std"), marks: ["latent_pi.0.weight", "log_std.weight"]),
    ActorLayout(
      name: "Stable-Baselines3 TD3", role: .deterministic, layers: "mu.", marks: ["mu.0.weight"]),
    ActorLayout(
      name: "d3rlpy SAC, CQL, Cal-QL", role: .policy, layers: "_encoder._layers.", head: "_mu",
      logStd: .head("_logstd"), marks: ["_mu.weight", "_logstd.weight"]),
    ActorLayout(
      name: "d3rlpy IQL, AWAC", role: .gaussian, layers: "_encoder._layers.", head: "_mu",
      logStd: .parameter("_logstd", sigmoidOver: iqlBounds), squashesMean: true,
      marks: ["_mu.weight", "_logstd"]),
    ActorLayout(
      name: "d3rlpy TD3, TD3+BC, DDPG, BC", role: .deterministic, layers: "_encoder._layers.",
      head: "_fc", marks: ["_fc.weight", "_encoder._layers.0.weight"]),
  ]

  func isRecognized(in tensors: NamedTensors) -> Bool {
    marks.allSatisfy { tensors[$0] != nil }
  }

  // MARK: Translation

  /// Tensors under our names, and whose they are.
  struct Translation {
    var tensors: NamedTensors
    var sources: [String: String]

    /// An error about our names as one about theirs.
    func theirs(_ error: NetworkFileError) -> ExchangeError {
      switch error {
      case .tensor(let file, let name, let expected, let actual):
        .tensor(file: file, name: sources[name] ?? name, expected: expected, actual: actual)
      default: .kind(expected: "an actor", actual: "\(error)")
      }
    }
  }

  /// - Parameter prefix: what stood before all names, for messages.
  func translate(
    _ theirs: NamedTensors, prefix: String, file: String, logStdBounds: LogStdBounds?
  ) throws(ExchangeError) -> Translation {
    var result = Translation(tensors: NamedTensors(), sources: [:])
    var missing: [String] = []
    func take(_ name: String, as own: String) {
      guard let tensor = theirs[name] else { return missing.append(prefix + name) }
      result.tensors[own] = tensor
      result.sources[own] = prefix + name
    }
    func takeLayer(_ name: String, as own: String) {
      for kind in ["weight", "bias"] { take("\(name).\(kind)", as: "\(own).\(kind)") }
    }
    let numbered = layerNumbers(theirs)
    let bodies = head == nil ? numbered.dropLast() : numbered[...]
    for (index, number) in bodies.enumerated() {
      takeLayer("\(layers)\(number)", as: "fc\(index)")
    }
    takeLayer(head ?? "\(layers)\(numbered.last ?? 0)", as: "last_fc")
    var numbers: [String] = []
    switch logStd {
    case .none: break
    case .head(let name): takeLayer(name, as: "last_fc_log_std")
    case .parameter(let name, _): take(name, as: "log_std")
    case .secondHalf(let scale, let offset):
      numbers = [scale, offset]
      missing += numbers.filter { theirs[$0] == nil }.map { prefix + $0 }
    }
    for name in ["normalizer.mean", "normalizer.std"] where theirs[name] != nil {
      result.tensors[name] = theirs[name]
    }
    let known = Set(result.sources.values).union(numbers.map { prefix + $0 })
      .union(["normalizer.mean", "normalizer.std"].map { prefix + $0 })
    let unexpected = theirs.tensors.keys.map { prefix + $0 }.filter { !known.contains($0) }
    guard missing.isEmpty, unexpected.isEmpty else {
      throw .names(
        file: file, layout: name, missing: missing.sorted(), unexpected: unexpected.sorted())
    }
    try adapt(&result, theirs, file: file, bounds: logStdBounds)
    return result
  }

  /// Numbers of the layers in the file; activations and dropout leave gaps.
  private func layerNumbers(_ tensors: NamedTensors) -> [Int] {
    tensors.tensors.keys.compactMap { name in
      guard name.hasPrefix(layers), name.hasSuffix(".weight") else { return nil }
      return Int(name.dropFirst(layers.count).dropLast(".weight".count))
    }.sorted()
  }

  /// What differs in meaning, not in names.
  private func adapt(
    _ translation: inout Translation, _ theirs: NamedTensors, file: String, bounds: LogStdBounds?
  ) throws(ExchangeError) {
    let bounds = bounds ?? logStdBounds
    switch logStd {
    case .none: break
    case .head: break
    case .parameter(let name, let range):
      let values = try floats(theirs[name]!, name, file)
      let range = range.map { _ in bounds == .standard ? ActorLayout.iqlBounds : bounds }
      translation.tensors["log_std"] = Tensor(
        .float32(
          values.map { value in
            guard let range else { return min(max(value, bounds.lower), bounds.upper) }
            return range.lower + (range.upper - range.lower) / (1 + expf(-value))
          }))
    case .secondHalf(let scale, let offset):
      try split(
        &translation, scale: try number(theirs[scale]!, scale, file),
        offset: try number(theirs[offset]!, offset, file), file)
    }
    if role == .policy && bounds != .standard {
      translation.tensors.metadata["log_std_min"] = "\(bounds.lower)"
      translation.tensors.metadata["log_std_max"] = "\(bounds.upper)"
    }
    if role == .gaussian { translation.tensors.metadata["mean"] = squashesMean ? "tanh" : "plain" }
  }

  /// The last layer's outputs as two heads, with log σ = scale·x + offset in the second.
  private func split(
    _ translation: inout Translation, scale: Float, offset: Float, _ file: String
  ) throws(ExchangeError) {
    let (weightName, biasName) = ("last_fc.weight", "last_fc.bias")
    let (weight, bias) = (translation.tensors[weightName]!, translation.tensors[biasName]!)
    guard weight.shape.count == 2, weight.shape[0] % 2 == 0, bias.shape == [weight.shape[0]] else {
      throw .tensor(
        file: file, name: translation.sources[weightName]!,
        expected: "shape [2 × actions, inputs] and a bias for each output",
        actual: "shapes \(weight.shape) and \(bias.shape)")
    }
    let (actions, inputs) = (weight.shape[0] / 2, weight.shape[1])
    let weights = try floats(weight, translation.sources[weightName]!, file)
    let biases = try floats(bias, translation.sources[biasName]!, file)
    translation.tensors[weightName] = Tensor(
      .float32(Array(weights[..<(actions * inputs)])), shape: [actions, inputs])
    translation.tensors[biasName] = Tensor(.float32(Array(biases[..<actions])))
    translation.tensors["last_fc_log_std.weight"] = Tensor(
      .float32(weights[(actions * inputs)...].map { scale * $0 }), shape: [actions, inputs])
    translation.tensors["last_fc_log_std.bias"] = Tensor(
      .float32(biases[actions...].map { scale * $0 + offset }))
    for kind in ["weight", "bias"] {
      translation.sources["last_fc_log_std.\(kind)"] = translation.sources["last_fc.\(kind)"]
    }
  }

  private func number(
    _ tensor: Tensor, _ name: String, _ file: String
  ) throws(ExchangeError) -> Float {
    let values = try floats(tensor, name, file)
    guard values.count == 1 else {
      throw .tensor(
        file: file, name: name, expected: "one number", actual: "shape \(tensor.shape)")
    }
    return values[0]
  }

  private func floats(
    _ tensor: Tensor, _ name: String, _ file: String
  ) throws(ExchangeError) -> [Float] {
    switch tensor.elements {
    case .float32(let values): return values
    case .float64(let values): return values.map { Float($0) }
    case .int64, .uint8:
      throw .tensor(
        file: file, name: name, expected: "floating-point numbers", actual: "integers")
    }
  }
}
