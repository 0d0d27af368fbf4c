import DenseMath
import Autodiff
public import RLCore

/// Keys of the metadata that say how a policy's network is used.
private enum PolicyKey {
  static let mean = "mean"
  static let explorationNoise = "exploration_noise"
  static let logStdMinimum = "log_std_min"
  static let logStdMaximum = "log_std_max"
}

/// Names of tensors beside the layers.
private enum TensorName {
  static let logStd = "log_std"
  static let trainedLogStd = "log_std_trained"
  static let normalizerMean = "normalizer.mean"
  static let normalizerStd = "normalizer.std"
}

extension NetworkFile {
  // MARK: Reading

  /// - Parameter file: a name for messages.
  public init(
    _ tensors: NamedTensors, as role: NetworkRole, file: String
  ) throws(NetworkFileError) {
    if let kind = tensors.metadata["kind"], kind != role.rawValue {
      throw .wrongKind(file: file, expected: role.rawValue, actual: kind)
    }
    let reader = TensorReader(tensors: tensors, file: file)
    try reader.checkNames(role)
    let shape = try reader.shape(role)
    let network = Network(shape: shape)
    for place in NetworkFile.places(shape, role) {
      let values = try reader.values(place.name, shape: place.shape)
      (network.values.base + place.offset).update(from: values, count: values.count)
    }
    self.init(network, role: role, metadata: tensors.metadata)
    if role == .gaussian {
      logStds = try reader.values(TensorName.logStd, shape: [shape.outputSize])
      if tensors[TensorName.trainedLogStd] != nil {
        trainedLogStds = try reader.values(TensorName.trainedLogStd, shape: [shape.outputSize])
      }
    }
    if tensors[TensorName.normalizerMean] != nil {
      normalizer = try reader.normalizer(shape.inputSize)
    }
    try readMetadata(reader)
  }

  private mutating func readMetadata(_ reader: TensorReader) throws(NetworkFileError) {
    if let text = metadata[PolicyKey.mean], role == .gaussian {
      guard ["tanh", "plain"].contains(text) else {
        throw .metadata(
          file: reader.file, key: PolicyKey.mean, expected: "tanh or plain", actual: "'\(text)'")
      }
      squashesMean = text == "tanh"
    }
    if role == .deterministic {
      explorationNoise = try reader.number(PolicyKey.explorationNoise) ?? explorationNoise
      guard explorationNoise >= 0 else {
        throw .metadata(
          file: reader.file, key: PolicyKey.explorationNoise, expected: "at least 0",
          actual: "\(explorationNoise)")
      }
    }
    if role == .policy {
      let standard = LogStdBounds.standard
      logStdBounds = LogStdBounds(
        lower: try reader.number(PolicyKey.logStdMinimum) ?? standard.lower,
        upper: try reader.number(PolicyKey.logStdMaximum) ?? standard.upper)
      guard logStdBounds.lower < logStdBounds.upper else {
        throw .metadata(
          file: reader.file, key: PolicyKey.logStdMinimum,
          expected: "less than \(logStdBounds.upper)", actual: "\(logStdBounds.lower)")
      }
    }
  }

  // MARK: Writing

  /// What ``write(to:)`` writes: float32 tensors under D4RL's names, and the metadata with the role
  /// as `kind`.
  public var tensors: NamedTensors {
    var result = NamedTensors(tensors: [:], metadata: metadata)
    result.metadata["kind"] = role.rawValue
    for place in NetworkFile.places(network.shape, role) {
      let values = UnsafeBufferPointer(
        start: UnsafePointer(network.values.base) + place.offset, count: place.shape.reduce(1, *))
      result[place.name] = Tensor(.float32(Array(values)), shape: place.shape)
    }
    switch role {
    case .gaussian:
      result.metadata[PolicyKey.mean] = squashesMean ? "tanh" : "plain"
      result[TensorName.logStd] = Tensor(.float32(logStds!))
      if let trainedLogStds { result[TensorName.trainedLogStd] = Tensor(.float32(trainedLogStds)) }
    case .deterministic: result.metadata[PolicyKey.explorationNoise] = "\(explorationNoise)"
    case .policy where logStdBounds != .standard:
      result.metadata[PolicyKey.logStdMinimum] = "\(logStdBounds.lower)"
      result.metadata[PolicyKey.logStdMaximum] = "\(logStdBounds.upper)"
    case .policy, .critic, .network: break
    }
    if let normalizer {
      result[TensorName.normalizerMean] = Tensor(.float32(normalizer.mean))
      result[TensorName.normalizerStd] = Tensor(.float32(normalizer.std))
    }
    return result
  }

  // MARK: Names

  /// Where one tensor stands among a network's parameters: whole, or some outputs of a layer.
  fileprivate struct Place {
    let name: String
    let offset: Int
    let shape: [Int]
  }

