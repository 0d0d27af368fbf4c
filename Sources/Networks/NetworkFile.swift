internal import DenseMath
public import RLCore

/// What a network is for; decides the names of its tensors.
public enum NetworkRole: String, Sendable, CaseIterable {
  /// Two heads on one body, `last_fc` (means) and `last_fc_log_std`.
  case policy = "tanh-gaussian"
  /// One head, `last_fc`, of one output.
  case critic
}

/// A network cannot be taken from a file.
public enum NetworkFileError: Error, Equatable, CustomStringConvertible {
  case unreadable(SafetensorsError)
  /// A tensor is absent, superfluous, or not of the expected type or shape.
  case tensor(file: String, name: String, expected: String, actual: String)
  /// The metadata say that the file holds something else.
  case wrongKind(file: String, expected: String, actual: String)

  public var description: String {
    switch self {
    case .unreadable(let error): error.description
    case .tensor(let file, let name, let expected, let actual):
      "\(file): tensor '\(name)': expected \(expected), found \(actual)"
    case .wrongKind(let file, let expected, let actual):
      "\(file): metadata 'kind': expected \(expected), found \(actual)"
    }
  }
}

/// A network with the strings that its file carries: weights under D4RL's own names.
///
/// `fc0.weight` `[out, in]`, `fc0.bias`, `fc1.*`, …, `last_fc.*`, and for a policy
/// `last_fc_log_std.*`; all float32. Sizes follow from the tensors. Unknown metadata are kept.
public struct NetworkFile: Sendable {
  public var network: Network
  public var role: NetworkRole
  public var metadata: [String: String]

  public init(_ network: Network, role: NetworkRole, metadata: [String: String] = [:]) {
    precondition(
      role == .policy ? network.shape.outputSize % 2 == 0 : network.shape.outputSize == 1,
      "a \(role) cannot have \(network.shape.outputSize) outputs")
    self.network = network
    self.role = role
    self.metadata = metadata
  }

  // MARK: Reading

  /// - Throws: ``NetworkFileError`` unless the file holds exactly such a network, all of it finite.
  public static func read(
    _ path: String, as role: NetworkRole
  ) throws(NetworkFileError) -> NetworkFile {
    let tensors: NamedTensors
    do throws(SafetensorsError) {
      tensors = try SafetensorsFile.read(path)
    } catch {
      throw .unreadable(error)
    }
    return try NetworkFile(tensors, as: role, file: path)
  }

  /// - Parameter file: a name for messages.
  public init(
    _ tensors: NamedTensors, as role: NetworkRole, file: String
  ) throws(NetworkFileError) {
    if let kind = tensors.metadata["kind"], kind != role.rawValue {
      throw .wrongKind(file: file, expected: role.rawValue, actual: kind)
    }
    let reader = TensorReader(tensors: tensors, file: file)
    let shape = try reader.shape(role)
    let expected = Set(
      NetworkFile.places(shape, role).flatMap { ["\($0.name).weight", "\($0.name).bias"] })
    if let name = tensors.tensors.keys.filter({ !expected.contains($0) }).min() {
      throw .tensor(
        file: file, name: name, expected: "no such tensor in a \(role)",
        actual: "one of shape \(tensors[name]!.shape)")
    }
    let network = Network(shape: shape)
    for place in NetworkFile.places(shape, role) {
      let weight = try reader.values(
        "\(place.name).weight", shape: [place.outputs.count, place.inputs])
      let bias = try reader.values("\(place.name).bias", shape: [place.outputs.count])
      let layer = network.layout.layers[place.layer]
      let base = network.values.base
      (base + layer.weight + place.outputs.lowerBound * place.inputs).update(
        from: weight, count: weight.count)
      (base + layer.bias + place.outputs.lowerBound).update(from: bias, count: bias.count)
    }
    self.init(network, role: role, metadata: tensors.metadata)
  }

  // MARK: Writing

