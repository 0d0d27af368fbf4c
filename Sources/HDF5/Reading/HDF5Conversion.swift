/// From stored little-endian numbers to those in memory.
enum HDF5Conversion {
  static func convert<Element: HDF5Element>(
    _ source: UnsafeRawPointer, _ type: HDF5Type, to target: UnsafeMutablePointer<Element>,
    _ count: Int
  ) {
    switch type {
    case .float(bytes: 4):
      if Element.self == Float.self {
        UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: count * 4)
      } else {
        each(source, Float.self, target, count) { Element($0) }
      }
    case .float:
      if Element.self == Double.self {
        UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: count * 8)
      } else {
        each(source, Double.self, target, count) { Element($0) }
      }
    case .integer(bytes: 1, signed: true): integers(source, Int8.self, target, count)
    case .integer(bytes: 1, signed: false): integers(source, UInt8.self, target, count)
    case .integer(bytes: 2, signed: true): integers(source, Int16.self, target, count)
    case .integer(bytes: 2, signed: false): integers(source, UInt16.self, target, count)
    case .integer(bytes: 4, signed: true): integers(source, Int32.self, target, count)
    case .integer(bytes: 4, signed: false): integers(source, UInt32.self, target, count)
    case .integer(_, signed: true): integers(source, Int64.self, target, count)
    case .integer: integers(source, UInt64.self, target, count)
    default: preconditionFailure("\(type) is no number")
    }
  }

  /// 0 and 1 for false and true, 2 for everything else.
  static func flags(
    _ source: UnsafeRawPointer, _ type: HDF5Type, to target: UnsafeMutablePointer<UInt8>,
    _ count: Int
  ) {
    switch type {
    case .boolean, .integer(bytes: 1, _):
      each(source, UInt8.self, target, count) { min($0, 2) }
    case .float(bytes: 4):
      each(source, Float.self, target, count) { $0 == 0 ? 0 : $0 == 1 ? 1 : 2 }
    case .float:
      each(source, Double.self, target, count) { $0 == 0 ? 0 : $0 == 1 ? 1 : 2 }
    case .integer(bytes: 2, _):
      each(source, UInt16.self, target, count) { UInt8(min($0, 2)) }
    case .integer(bytes: 4, _):
      each(source, UInt32.self, target, count) { UInt8(min($0, 2)) }
    default:
      each(source, UInt64.self, target, count) { UInt8(min($0, 2)) }
    }
  }

  private static func integers<Stored: FixedWidthInteger & BitwiseCopyable, Element: HDF5Element>(
    _ source: UnsafeRawPointer, _: Stored.Type, _ target: UnsafeMutablePointer<Element>,
    _ count: Int
  ) {
    each(source, Stored.self, target, count) { Element(hdf5Integer: Int64(clamping: $0)) }
  }

  @inline(__always)
  private static func each<Stored: BitwiseCopyable, Element>(
    _ source: UnsafeRawPointer, _: Stored.Type, _ target: UnsafeMutablePointer<Element>,
    _ count: Int, _ convert: (Stored) -> Element
  ) {
    for index in 0..<count {
      let value = source.loadUnaligned(
        fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self)
      (target + index).initialize(to: convert(value))
    }
  }
}
