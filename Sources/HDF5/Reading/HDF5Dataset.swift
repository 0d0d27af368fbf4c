internal import CHDF5Probe

/// An array in a file, of rank 0, 1 or 2.
public final class HDF5Dataset: Sendable {
  /// Path from the root without a leading slash.
  public let name: String
  /// Extents; empty for a scalar.
  public let shape: [Int]
  /// Type of the elements in the file, whatever they are read as.
  public let type: HDF5Type
  /// How the elements lie in the file.
  public let storage: HDF5Storage
  /// Bytes its elements take in the file.
  public let storedBytes: Int

  private let file: HDF5File
  private let place: HDF5Place
  /// Where the elements are; `nil` where libhdf5 reads them, or there are none.
  private let chunks: HDF5Chunks?
  private let text: String
  /// The numbers behind `type`.
  private let stored: HDF5Type

  /// Elements: the product of the extents, 1 for a scalar.
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

  /// - Parameter places: where its chunks are.
  init(
    _ answer: HDF5Child.Answer, _ places: [bred_h5_record], in file: HDF5File
  ) throws(HDF5Error) {
    let record = answer.record
    (name, text, self.file) = (answer.name, answer.text, file)
    place = file.source.place.inside(answer.name)
    guard let type = HDF5Type(record), record.rank <= 2 else {
      throw place.error("libhdf5 calls it something that does not exist")
    }
    let extents = (Int(clamping: record.shape.0), Int(clamping: record.shape.1))
    shape = Array([extents.0, extents.1].prefix(Int(record.rank)))
    self.type = type
    stored =
      type == .boolean ? .integer(bytes: Int(record.type_bytes), signed: false) : type
    let (elements, overflow) = extents.0.multipliedReportingOverflow(by: extents.1)
    guard !overflow, elements < 1 << 44 / stored.size else {
      throw place.error("shape \(shape) is absurd")
    }
    let bytes = elements * stored.size
    let chunk = [record.chunk.0, record.chunk.1].prefix(shape.count).map { Int(clamping: $0) }
    let isChunked = record.chunk.0 > 0
    storage =
      isChunked
      ? .chunked(shape: chunk, deflate: record.deflate == 0 ? nil : Int(record.deflate) - 1)
      : .contiguous
    chunks =
      record.is_plain == 0 || elements == 0
      ? nil
      : isChunked
        ? try HDF5Chunks(record, places, shape: extents, file.length, place)
        : try HDF5Chunks(contiguous: record, shape: extents, file.length, place)
    storedBytes = chunks?.storedBytes ?? min(Int(clamping: record.stored), file.length)
    let isSmall = bytes <= Self.freeBytes && (chunks != nil || elements <= Self.freeElements)
    guard isSmall || bytes / Self.maximumExpansion <= storedBytes else {
      throw place.error(
        "shape \(shape) needs \(bytes) bytes, made from \(storedBytes): refused as a bomb")
    }
  }

  /// Reads rows into a new array, converting numbers on the way; it is the only full-size copy there
  /// ever is.
  ///
  /// - Parameters:
  ///   - rows: the rows wanted; `nil` for all.
  ///   - threads: at most so many; `nil` for the file's.
  public func read<Element: HDF5Element>(
    _: Element.Type, rows: Range<Int>? = nil, threads: Int? = nil
  ) throws(HDF5Error) -> [Element] {
    guard type != .boolean else { throw place.error("holds \(type), expected numbers") }
    return try numbers(Element.self, rows ?? 0..<self.rows, threads ?? file.threads)
  }

  /// Reads flags stored as booleans, integers or floats; anything else than 0 and 1 is an error.
  public func readFlags(rows: Range<Int>? = nil) throws(HDF5Error) -> [Bool] {
    let wanted = rows ?? 0..<self.rows
    var flags: [Bool] = []
    flags.reserveCapacity(wanted.count * rowSize)
    // In blocks, since numbers are eight times as large as flags.
    for first in stride(from: wanted.lowerBound, to: wanted.upperBound, by: 1 << 18) {
      let values = try numbers(
        Double.self, first..<min(wanted.upperBound, first + 1 << 18), file.threads)
      if let wrong = values.firstIndex(where: { $0 != 0 && $0 != 1 }) {
        throw place.error("row \(first + wrong / max(1, rowSize)) is not 0 or 1, expected a flag")
      }
      for value in values { flags.append(value != 0) }
    }
    return flags
  }

  /// Reads a scalar string, or an array of one.
  public func readString() throws(HDF5Error) -> String {
    guard type.isString else { throw place.error("holds \(type), expected a string") }
    guard count == 1 else { throw place.error("has shape \(shape), expected one string") }
    return text
  }

  private func numbers<Element: HDF5Element>(
    _: Element.Type, _ wanted: Range<Int>, _ threads: Int
  ) throws(HDF5Error) -> [Element] {
    guard !type.isString else { throw place.error("holds \(type), expected numbers") }
    precondition(
      wanted.lowerBound >= 0 && wanted.upperBound <= rows,
      "rows \(wanted) of \(name), which has \(rows)")
    let count = wanted.count * rowSize
    var failure: HDF5Error?
    let values = [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      guard let target = buffer.baseAddress, count > 0 else { return }
      do throws(HDF5Error) {
        if let chunks {
          try chunks.read(
            wanted, of: file.source, threads: threads, as: stored, to: target, place)
        } else {
          try readByLibrary(wanted, to: target)
        }
        initialized = count
      } catch { failure = error }
    }
    if let failure { throw failure }
    return values
  }

  private func readByLibrary<Element: HDF5Element>(
    _ wanted: Range<Int>, to target: UnsafeMutablePointer<Element>
  ) throws(HDF5Error) {
    var request = bred_h5_request()
    (request.first, request.count) = (UInt64(wanted.lowerBound), UInt64(wanted.count))
    (request.width, request.memory) = (UInt64(rowSize), Element.memory)
    let child = try HDF5Child(file.source, file.limits, object: name, request)
    var done = 0
    while let answer = try child.next() {
      guard answer.record.kind == BRED_H5_ROWS.rawValue else { throw place.error(answer) }
      let rows = Int(clamping: answer.record.shape.0)
      guard rows > 0, rows <= wanted.count - done, rows * rowSize <= BRED_H5_ROWS_BYTES / 8 else {
        throw place.error("libhdf5 gave \(rows) rows that nobody asked for")
      }
      UnsafeMutableRawPointer(target + done * rowSize).copyMemory(
        from: child.rows, byteCount: rows * rowSize * MemoryLayout<Element>.size)
      done += rows
      child.goOn()
    }
    guard done == wanted.count else {
      throw place.error("libhdf5 gave \(done) of \(wanted.count) rows")
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
    case BRED_H5_TEXT.rawValue: self = .string(bytes: size)
    default: return nil
    }
  }
}
