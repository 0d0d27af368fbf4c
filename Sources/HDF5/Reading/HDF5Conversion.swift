internal import CHDF5Probe

/// Swift types into which numbers are read, whatever number type the file has.
public protocol HDF5Element: BitwiseCopyable, Sendable {
  /// A floating-point number of the file; becomes a whole one towards zero, within the type's
  /// range.
  init(_ value: Double)
  /// A whole number of the file; becomes the nearest floating-point one.
  init(_ value: Int64)
}
extension Float: HDF5Element {}
extension Double: HDF5Element {}
extension Int64: HDF5Element {
  // Saturating: a file can hold any number.
  public init(_ value: Double) {
    self =
      Int64(exactly: value.rounded(.towardZero)) ?? (value > 0 ? .max : value < 0 ? .min : 0)
  }
}

extension HDF5Element {
  /// As what libhdf5 hands them over.
  static var memory: bred_h5_memory {
    Self.self == Float.self
      ? BRED_H5_AS_FLOAT : Self.self == Double.self ? BRED_H5_AS_DOUBLE : BRED_H5_AS_INTEGER
  }
}

extension HDF5Type {
  /// Whether the bytes in the file are those in memory.
  func isStored<Element: HDF5Element>(as _: Element.Type) -> Bool {
    self == .float(bytes: MemoryLayout<Element>.size) && Element.self != Int64.self
  }

  /// Stores elements, little-endian in the file, as numbers in memory.
  func convert<Element: HDF5Element>(
    _ source: UnsafeRawPointer, to target: UnsafeMutablePointer<Element>, _ count: Int
  ) {
    func each<Stored: BitwiseCopyable>(_: Stored.Type, _ convert: (Stored) -> Element) {
      for index in 0..<count {
        let value = source.loadUnaligned(
          fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self)
        (target + index).initialize(to: convert(value))
      }
    }
    func integers<Stored: FixedWidthInteger & BitwiseCopyable>(_: Stored.Type) {
      each(Stored.self) { Element(Int64(clamping: $0)) }
    }
    switch self {
    case _ where isStored(as: Element.self):
      UnsafeMutableRawPointer(target).copyMemory(
        from: source, byteCount: count * MemoryLayout<Element>.size)
    case .float(bytes: 4): each(Float.self) { Element(Double($0)) }
    case .float(bytes: 8): each(Double.self) { Element($0) }
    case .integer(bytes: 1, signed: true): integers(Int8.self)
    case .integer(bytes: 2, signed: true): integers(Int16.self)
    case .integer(bytes: 2, signed: false): integers(UInt16.self)
    case .integer(bytes: 4, signed: true): integers(Int32.self)
    case .integer(bytes: 4, signed: false): integers(UInt32.self)
    case .integer(bytes: 8, signed: true): integers(Int64.self)
    case .integer(bytes: 8, signed: false): integers(UInt64.self)
    // And whatever else there might be: one byte lies in every element.
    default: integers(UInt8.self)
    }
  }
}
