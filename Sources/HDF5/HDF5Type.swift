import CHDF5

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
    case .fixedString: "string"
    case .variableString: "string"
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

  /// Reads the type of an open type handle; refuses what lies outside the subset.
  init(_ type: hid_t, _ place: HDF5Place) throws(HDF5Error) {
    let size = H5Tget_size(type)
    guard size > 0, size <= 1 << 20 else { throw place.error("its type has size \(size)") }
    switch H5Tget_class(type) {
    case H5T_FLOAT:
      guard [2, 4, 8].contains(size) else {
        throw place.error("floating-point numbers of \(size) bytes are not supported")
      }
      self = .float(bytes: size)
    case H5T_INTEGER:
      guard [1, 2, 4, 8].contains(size) else {
        throw place.error("integers of \(size) bytes are not supported")
      }
      self = .integer(bytes: size, signed: H5Tget_sign(type) == H5T_SGN_2)
    case H5T_ENUM:
      guard size == 1, H5Tget_nmembers(type) == 2 else {
        throw place.error("the only enumeration supported is FALSE, TRUE of one byte")
      }
      var values: [Int8] = [0, 0]
      for index in 0..<2 {
        try place.check(
          H5Tget_member_value(type, UInt32(index), &values[index]), "cannot read its enumeration")
      }
      guard values.sorted() == [0, 1] else {
        throw place.error("its enumeration has values \(values), expected 0 and 1")
      }
      self = .boolean
    case H5T_STRING:
      let variable = try place.check(H5Tis_variable_str(type), "cannot read its string type")
      self = variable > 0 ? .variableString : .fixedString(bytes: size)
    case let other:
      throw place.error("its type class \(other.rawValue) is not supported")
    }
  }
}