  fileprivate static func places(_ shape: NetworkShape, _ role: NetworkRole) -> [Place] {
    let layers = ParameterLayout(shape).layers
    var places: [Place] = []
    func add(_ name: String, _ layer: ParameterLayout.Layer, _ outputs: Range<Int>) {
      places.append(
        Place(
          name: "\(name).weight", offset: layer.weight + outputs.lowerBound * layer.inputs,
          shape: [outputs.count, layer.inputs]))
      places.append(
        Place(
          name: "\(name).bias", offset: layer.bias + outputs.lowerBound, shape: [outputs.count]))
    }
    for (index, layer) in layers.dropLast().enumerated() {
      add("fc\(index)", layer, 0..<layer.outputs)
      guard layer.isNormalized else { continue }
      places.append(Place(name: "ln\(index).weight", offset: layer.scale, shape: [layer.outputs]))
      places.append(Place(name: "ln\(index).bias", offset: layer.shift, shape: [layer.outputs]))
    }
    let head = layers[layers.count - 1]
    if role == .policy {
      add("last_fc", head, 0..<head.outputs / 2)
      add("last_fc_log_std", head, head.outputs / 2..<head.outputs)
    } else {
      add("last_fc", head, 0..<head.outputs)
    }
    return places
  }
}

/// Looks up tensors of a network and says what is wrong with them.
private struct TensorReader {
  let tensors: NamedTensors
  let file: String

  /// Hidden layers without a hole in their numbering.
  private var depth: Int {
    var depth = 0
    while tensors["fc\(depth).weight"] != nil { depth += 1 }
    return depth
  }

  private var isNormalized: Bool { tensors["ln0.weight"] != nil }

  func checkNames(_ role: NetworkRole) throws(NetworkFileError) {
    var wanted = (0..<max(1, depth)).flatMap { index in
      (isNormalized ? ["fc", "ln"] : ["fc"]).flatMap { layer in
        ["weight", "bias"].map { "\(layer)\(index).\($0)" }
      }
    }
    let heads = role == .policy ? ["last_fc", "last_fc_log_std"] : ["last_fc"]
    wanted += heads.flatMap { ["\($0).weight", "\($0).bias"] }
    if role == .gaussian { wanted.append(TensorName.logStd) }
    var allowed = Set(wanted)
    if role == .gaussian { allowed.insert(TensorName.trainedLogStd) }
    if role.isPolicy && tensors[TensorName.normalizerMean] != nil {
      wanted += [TensorName.normalizerMean, TensorName.normalizerStd]
      allowed.formUnion([TensorName.normalizerMean, TensorName.normalizerStd])
    }
    guard wanted.allSatisfy({ tensors[$0] != nil }),
      tensors.tensors.keys.allSatisfy(allowed.contains)
    else {
      throw .names(
        file: file, role: role.rawValue, wanted: wanted, found: tensors.tensors.keys.sorted())
    }
  }

  /// Sizes of the network, from the shapes of its weights.
  func shape(_ role: NetworkRole) throws(NetworkFileError) -> NetworkShape {
    var hidden: [Int] = []
    var inputSize = 0
    for index in 0..<depth {
      let extents = try matrixExtents("fc\(index).weight", inputs: hidden.last)
      if index == 0 { inputSize = extents.inputs }
      hidden.append(extents.outputs)
    }
    let outputs = try matrixExtents("last_fc.weight", inputs: hidden.last).outputs
    if role == .critic && outputs != 1 {
      throw .tensor(
        file: file, name: "last_fc.weight", expected: "shape [1, \(hidden.last!)] of a critic",
        actual: "shape [\(outputs), \(hidden.last!)]")
    }
    return NetworkShape(
      inputSize: inputSize, hiddenSizes: hidden,
      outputSize: role == .policy ? 2 * outputs : outputs, normalizesLayers: isNormalized)
  }

  private func matrixExtents(
    _ name: String, inputs: Int?
  ) throws(NetworkFileError) -> (outputs: Int, inputs: Int) {
    let shape = tensors[name]!.shape
    guard shape.count == 2, shape.allSatisfy({ $0 > 0 }), inputs == nil || shape[1] == inputs
    else {
      let wanted = inputs.map { "[outputs, \($0)]" } ?? "[outputs, inputs]"
      throw .tensor(
        file: file, name: name, expected: "shape \(wanted)", actual: "shape \(shape)")
    }
    return (shape[0], shape[1])
  }

  /// A tensor that ``checkNames(_:)`` has found.
  func values(_ name: String, shape: [Int]) throws(NetworkFileError) -> [Float] {
    let tensor = tensors[name]!
    guard tensor.shape == shape else {
      throw .tensor(
        file: file, name: name, expected: "shape \(shape)", actual: "shape \(tensor.shape)")
    }
    let values: [Float]
    switch tensor.elements {
    case .float32(let found): values = found
    case .float64(let found): values = found.map { Float($0) }
    case .int64, .uint8:
      throw .tensor(
        file: file, name: name, expected: "float32, float16, bfloat16 or float64",
        actual: "integers")
    }
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw .tensor(
        file: file, name: name, expected: "finite numbers",
        actual: "\(values[index]) at position \(index)")
    }
    return values
  }

  func normalizer(_ size: Int) throws(NetworkFileError) -> ObservationNormalizer {
    let mean = try values(TensorName.normalizerMean, shape: [size])
    let std = try values(TensorName.normalizerStd, shape: [size])
    if let index = std.firstIndex(where: { $0 <= 0 }) {
      throw .tensor(
        file: file, name: TensorName.normalizerStd, expected: "numbers above 0",
        actual: "\(std[index]) at position \(index)")
    }
    return ObservationNormalizer(mean: mean, std: std)
  }

  func number(_ key: String) throws(NetworkFileError) -> Float? {
    guard let text = tensors.metadata[key] else { return nil }
    guard let value = Float(text), value.isFinite else {
      throw .metadata(file: file, key: key, expected: "a number", actual: "'\(text)'")
    }
    return value
  }
}