  public var tensors: NamedTensors {
    var result = NamedTensors(tensors: [:], metadata: metadata)
    result.metadata["kind"] = role.rawValue
    for place in NetworkFile.places(network.shape, role) {
      let layer = network.layout.layers[place.layer]
      let base = UnsafePointer(network.values.base)
      let weight = UnsafeBufferPointer(
        start: base + layer.weight + place.outputs.lowerBound * place.inputs,
        count: place.outputs.count * place.inputs)
      let bias = UnsafeBufferPointer(
        start: base + layer.bias + place.outputs.lowerBound, count: place.outputs.count)
      result["\(place.name).weight"] = Tensor(
        .float32(Array(weight)), shape: [place.outputs.count, place.inputs])
      result["\(place.name).bias"] = Tensor(.float32(Array(bias)))
    }
    return result
  }

  public func write(to path: String) throws(SafetensorsError) {
    try SafetensorsFile.write(tensors, to: path)
  }

  // MARK: Names

  /// Where the tensors of one name go: some outputs of one layer.
  private struct Place {
    var name: String
    var layer: Int
    var inputs: Int
    var outputs: Range<Int>
  }

  private static func places(_ shape: NetworkShape, _ role: NetworkRole) -> [Place] {
    var places = shape.hiddenSizes.indices.map { index in
      let (inputs, outputs) = shape.sizes(ofLayer: index)
      return Place(name: "fc\(index)", layer: index, inputs: inputs, outputs: 0..<outputs)
    }
    let head = shape.hiddenSizes.count
    let (inputs, outputs) = shape.sizes(ofLayer: head)
    switch role {
    case .critic:
      places.append(Place(name: "last_fc", layer: head, inputs: inputs, outputs: 0..<outputs))
    case .policy:
      let half = outputs / 2
      places.append(Place(name: "last_fc", layer: head, inputs: inputs, outputs: 0..<half))
      places.append(
        Place(name: "last_fc_log_std", layer: head, inputs: inputs, outputs: half..<outputs))
    }
    return places
  }
}

/// Looks up tensors of a network and says what is wrong with them.
private struct TensorReader {
  let tensors: NamedTensors
  let file: String

  /// Sizes of the network, from the shapes of its weights.
  func shape(_ role: NetworkRole) throws(NetworkFileError) -> NetworkShape {
    var hidden: [Int] = []
    var inputSize: Int?
    while tensors["fc\(hidden.count).weight"] != nil || hidden.isEmpty {
      let extents = try matrixExtents("fc\(hidden.count).weight", inputs: hidden.last)
      if hidden.isEmpty { inputSize = extents.inputs }
      hidden.append(extents.outputs)
    }
    let outputs = try matrixExtents("last_fc.weight", inputs: hidden.last).outputs
    if role == .critic && outputs != 1 {
      throw .tensor(
        file: file, name: "last_fc.weight", expected: "shape [1, \(hidden.last!)] of a critic",
        actual: "shape [\(outputs), \(hidden.last!)]")
    }
    return NetworkShape(
      inputSize: inputSize!, hiddenSizes: hidden,
      outputSize: role == .policy ? 2 * outputs : outputs)
  }

  private func matrixExtents(
    _ name: String, inputs: Int?
  ) throws(NetworkFileError) -> (outputs: Int, inputs: Int) {
    let tensor = try tensor(name)
    guard tensor.shape.count == 2, tensor.shape.allSatisfy({ $0 > 0 }),
      inputs == nil || tensor.shape[1] == inputs
    else {
      let wanted = inputs.map { "[outputs, \($0)]" } ?? "[outputs, inputs]"
      throw .tensor(
        file: file, name: name, expected: "shape \(wanted)", actual: "shape \(tensor.shape)")
    }
    return (tensor.shape[0], tensor.shape[1])
  }

  func values(_ name: String, shape: [Int]) throws(NetworkFileError) -> [Float] {
    let tensor = try tensor(name)
    guard tensor.shape == shape else {
      throw .tensor(
        file: file, name: name, expected: "shape \(shape)", actual: "shape \(tensor.shape)")
    }
    guard case .float32(let values) = tensor.elements else {
      throw .tensor(
        file: file, name: name, expected: "float32", actual: "another type of element")
    }
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw .tensor(
        file: file, name: name, expected: "finite numbers",
        actual: "\(values[index]) at position \(index)")
    }
    return values
  }

  private func tensor(_ name: String) throws(NetworkFileError) -> Tensor {
    guard let tensor = tensors[name] else {
      throw .tensor(file: file, name: name, expected: "a tensor", actual: "none")
    }
    return tensor
  }
}
