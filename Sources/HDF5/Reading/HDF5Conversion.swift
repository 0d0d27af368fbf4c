/// Swift types into which numbers are read, whatever number type the file has.
public protocol HDF5Element: BitwiseCopyable, Sendable {
  init(_ value: Float)
  init(_ value: Double)
  init(hdf5Integer value: Int64)
}
extension Float: HDF5Element {
  public init(hdf5Integer value: Int64) { self.init(value) }
}
extension Double: HDF5Element {
  public init(hdf5Integer value: Int64) { self.init(value) }
}
extension Int64: HDF5Element {
  // Saturating: a file can hold any number.
  public init(_ value: Float) { self.init(Double(value)) }
  public init(_ value: Double) {
    self =
      value.isNaN
      ? 0
      : value >= 0x1p63
        ? .max : value < -0x1p63 ? .min : Swift.Int64(exactly: value.rounded(.towardZero)) ?? 0
  }
  public init(hdf5Integer value: Int64) { self = value }
}

/// From stored little-endian numbers to those in memory.
enum HDF5Conversion {
  static func convert<Element: HDF5Element>(
    _ source: UnsafeRawPointer, _ type: HDF5Type, to target: UnsafeMutablePointer<Element>,
    _ count: Int
  ) {
    func each<Stored: BitwiseCopyable>(_: Stored.Type, _ convert: (Stored) -> Element) {
      for index in 0..<count {
        let value = source.loadUnaligned(
          fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self)
        (target + index).initialize(to: convert(value))
      }
    }
    func integers<Stored: FixedWidthInteger & BitwiseCopyable>(_: Stored.Type) {
      each(Stored.self) { Element(hdf5Integer: Int64(clamping: $0)) }
    }
    switch type {
    case .float(bytes: 4) where Element.self == Float.self,
      .float(bytes: 8) where Element.self == Double.self:
      UnsafeMutableRawPointer(target).copyMemory(
        from: source, byteCount: count * MemoryLayout<Element>.size)
    case .float(bytes: 4): each(Float.self) { Element($0) }
    case .float: each(Double.self) { Element($0) }
    case .integer(bytes: 1, signed: true): integers(Int8.self)
    case .integer(bytes: 1, signed: false): integers(UInt8.self)
    case .integer(bytes: 2, signed: true): integers(Int16.self)
    case .integer(bytes: 2, signed: false): integers(UInt16.self)
    case .integer(bytes: 4, signed: true): integers(Int32.self)
    case .integer(bytes: 4, signed: false): integers(UInt32.self)
    case .integer(_, signed: true): integers(Int64.self)
    case .integer: integers(UInt64.self)
    default: preconditionFailure("\(type) is no number")
    }
  }
}
