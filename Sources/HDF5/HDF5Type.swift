/// Element types of the subset of HDF5 that this package reads.
public enum HDF5Type: Equatable, Sendable, CustomStringConvertible {
  case float(bytes: Int)
  case integer(bytes: Int, signed: Bool)
  /// h5py's booleans: an enumeration over one byte with members FALSE = 0 and TRUE = 1.
  case boolean
  case fixedString(bytes: Int)
  case variableString

  public var description: String {
    switch self {
    case .float(let bytes): "float\(bytes * 8)"
    case .integer(let bytes, let signed): "\(signed ? "" : "u")int\(bytes * 8)"
    case .boolean: "bool"
    case .fixedString, .variableString: "string"
    }
  }

  public var isString: Bool {
    switch self {
    case .fixedString, .variableString: true
    default: false
    }
  }

  /// Bytes of one element as stored.
  package var size: Int {
    switch self {
    case .float(let bytes), .integer(let bytes, _), .fixedString(let bytes): bytes
    case .boolean: 1
    case .variableString: 16
    }
  }
}

/// How the elements of a dataset lie in the file.
public enum HDF5Storage: Sendable, Equatable {
  case compact
  case contiguous
  /// Blocks of this shape; deflate at this level, `nil` when not compressed.
  case chunked(shape: [Int], deflate: Int?)
}
