/// Element types of the subset of HDF5 that this package reads.
public enum HDF5Type: Equatable, Sendable, CustomStringConvertible {
  case float(bytes: Int)
  case integer(bytes: Int, signed: Bool)
  /// Such as h5py's: an enumeration over one byte with members FALSE = 0 and TRUE = 1.
  case boolean
  case string(bytes: Int)

  public var description: String {
    switch self {
    case .float(let bytes): "float\(bytes * 8)"
    case .integer(let bytes, let signed): "\(signed ? "" : "u")int\(bytes * 8)"
    case .boolean: "bool"
    case .string: "string"
    }
  }

  /// Whether elements are text, for ``HDF5Dataset/readString()`` and not for reading numbers.
  public var isString: Bool { if case .string = self { true } else { false } }

  /// Bytes of one element as stored.
  package var size: Int {
    switch self {
    case .float(let bytes), .integer(let bytes, _), .string(let bytes): bytes
    case .boolean: 1
    }
  }
}

/// How the elements of a dataset lie in the file.
public enum HDF5Storage: Sendable, Equatable {
  /// In one piece, or not at all.
  case contiguous
  /// Blocks of this shape; deflate at this level, `nil` when not compressed.
  case chunked(shape: [Int], deflate: Int?)
}
