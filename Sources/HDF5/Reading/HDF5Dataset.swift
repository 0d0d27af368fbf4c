internal import CHDF5Probe

/// An array in a file, of rank 0, 1 or 2.
public final class HDF5Dataset: Sendable {
  public let name: String
  /// Extents; empty for a scalar.
  public let shape: [Int]
  public let type: HDF5Type
  public let storage: HDF5Storage
  /// Bytes its elements take in the file.
  public let storedBytes: Int

  let file: HDF5File
  let content: Content
  let place: HDF5Place
  /// What its elements are when they come from `content`.
  let elementType: HDF5Type

  enum Content: Sendable {
    /// The bytes themselves.
    case bytes([UInt8])
    /// Where they start.
    case contiguous(Int)
    case chunks(HDF5Chunks)
    /// libhdf5 reads them.
    case library
  }

  public var count: Int { shape.reduce(1, *) }
  /// Length of the first axis (1 for a scalar).
  public var rows: Int { shape.first ?? 1 }
  /// Elements of one row.
  public var rowSize: Int { shape.dropFirst().reduce(1, *) }

  /// An array may be this much larger than what is stored of it. Deflate can do 1 : 1032, and constant
  /// columns of real files come near; above half a gigabyte that is a bomb. What was never written
  /// may have some ten million elements, as a column of flags has.
  private static let freeBytes = 1 << 29
  private static let freeElements = 1 << 26
  private static let maximumExpansion = 100

  init(_ answer: HDF5Child.Answer, in file: HDF5File) throws(HDF5Error) {
    let record = answer.record
    (name, self.file, place) = (answer.name, file, file.source.place.inside(answer.name))
    let extents = [record.shape.0, record.shape.1].prefix(Int(record.rank)).map {
      Int(clamping: $0)
    }
    guard let type = HDF5Type(record), record.rank <= 2 else {
      throw place.error("libhdf5 calls it something that does not exist")
    }
    (shape, self.type) = (extents, type)
    let size = Int(record.type_bytes)
    var bytes = size
    for extent in extents {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
      guard !overflow, product < 1 << 44 else { throw place.error("shape \(extents) is absurd") }
      bytes = product
    }
    var stored = Int(clamping: record.stored)
    let count = bytes / size
    let isPlain = record.route == BRED_H5_PLAIN.rawValue || record.route == BRED_H5_CHUNKS.rawValue
    elementType = isPlain ? type.plain : type.isString ? type : record.elementType
    switch record.route {
    case BRED_H5_INLINE.rawValue:
      guard type.isString ? count == 1 : answer.value.count == count * elementType.size else {
        throw place.error("\(count) elements of \(elementType) in \(answer.value.count) bytes")
      }
      content = .bytes(answer.value)
    case BRED_H5_PLAIN.rawValue:
      let start = bytes == 0 ? 0 : Int(clamping: record.address)
      guard bytes <= file.length, start <= file.length - bytes, stored == bytes else {
        throw place.error("its \(bytes) bytes at \(start) do not fit the file of \(file.length)")
      }
      content = .contiguous(start)
    case BRED_H5_CHUNKS.rawValue:
      let chunks = try HDF5Chunks(answer, shape: extents, elementSize: size, file.length, place)
      (content, stored) = (.chunks(chunks), chunks.storedBytes)
    default:
      stored = min(stored, file.length)
      guard count <= Self.freeElements || bytes / Self.maximumExpansion <= stored else {
        throw place.error("shape \(extents) with \(stored) bytes stored: refused as a bomb")
      }
      content = .library
    }
    guard bytes <= Self.freeBytes || bytes / Self.maximumExpansion <= stored else {
      throw place.error(
        "shape \(extents) needs \(bytes) bytes, made from \(stored): refused as a bomb")
    }
    storedBytes = stored
    storage =
      switch record.layout {
      case BRED_H5_CHUNKED.rawValue:
        .chunked(
          shape: [record.chunk.0, record.chunk.1].prefix(extents.count).map { Int(clamping: $0) },
          deflate: record.deflate == 0 ? nil : Int(record.deflate) - 1)
      case BRED_H5_CONTIGUOUS.rawValue: .contiguous
      default: .compact
      }
  }
}

extension HDF5Type {
  /// `nil` for what is none.
  init?(_ record: bred_h5_record) {
    let size = Int(record.type_bytes)
    guard (1...1 << 20).contains(size) else { return nil }
    switch record.type {
    case BRED_H5_FLOAT.rawValue: self = .float(bytes: size)
    case BRED_H5_SIGNED.rawValue: self = .integer(bytes: size, signed: true)
    case BRED_H5_UNSIGNED.rawValue: self = .integer(bytes: size, signed: false)
    case BRED_H5_BOOLEAN.rawValue: self = .boolean
    case BRED_H5_FIXED_TEXT.rawValue: self = .fixedString(bytes: size)
    case BRED_H5_VARIABLE_TEXT.rawValue: self = .variableString
    default: return nil
    }
  }

  /// The numbers behind it.
  var plain: HDF5Type { self == .boolean ? .integer(bytes: 1, signed: false) : self }
}

extension bred_h5_record {
  /// What libhdf5 converts the elements to.
  var elementType: HDF5Type {
    float_bytes == 0
      ? .integer(bytes: 8, signed: true) : .float(bytes: float_bytes == 4 ? 4 : 8)
  }
}
