/// An array of numbers with a shape: what a weight file or a checkpoint holds under one name.
public struct Tensor: Sendable, Equatable {
  /// Numbers of one type, row-major: the last index of the shape runs fastest.
  public enum Elements: Sendable, Equatable {
    case float32([Float])
    case float64([Double])
    case int64([Int64])
    case uint8([UInt8])

    /// Numbers in the array, whatever their type.
    public var count: Int {
      switch self {
      case .float32(let values): values.count
      case .float64(let values): values.count
      case .int64(let values): values.count
      case .uint8(let values): values.count
      }
    }

    package var byteCount: Int {
      switch self {
      case .float32: 4 * count
      case .float64, .int64: 8 * count
      case .uint8: count
      }
    }
  }

  /// Extents, slowest first; empty for a scalar.
  public let shape: [Int]
  /// The numbers, as many as the product of the extents.
  public let elements: Elements

  /// - Parameter shape: `nil` for one axis with all elements.
  /// - Precondition: the product of the extents is the number of elements.
  public init(_ elements: Elements, shape: [Int]? = nil) {
    let shape = shape ?? [elements.count]
    precondition(
      shape.reduce(1, *) == elements.count, "\(elements.count) elements cannot have shape \(shape)")
    self.shape = shape
    self.elements = elements
  }
}

/// Tensors and strings under names: the complete state of a component, ready to be written.
///
/// A component saves under the names it chooses; its owner adds a prefix with ``add(_:under:)`` and
/// takes it off again with ``part(_:)``.
public struct NamedTensors: Sendable, Equatable {
  /// Arrays by name; a `/` ends the prefix that an owner has added.
  public var tensors: [String: Tensor] = [:]
  /// Strings by name, prefixed like the tensors.
  public var metadata: [String: String] = [:]

  public init() {}

  public init(tensors: [String: Tensor], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// The tensor under a name, `nil` where there is none; to set `nil` takes it out.
  public subscript(name: String) -> Tensor? {
    get { tensors[name] }
    set { tensors[name] = newValue }
  }

  /// Adds another component's state with every name put under `prefix/`.
  public mutating func add(_ other: NamedTensors, under prefix: String) {
    for (name, tensor) in other.tensors { tensors["\(prefix)/\(name)"] = tensor }
    for (name, text) in other.metadata { metadata["\(prefix)/\(name)"] = text }
  }

  /// The state that was added under `prefix`, with the prefix taken off.
  public func part(_ prefix: String) -> NamedTensors {
    let start = prefix + "/"
    var result = NamedTensors()
    for (name, tensor) in tensors where name.hasPrefix(start) {
      result.tensors[String(name.dropFirst(start.count))] = tensor
    }
    for (name, text) in metadata where name.hasPrefix(start) {
      result.metadata[String(name.dropFirst(start.count))] = text
    }
    return result
  }

  /// The values of a float32 tensor that must have `count` elements.
  public func floats(_ name: String, count: Int) throws(StateError) -> [Float] {
    guard let tensor = tensors[name] else { throw .missing(name: name) }
    guard case .float32(let values) = tensor.elements else {
      throw .wrongType(name: name, expected: "float32")
    }
    guard values.count == count else {
      throw .wrongCount(name: name, expected: count, actual: values.count)
    }
    return values
  }

  /// The values of a float64 tensor that must have `count` elements (`nil`: any number).
  public func doubles(_ name: String, count: Int? = nil) throws(StateError) -> [Double] {
    guard let tensor = tensors[name] else { throw .missing(name: name) }
    guard case .float64(let values) = tensor.elements else {
      throw .wrongType(name: name, expected: "float64")
    }
    if let count, values.count != count {
      throw .wrongCount(name: name, expected: count, actual: values.count)
    }
    return values
  }

  /// The values of an int64 tensor that must have `count` elements (`nil`: any number).
  public func integers(_ name: String, count: Int? = nil) throws(StateError) -> [Int64] {
    guard let tensor = tensors[name] else { throw .missing(name: name) }
    guard case .int64(let values) = tensor.elements else {
      throw .wrongType(name: name, expected: "int64")
    }
    if let count, values.count != count {
      throw .wrongCount(name: name, expected: count, actual: values.count)
    }
    return values
  }
}

/// A stored state does not fit the component that should take it.
public enum StateError: Error, Equatable, CustomStringConvertible {
  case missing(name: String)
  case wrongType(name: String, expected: String)
  case wrongCount(name: String, expected: Int, actual: Int)
  case mismatch(name: String, expected: String, actual: String)

  public var description: String {
    switch self {
    case .missing(let name): "'\(name)' is missing"
    case .wrongType(let name, let expected): "'\(name)' should hold \(expected)"
    case .wrongCount(let name, let expected, let actual):
      "'\(name)' has \(actual) elements, expected \(expected)"
    case .mismatch(let name, let expected, let actual):
      "'\(name)' is \(actual), expected \(expected)"
    }
  }
}
